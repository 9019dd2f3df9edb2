"""Stretching channels over the full scale."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from augsynth import _native
from augsynth.core.scale import full_scale
from augsynth.core.typing import Image
from augsynth.whole_image import torch_scale
from augsynth.whole_image.description import WholeImageOperation
from augsynth.whole_image.histograms import LEVELS, Channel, Counts, Levels, by_channel, highest_level


def autocontrast(image: Image) -> Image:
    """Stretch each channel so that its smallest value becomes 0 and its largest the full scale.

    Integers are rounded down, and that exactly: Pillow and torchvision round the slope first, and may be a level off.

    >>> autocontrast(np.array([[[50], [75], [100]]], np.uint8)).ravel().tolist()
    [0, 127, 255]
    """
    if image.dtype == np.uint8:
        return _native.map_levels(image, _stretching(_native.count_levels(image)))
    return by_channel(image, _stretched)


def _stretching(counts: Counts) -> Levels:
    """The levels (C, 256) that `autocontrast` puts in the place of those that occur."""
    low, high = (counts > 0).argmax(axis=1, keepdims=True), highest_level(counts)
    stretched = np.clip((LEVELS - low) * 255 // np.maximum(high - low, 1), 0, 255)
    return np.where(low < high, stretched, LEVELS).astype(np.uint8)


def _stretched(channel: Channel) -> Channel:
    kept = channel[np.isfinite(channel)]
    low, high = (kept.min(), kept.max()) if kept.size else (0, 0)
    result: Channel = channel.copy()
    if low == high:
        return result
    if channel.dtype.kind == "u":
        result -= low
        result[...] = result.astype(np.uint64) * np.uint64(full_scale(channel.dtype)) // np.uint64(high - low)
    else:
        result[...] = np.clip((channel.astype(np.float64) - float(low)) / (float(high) - float(low)), 0.0, 1.0)
    return result


def _torch_autocontrast(image: Tensor) -> Tensor:
    """Compute `autocontrast` in torch's operations."""
    values = image.double()
    finite = values.isfinite()
    low = values.where(finite, torch.inf).amin((0, 1))
    high = values.where(finite, -torch.inf).amax((0, 1))
    flat = low >= high
    if image.dtype == torch.float32:
        stretched = ((values - low) / torch.where(flat, 1.0, high - low)).clamp(0.0, 1.0)
    else:
        scaled = (values - low).long() * int(torch_scale.full_scale(image.dtype))
        stretched = (scaled // torch.where(flat, 1, high - low).long()).double()
    return torch.where(flat, values, stretched).to(image.dtype)


AUTOCONTRAST = WholeImageOperation(
    "autocontrast", autocontrast, torch_function=_torch_autocontrast, keeps_positions=True, clamps_floats_to=1.0
)
