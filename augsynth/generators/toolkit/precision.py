"""Floating-point format of convolutions and matrix products."""

from __future__ import annotations

import torch

PRECISIONS = ("auto", "float32", "bfloat16")
"""Values of a plugin's option `precision`."""


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """Return a context manager in which convolutions and matrix products run in bfloat16, or in float32.

    Args:
        device: device of the networks.
        precision: "float32", "bfloat16" or "auto". "auto" is bfloat16 on CUDA devices and on CPUs with matrix units for
            it (AMX), where it is two to four times as fast, and float32 elsewhere, where bfloat16 is emulated.

    >>> with autocast(torch.device("cpu"), "bfloat16"):
    ...     (torch.ones(2, 2) @ torch.ones(2, 2)).dtype
    torch.bfloat16
    """
    enabled = precision == "bfloat16" or (precision == "auto" and _has_bfloat16_units(device))
    return torch.autocast(device.type, torch.bfloat16, enabled=enabled)


def _has_bfloat16_units(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    # torch before 2.11 does not know the capabilities of the CPU, which then counts as a CPU without such units.
    capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    return device.type == "cpu" and bool(capabilities.get("amx_bf16", False))
