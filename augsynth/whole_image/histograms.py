"""Counting levels, and working on channels each by itself: shared by `equalize` and `autocontrast`.

NaN and infinite values are not counted; NaN stays NaN. A constant channel stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from augsynth.core.typing import Image

Channel = Image
Counts = npt.NDArray[np.int64]
Levels = npt.NDArray[np.uint8]

LEVELS = np.arange(256)


def by_channel(image: Image, function: Callable[[Channel], Channel]) -> Image:
    """The image with each channel (H, W) as `function` makes it."""
    return np.stack([function(image[..., channel]) for channel in range(image.shape[-1])], axis=-1)


def highest_level(counts: Counts) -> Counts:
    """The highest level (C, 1) that occurs."""
    level: Counts = 255 - (counts[:, ::-1] > 0).argmax(axis=1, keepdims=True)
    return level
