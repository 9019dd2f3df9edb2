"""Checks that a CUDA device can be used: by torch, which makes the tensors, and by the kernels."""

from __future__ import annotations

import torch

from augsynth import _native
from augsynth.errors import ArgumentError, NativeError, shown


def checked_device(value: str | torch.device) -> torch.device:
    """Return the device that a user names: the CPU, or a CUDA device that can be used.

    Args:
        value: "cpu", "cuda", "cuda:1" or a `torch.device`.

    Raises `ArgumentError` for other devices, and `NativeError` if CUDA cannot be used.

    >>> checked_device("cpu")
    device(type='cpu')
    """
    try:
        device = torch.device(value)
    except (RuntimeError, TypeError, ValueError):
        device = torch.device("meta")
    if device.type not in ("cpu", "cuda"):
        raise ArgumentError(f"device must be 'cpu', 'cuda' or one of its numbers, as 'cuda:1', got {shown(value)}")
    if device.type == "cuda":
        require_cuda()
    return device


def numbered(device: torch.device) -> torch.device:
    """Return a device with its number; "cuda" becomes the current device.

    Args:
        device: any device.
    """
    if device.type == "cuda" and device.index is None:
        return torch.device("cuda", torch.cuda.current_device())
    return device


def require_cuda() -> None:
    """Raise `NativeError` that names the missing part: the kernels, torch's CUDA, or a device."""
    _native.cuda()
    if torch.version.cuda is None:
        raise NativeError("this torch is a CPU build, without CUDA: install one with it, from https://pytorch.org")
    if not torch.cuda.is_available():
        raise NativeError("torch finds no CUDA device here: `nvidia-smi` and `augsynth info` say what there is")
