"""Polygons drawn as masks: a pixel belongs to a polygon if its centre lies inside, by the even-odd rule."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from augsynth.core.typing import Floats


def polygon_mask(points: Floats, size: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Return the mask (H, W) of a polygon.

    Args:
        points: (n, 2), x and y in pixels.
        size: (H, W).

    >>> polygon_mask(np.array([[1.0, 0], [3, 0], [3, 2], [1, 2]]), (3, 4)).astype(int).tolist()
    [[0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]]
    """
    height, width = size
    crossings = np.zeros((height, width + 1), np.int64)
    centres = np.arange(height) + 0.5
    for (x1, y1), (x2, y2) in zip(points, np.roll(points, -1, axis=0), strict=True):
        rows = np.flatnonzero((centres < y1) != (centres < y2))
        x = x1 + (centres[rows] - y1) * (x2 - x1) / (y2 - y1 or 1.0)
        crossings[rows, np.clip(np.ceil(x - 0.5), 0, width).astype(np.int64)] += 1
    inside: npt.NDArray[np.bool_] = crossings.cumsum(axis=1)[:, :width] % 2 == 1
    return inside
