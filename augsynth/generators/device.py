"""Choice of the device."""

from __future__ import annotations

import torch

from augsynth.errors import ArgumentError


def choose_device(device: torch.device | str) -> torch.device:
    """Return a device that can be used; raise `ArgumentError` otherwise.

    Args:
        device: a device, its name, or "auto": CUDA if it is available, else the CPU.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError, TypeError) as cause:
        reason = str(cause).splitlines()[0]
        raise ArgumentError(f'device {str(device)!r} cannot be used: {reason}; "auto" takes what is there') from cause
    if chosen.type == "meta":
        raise ArgumentError('device "meta" holds no numbers; "auto" takes what is there')
    return chosen
