"""Blurring and sharpening. A NaN spreads over the filter's footprint, as in any convolution.

Sums have a fixed order, and each operation rounds exactly: results do not depend on the instruction set or the number
of threads.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from augsynth import _native
from augsynth.errors import ArgumentError
from augsynth.operations.scale import Image, full_scale, stored

# A margin as wide as half of it is put around an image.
LARGEST_KERNEL = 4095

Singles = npt.NDArray[np.float32]


@np.errstate(over="ignore", invalid="ignore")
def gaussian_blur(image: Image, *, kernel_size: Sequence[int], sigma: float) -> Image:
    """Convolve with a normal kernel of `kernel_size` = (width, height) pixels, both odd, and `sigma` pixels.

    The kernel is exp(-t**2 / (2 sigma**2)) at whole t, divided by its sum. Beyond its edges the image is reflected
    about the outermost pixel centres (reflect101), again and again where the kernel is larger than the image.

    >>> spot = np.zeros((1, 5, 1), np.uint8)
    >>> spot[0, 2] = 100
    >>> gaussian_blur(spot, kernel_size=(3, 1), sigma=1.0)[0, :, 0].tolist()
    [0, 27, 45, 27, 0]
    """
    sizes = check_kernel(kernel_size, sigma)
    values = image.astype(np.float32)
    for axis, size in zip((1, 0), sizes, strict=True):
        values = _convolved(values, normal_kernel(size, sigma), axis)
    return stored(values, image.dtype)


def check_kernel(kernel_size: Sequence[int], sigma: float) -> list[int]:
    """The sizes as whole numbers; `ArgumentError` unless they and `sigma` make a kernel."""
    sizes = [int(size) for size in kernel_size]
    if not sigma > 0 or any(size % 2 == 0 or not 0 < size <= LARGEST_KERNEL for size in sizes):
        raise ArgumentError(
            f"a kernel must be of odd size up to {LARGEST_KERNEL} and of sigma > 0, got {sizes} and {sigma!r}"
        )
    return sizes


def normal_kernel(size: int, sigma: float) -> Singles:
    """The `size` weights of a normal kernel; they sum to 1.

    >>> [round(float(weight), 2) for weight in normal_kernel(3, 1.0)]
    [0.27, 0.45, 0.27]
    """
    distances = [(i - size // 2) / float(sigma) for i in range(size)]
    weights = [math.exp(-0.5 * t * t) for t in distances]
    return (np.array(weights) / math.fsum(weights)).astype(np.float32)


def _convolved(values: Singles, kernel: Singles, axis: int) -> Singles:
    """The convolution with a symmetric kernel along one axis."""
    middle = len(kernel) // 2
    margins = [(0, 0)] * 3
    margins[axis] = (middle, middle)
    padded = np.ascontiguousarray(np.pad(values, margins, mode="reflect"))
    sums = _native.convolve(padded.reshape(-1), kernel[: middle + 1], padded.strides[axis] // padded.itemsize)
    # Sums that lie across the end of a line mean nothing, and are behind the picture's columns.
    return np.lib.stride_tricks.as_strided(sums, values.shape, padded.strides)


@np.errstate(over="ignore", invalid="ignore")
def sharpness(image: Image, *, factor: float) -> Image:
    """Go from the smoothed image (`factor` 0) to the image (1) and beyond (above 1: sharper).

    Smoothed is the mean of 3x3 pixels with the middle one counted five times; pixels on the edge, which have no eight
    neighbours, stay as they are. The result is clamped to the full scale.

    >>> image = np.zeros((3, 3, 1), np.uint8)
    >>> image[1, 1] = 130
    >>> [int(sharpness(image, factor=factor)[1, 1, 0]) for factor in (0.0, 1.5)]
    [50, 170]
    """
    values = image.astype(np.float32)
    if min(values.shape[:2]) > 2:
        inner = values[1:-1, 1:-1]
        smooth = _smoothed(values)
        inner[...] = smooth + (inner - smooth) * np.float32(factor)
    return stored(np.clip(values, 0.0, full_scale(image.dtype)), image.dtype)


def _smoothed(values: Singles) -> Singles:
    """The smoothed inner pixels, (H - 2, W - 2, C)."""
    rows = values[:-2] + values[1:-1] + values[2:]
    total: Singles = rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:] + np.float32(4) * values[1:-1, 1:-1]
    total /= np.float32(13)
    return total
