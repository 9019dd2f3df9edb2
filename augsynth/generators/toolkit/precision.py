"""Which floating-point format convolutions and matrix products use."""

from __future__ import annotations

import torch

PRECISIONS = ("auto", "float32", "bfloat16")
"""What a plugin's `precision` option may be."""


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """A context in which convolutions and matrix products run in bfloat16, or in float32.

    "auto" is bfloat16 on CUDA devices and CPUs with matrix units for it (AMX), where it is two to four times as fast,
    and float32 elsewhere, where bfloat16 would be emulated.

    >>> with autocast(torch.device("cpu"), "bfloat16"):
    ...     (torch.ones(2, 2) @ torch.ones(2, 2)).dtype
    torch.bfloat16
    """
    enabled = precision == "bfloat16" or (precision == "auto" and _has_bfloat16_units(device))
    return torch.autocast(device.type, torch.bfloat16, enabled=enabled)


def _has_bfloat16_units(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    # torch tells what the CPU can do from version 2.11 on; before, it is taken to have no such units.
    capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    return device.type == "cpu" and bool(capabilities.get("amx_bf16", False))
