"""Fog: clouds of white between the camera and what it sees."""

from __future__ import annotations

import numpy as np

from augsynth.core.scale import full_scale, stored
from augsynth.core.typing import Floats, Image
from augsynth.errors import ArgumentError
from augsynth.whole_image.colour_planes import colours_of
from augsynth.whole_image.description import WholeImageOperation


def fog(image: Image, *, density: Floats, coefficient: float) -> Image:
    """Mix colours with white: v becomes v + a (full scale - v), the law of Koschmieder with a white horizon.

    a is `coefficient` times the density, which passes smoothly from knot to knot (value noise, with the weights
    3 t² - 2 t³). The fourth of four channels stays.

    Args:
        image: an image (H, W, C).
        density: numbers (rows, columns), 0 to 1, at least two each; the outer ones lie on the edges of the image.
        coefficient: the share of white where the density is 1, 0 to 1.

    >>> fog(np.zeros((1, 4, 1), np.uint8), density=[[0, 1], [0, 1]], coefficient=1.0).ravel().tolist()
    [11, 81, 174, 244]
    """
    knots = np.asarray(density, np.float64)
    if knots.ndim != 2 or min(knots.shape) < 2 or not ((knots >= 0) & (knots <= 1)).all() or not 0 <= coefficient <= 1:
        raise ArgumentError(f"fog needs densities (rows, columns) in [0, 1] and a coefficient, got {knots.shape}")
    height, width = image.shape[:2]
    white = float(coefficient) * _along(_along(knots, height).T, width).T[..., None]
    result: Image = image.copy()
    colours = colours_of(result)
    colours[...] = stored(colours + white * (full_scale(image.dtype) - colours), image.dtype)
    return result


def _along(knots: Floats, count: int) -> Floats:
    """The values (count, …) at the centres of `count` pixels of knots (k, …), whose ends are the outer edges."""
    places = (np.arange(count) + 0.5) / count * (len(knots) - 1)
    first = places.astype(np.int64)
    t = places - first
    smooth = ((3 - 2 * t) * t * t)[:, None]
    values: Floats = knots[first] * (1 - smooth) + knots[first + 1] * smooth
    return values


FOG = WholeImageOperation("fog", fog, {"density": [[0.2, 0.9], [1.0, 0.4]], "coefficient": 0.7}, keeps_positions=True)
