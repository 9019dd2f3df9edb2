"""What works on whole images, between passes: filters, and the levels of bytes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from augsynth._native.arguments import Array
from augsynth._native.extensions import _cpu


def blur(image: Array, x: npt.NDArray[np.float32], y: npt.NDArray[np.float32]) -> Array:
    """Convolve an image (H, W, C) of uint8, uint16 or float32 with symmetric kernels along its lines and columns.

    Of a kernel of 2m + 1 weights, m up to 2047, `x` and `y` hold the first m and the one in the middle. With v the
    values under it, a sum is v[m] k[m] + (v[0] + v[2m]) k[0] + (v[1] + v[2m-1]) k[1] + ..., rounded in this order on
    every instruction set; `x` goes first. Beyond its edges the image is reflected about the outermost pixel centres.

    >>> spot = np.array([[[0], [0], [100], [0], [0]]], np.uint8)
    >>> blur(spot, np.array([0.25, 0.5], np.float32), np.ones(1, np.float32)).ravel().tolist()
    [0, 25, 50, 25, 0]
    """
    return _cpu.blur(image, x, y)


def sharpen(image: Array, factor: float) -> Array:
    """Go from the smoothed image (`factor` 0) to the image (1) and beyond; (H, W, C) of uint8, uint16 or float32.

    With s the sum of 3x3 values, columns first, plus four times the middle one, over 13, a value v becomes
    s + (v - s) `factor`, rounded in this order, and clamped to the full scale. Pixels on the edge stay.
    """
    return _cpu.sharpen(image, factor)


def clahe(image: Array, clip_limit: float, columns: int, rows: int) -> Array:
    """Equalise each channel of an image by the histograms of tiles, as `augsynth.whole_image.clahe` describes.

    Args:
        image: (H, W, C) of uint8, uint16 or float32.
        clip_limit: the largest count of a level, as a multiple of the mean count; above 0.
        columns: the number of tiles in a row, at least 1.
        rows: the number of rows of tiles, at least 1.
    """
    return _cpu.clahe(image, clip_limit, columns, rows)


def count_levels(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """How often each level occurs in each channel (C, 256) of an image (H, W, C).

    >>> count_levels(np.array([[[7], [9], [9]]], np.uint8))[0, 7:10].tolist()
    [1, 0, 2]
    """
    return _cpu.count_levels(image)


def map_levels(image: npt.NDArray[np.uint8], levels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """An image with `levels` (C, 256) in the place of those of each channel."""
    return _cpu.map_levels(image, levels)
