"""Equalising histograms."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from augsynth import _native
from augsynth.core.scale import full_scale, stored
from augsynth.core.typing import Image
from augsynth.whole_image import torch_scale
from augsynth.whole_image.description import WholeImageOperation
from augsynth.whole_image.histograms import LEVELS, Channel, Counts, Levels, by_channel, highest_level


def equalize(image: Image) -> Image:
    """Spread each channel's values evenly over the full scale.

    uint8 follows Pillow and torchvision: with h pixels below v's level and n below the highest level that occurs, and
    s = n // 255, v becomes (h + s // 2) // s, at most 255; where s = 0 the channel stays as it is. uint16 and float32,
    whose levels are too many to be counted so, become full scale * h / n, with h the pixels that are smaller than v.

    >>> equalize(np.array([[[0.25], [0.5], [0.75]]], np.float32)).ravel().tolist()
    [0.0, 0.5, 1.0]
    """
    if image.dtype == np.uint8:
        return _native.map_levels(image, _equalizing(_native.count_levels(image)))
    return by_channel(image, _equalized)


def _equalizing(counts: Counts) -> Levels:
    """Return the new level (C, 256) of each level, from the number of times that each occurs."""
    below = np.cumsum(counts, axis=1) - counts
    step = np.take_along_axis(below, highest_level(counts), axis=1) // 255
    spread = np.minimum((below + step // 2) // np.maximum(step, 1), 255)
    return np.where(step > 0, spread, LEVELS).astype(np.uint8)


def _equalized(channel: Channel) -> Channel:
    kept = np.isfinite(channel)
    levels, numbers, counts = np.unique(channel[kept], return_inverse=True, return_counts=True)
    result: Channel = channel.copy()
    if len(levels) > 1:
        below = np.cumsum(counts) - counts
        spread = full_scale(channel.dtype) * below / below[-1]
        result[kept] = stored(spread, channel.dtype)[numbers.ravel()]
    return result


def _torch_equalize(image: Tensor) -> Tensor:
    """Compute `equalize` in torch's operations."""
    channels = image.reshape(-1, image.shape[2]).T
    equalized = _torch_equalized_bytes(channels) if image.dtype == torch.uint8 else _torch_equalized(channels)
    return equalized.T.reshape(image.shape)


def _torch_equalized_bytes(channels: Tensor) -> Tensor:
    levels = channels.long()
    counts = torch.zeros(len(levels), 256, dtype=torch.long, device=levels.device)
    counts.scatter_add_(1, levels, torch.ones_like(levels))
    below = counts.cumsum(1) - counts
    step = below.gather(1, levels.amax(1, keepdim=True)) // 255
    spread = ((below + step // 2) // step.clamp(min=1)).clamp(max=255)
    table = torch.where(step > 0, spread, torch.arange(256, device=levels.device))
    return table.gather(1, levels).to(torch.uint8)


def _torch_equalized(channels: Tensor) -> Tensor:
    values = channels.contiguous().double()
    finite = values.isfinite()
    ordered = values.where(finite, torch.inf).sort(dim=1).values
    below = torch.searchsorted(ordered, values.where(finite, 0.0))
    highest = values.where(finite, -torch.inf).amax(1, keepdim=True)
    total = torch.searchsorted(ordered, highest)
    spread = torch_scale.stored(
        torch_scale.full_scale(channels.dtype) * below.double() / total.clamp(min=1), channels.dtype
    )
    # By way of float64, which holds all values, because torch has few operations on uint16.
    return torch.where(finite & (total > 0), spread.double(), values).to(channels.dtype)


EQUALIZE = WholeImageOperation(
    "equalize", equalize, torch_function=_torch_equalize, keeps_positions=True, clamps_floats_to=1.0
)
