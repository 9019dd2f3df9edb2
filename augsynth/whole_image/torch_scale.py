"""The scale of an image's values in torch: the twin of `augsynth.core.scale`, to the bit."""

from __future__ import annotations

import torch


def stored(values: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """See `augsynth.core.scale.stored`."""
    if dtype == torch.float32:
        return values.to(dtype)
    return (values.clamp(0.0, full_scale(dtype)) + 0.5).floor().to(torch.int32).to(dtype)


def full_scale(dtype: torch.dtype) -> float:
    """See `augsynth.core.scale.full_scale`."""
    return {torch.uint8: 255.0, torch.uint16: 65535.0}.get(dtype, 1.0)
