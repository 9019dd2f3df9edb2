"""Smoothing and sharpening by the neighbours of each pixel. A NaN spreads over the filter's footprint.

Sums have a fixed order, and each operation rounds exactly: results do not depend on the instruction set or the number
of threads.
"""

from __future__ import annotations

import torch
from torch import Tensor

from augsynth import _native
from augsynth.core.typing import Image
from augsynth.whole_image import torch_scale
from augsynth.whole_image.description import WholeImageOperation


def sharpness(image: Image, *, factor: float) -> Image:
    """Go from the smoothed image (`factor` 0) to the image (1) and beyond (above 1: sharper).

    Smoothed is the mean of 3x3 pixels with the middle one counted five times; pixels on the edge, which have no eight
    neighbours, stay as they are. The result is clamped to the full scale.

    >>> import numpy as np
    >>> image = np.zeros((3, 3, 1), np.uint8)
    >>> image[1, 1] = 130
    >>> [int(sharpness(image, factor=factor)[1, 1, 0]) for factor in (0.0, 1.5)]
    [50, 170]
    """
    return _native.sharpen(image, factor)


def _torch_sharpness(image: Tensor, *, factor: float) -> Tensor:
    """Compute `sharpness` in torch's operations."""
    values = image.float()
    if min(values.shape[:2]) > 2:
        inner = values[1:-1, 1:-1]
        rows = values[:-2] + values[1:-1] + values[2:]
        total = rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:] + inner * 4
        # Divided by a tensor: by a number, a device multiplies by the reciprocal, which rounds otherwise.
        smooth = total / torch.full((), 13.0, dtype=torch.float32, device=image.device)
        values = values.clone()
        values[1:-1, 1:-1] = smooth + (inner - smooth) * factor
    return torch_scale.stored(values.clamp(0.0, torch_scale.full_scale(image.dtype)), image.dtype)


SHARPNESS = WholeImageOperation(
    "sharpness",
    sharpness,
    {"factor": 1.7},
    torch_function=_torch_sharpness,
    keeps_positions=True,
    clamps_floats_to=1.0,
)
