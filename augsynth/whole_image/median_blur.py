"""The median of each pixel's square neighbourhood. It runs in NumPy. A NaN spreads over the square."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from augsynth.core.typing import Image
from augsynth.errors import ArgumentError
from augsynth.whole_image.description import WholeImageOperation

LARGEST_MEDIAN = 31
_VALUES_AT_ONCE = 2**15  # of each of the shifted images, so that all of them stay in a cache


def median_blur(image: Image, *, kernel_size: int) -> Image:
    """Replace each value by the median of `kernel_size` x `kernel_size` pixels of its channel.

    Beyond its edges the image repeats its outermost pixels, as in OpenCV.

    >>> median_blur(np.array([[[1], [9], [2]]], np.uint8), kernel_size=3).ravel().tolist()
    [1, 2, 2]
    """
    size = int(kernel_size)
    if size % 2 == 0 or not 0 < size <= LARGEST_MEDIAN:
        raise ArgumentError(f"kernel_size must be odd, 1 to {LARGEST_MEDIAN}, got {kernel_size!r}")
    reach = size // 2
    padded = np.pad(image, ((reach, reach), (reach, reach), (0, 0)), mode="edge")
    result = np.empty(image.shape, image.dtype)
    rows = max(_VALUES_AT_ONCE // image[0].size, 1)
    for first in range(0, len(image), rows):
        result[first : first + rows] = _medians(padded[first : first + rows + 2 * reach], size)
    return result


def _medians(padded: Image, size: int) -> Image:
    """The medians of an image that has been padded: shifted images are sorted by a network of minima and maxima."""
    height, width = len(padded) - size + 1, padded.shape[1] - size + 1
    shifted = [padded[y : y + height, x : x + width].copy() for y in range(size) for x in range(size)]
    spare = np.empty_like(shifted[0])
    for low, high in _selection(len(shifted)):
        np.minimum(shifted[low], shifted[high], out=spare)
        np.maximum(shifted[low], shifted[high], out=shifted[high])
        shifted[low], spare = spare, shifted[low]
    medians: Image = shifted[len(shifted) // 2]
    return medians


@lru_cache
def _selection(count: int) -> tuple[tuple[int, int], ...]:
    """The comparisons that bring the median of `count` values to the middle."""
    needed, kept = {count // 2}, []
    for pair in reversed(list(_comparisons(count))):
        if not needed.isdisjoint(pair):
            needed.update(pair)
            kept.append(pair)
    return tuple(reversed(kept))


def _comparisons(count: int) -> Iterator[tuple[int, int]]:
    """A sorting network: Batcher's odd-even merge sort (Knuth, "The Art of Computer Programming" 3, 5.2.2M)."""
    merged = 1
    while merged < count:
        distance = merged
        while distance >= 1:
            for start in range(distance % merged, count - distance, 2 * distance):
                for low in range(start, min(start + distance, count - distance)):
                    if low // (2 * merged) == (low + distance) // (2 * merged):
                        yield low, low + distance
            distance //= 2
        merged *= 2


MEDIAN_BLUR = WholeImageOperation("median_blur", median_blur, {"kernel_size": 3}, keeps_positions=True)
