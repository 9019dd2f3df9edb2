"""Operations that look at how often a channel's values occur. Channels are treated each by itself.

NaN and infinite values are not counted; NaN stays NaN. A constant channel stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from augsynth import _native
from augsynth.operations.scale import Image, full_scale, stored

Channel = Image
Counts = npt.NDArray[np.int64]
Levels = npt.NDArray[np.uint8]

LEVELS = np.arange(256)


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
    return _by_channel(image, _equalized)


def autocontrast(image: Image) -> Image:
    """Stretch each channel so that its smallest value becomes 0 and its largest the full scale.

    Integers are rounded down, and that exactly: Pillow and torchvision round the slope first, and may be a level off.

    >>> autocontrast(np.array([[[50], [75], [100]]], np.uint8)).ravel().tolist()
    [0, 127, 255]
    """
    if image.dtype == np.uint8:
        return _native.map_levels(image, _stretching(_native.count_levels(image)))
    return _by_channel(image, _stretched)


def _by_channel(image: Image, function: Callable[[Channel], Channel]) -> Image:
    return np.stack([function(image[..., channel]) for channel in range(image.shape[-1])], axis=-1)


def _equalizing(counts: Counts) -> Levels:
    """The levels (C, 256) that `equalize` puts in the place of those that occur so often."""
    below = np.cumsum(counts, axis=1) - counts
    step = np.take_along_axis(below, _highest(counts), axis=1) // 255
    spread = np.minimum((below + step // 2) // np.maximum(step, 1), 255)
    return np.where(step > 0, spread, LEVELS).astype(np.uint8)


def _stretching(counts: Counts) -> Levels:
    """The levels (C, 256) that `autocontrast` puts in the place of those that occur."""
    low, high = (counts > 0).argmax(axis=1, keepdims=True), _highest(counts)
    stretched = np.clip((LEVELS - low) * 255 // np.maximum(high - low, 1), 0, 255)
    return np.where(low < high, stretched, LEVELS).astype(np.uint8)


def _highest(counts: Counts) -> Counts:
    """The highest level (C, 1) that occurs."""
    highest: Counts = 255 - (counts[:, ::-1] > 0).argmax(axis=1, keepdims=True)
    return highest


def _equalized(channel: Channel) -> Channel:
    kept = np.isfinite(channel)
    levels, place, counts = np.unique(channel[kept], return_inverse=True, return_counts=True)
    result: Channel = channel.copy()
    if len(levels) > 1:
        below = np.cumsum(counts) - counts
        spread = full_scale(channel.dtype) * below / below[-1]
        result[kept] = stored(spread, channel.dtype)[place.ravel()]
    return result


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
