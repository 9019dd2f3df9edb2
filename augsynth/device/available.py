"""Whether a CUDA device can be used: by torch, which makes the tensors, and by the kernels."""

from __future__ import annotations

import torch

from augsynth import _native
from augsynth.errors import NativeError


def require_cuda() -> None:
    """Raise `NativeError` that says what is missing: the kernels, torch's CUDA, or a device."""
    _native.cuda()
    if torch.version.cuda is None:
        raise NativeError("this torch is a CPU build, without CUDA: install one with it, from https://pytorch.org")
    if not torch.cuda.is_available():
        raise NativeError("torch finds no CUDA device here: `nvidia-smi` and `augsynth info` say what there is")
