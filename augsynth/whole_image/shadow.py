"""Shadows: polygons in which the colours of an image are darker."""

from __future__ import annotations

import numpy as np

from augsynth.core.scale import stored
from augsynth.core.typing import Floats, Image, Mask
from augsynth.errors import ArgumentError
from augsynth.whole_image.colour_planes import colours_of
from augsynth.whole_image.description import WholeImageOperation


def shadow(image: Image, *, corners: Floats, darkness: Floats) -> Image:
    """Multiply the colours inside each polygon by 1 - its darkness; where polygons overlap, by both.

    A pixel is inside if its centre is, by the even-odd rule. The fourth of four channels stays.

    Args:
        image: an image (H, W, C).
        corners: polygons (m, k, 2), as (x, y) in shares of the width and the height.
        darkness: numbers (m,), 0 to 1.

    >>> half = np.array([[[0.0, 0.0], [0.5, 0.0], [0.5, 1.0], [0.0, 1.0]]])
    >>> shadow(np.full((1, 4, 1), 100, np.uint8), corners=half, darkness=np.array([0.25])).ravel().tolist()
    [75, 75, 100, 100]
    """
    corners, darkness = np.asarray(corners, np.float64), np.asarray(darkness, np.float64)
    if corners.ndim != 3 or corners.shape[0::2] != (len(darkness), 2) or not ((darkness >= 0) & (darkness <= 1)).all():
        raise ArgumentError(f"a shadow needs polygons (m, k, 2) and m numbers in [0, 1], got {corners.shape}")
    height, width = image.shape[:2]
    light = np.ones((height, width))
    for polygon, dark in zip(corners, darkness.tolist(), strict=True):
        light[_inside(polygon * (width, height), height, width)] *= 1.0 - dark
    result: Image = image.copy()
    colours = colours_of(result)
    changed = light < 1.0
    colours[changed] = stored(colours[changed] * light[changed][:, None], image.dtype)
    return result


def _inside(polygon: Floats, height: int, width: int) -> Mask:
    """The pixels (H, W) whose centres lie inside a polygon (k, 2): the edges to the left of them are odd in number."""
    x, y = np.arange(width) + 0.5, np.arange(height) + 0.5
    inside = np.zeros((height, width), bool)
    for (x1, y1), (x2, y2) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        rows = np.flatnonzero((y1 <= y) != (y2 <= y))
        crossing = x1 + (y[rows] - y1) * (x2 - x1) / (y2 - y1 if y1 != y2 else 1.0)
        inside[rows] ^= x > crossing[:, None]
    return inside


SHADOW = WholeImageOperation(
    "shadow",
    shadow,
    {"corners": [[[0.1, 0.2], [0.9, 0.3], [0.4, 0.8]]], "darkness": [0.5]},
    keeps_positions=True,
)
