"""Batches (n, 3, 3) of matrices in continuous image coordinates: x to the right, y down, corners at integers."""

from __future__ import annotations

import numpy as np

from augsynth import _native
from augsynth.core.geometry import compose
from augsynth.core.typing import Floats

Values = Floats | float


def matrix(a: Values, b: Values, c: Values, d: Values, e: Values, f: Values) -> Floats:
    """[[a, b, c], [d, e, f], [0, 0, 1]] for each sample."""
    return _native.affine(a, b, c, d, e, f)


def translation(x: Values, y: Values) -> Floats:
    """Move by (x, y)."""
    return matrix(1.0, 0.0, x, 0.0, 1.0, y)


def scaling(x: Values, y: Values) -> Floats:
    """Scale about the origin."""
    return matrix(x, 0.0, 0.0, 0.0, y, 0.0)


def rotation(degrees: Floats, x: Values = 0.0, y: Values = 0.0) -> Floats:
    """Turn counter-clockwise as seen on screen, about (x, y); exact for multiples of 90 degrees."""
    cos, sin = _cos_sin(degrees)
    return _native.about(cos, sin, -sin, cos, x, y)


def shearing(x_degrees: Values, y_degrees: Values) -> Floats:
    """Shear along x, then along y (torchvision's convention: each enters as minus its tangent)."""
    x = -np.tan(np.radians(x_degrees))
    y = -np.tan(np.radians(y_degrees))
    return compose(matrix(1.0, 0.0, 0.0, y, 1.0, 0.0), matrix(1.0, x, 0.0, 0.0, 1.0, 0.0))


def about(linear: Floats, x: Values, y: Values) -> Floats:
    """The map `linear`, which keeps the origin, with (x, y) as its fixed point instead."""
    return _native.about(linear[:, 0, 0], linear[:, 0, 1], linear[:, 1, 0], linear[:, 1, 1], x, y)


def affine_inverse(forward: Floats) -> Floats:
    """Inverses of affine maps, in closed form, so that quarter turns and flips stay exact."""
    a, b, c = forward[:, 0, 0], forward[:, 0, 1], forward[:, 0, 2]
    d, e, f = forward[:, 1, 0], forward[:, 1, 1], forward[:, 1, 2]
    det = a * e - b * d
    ia, ib, id_, ie = e / det, -b / det, -d / det, a / det
    return matrix(ia, ib, -(ia * c + ib * f), id_, ie, -(id_ * c + ie * f))


def _cos_sin(degrees: Floats) -> tuple[Floats, Floats]:
    radians = np.radians(degrees)
    cos, sin = np.cos(radians), np.sin(radians)
    turns = np.rint(degrees / 90.0)
    exact = degrees == turns * 90.0
    if np.count_nonzero(exact):  # several times as quick as `any`
        quarter = turns[exact].astype(np.int64) % 4
        cos[exact] = np.array([1.0, 0.0, -1.0, 0.0])[quarter]
        sin[exact] = np.array([0.0, 1.0, 0.0, -1.0])[quarter]
    return cos, sin
