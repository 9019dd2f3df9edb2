"""Batches (n, 3, 3) of matrices in continuous image coordinates: x to the right, y down, corners at integers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Values = Floats | float


def matrix(a: Values, b: Values, c: Values, d: Values, e: Values, f: Values) -> Floats:
    """[[a, b, c], [d, e, f], [0, 0, 1]] for each sample."""
    entries = (a, b, c, d, e, f)
    result = np.zeros((next((len(one) for one in entries if isinstance(one, np.ndarray)), 1), 9))
    for place, entry in enumerate(entries):
        result[:, place] = entry
    result[:, 8] = 1.0
    return result.reshape(-1, 3, 3)


def translation(x: Values, y: Values) -> Floats:
    """Move by (x, y)."""
    return matrix(1.0, 0.0, x, 0.0, 1.0, y)


def scaling(x: Values, y: Values) -> Floats:
    """Scale about the origin."""
    return matrix(x, 0.0, 0.0, 0.0, y, 0.0)


def rotation(degrees: Floats) -> Floats:
    """Turn counter-clockwise as seen on screen, about the origin; exact for multiples of 90 degrees."""
    cos, sin = _cos_sin(degrees)
    return matrix(cos, sin, 0.0, -sin, cos, 0.0)


def shearing(x_degrees: Values, y_degrees: Values) -> Floats:
    """Shear along x, then along y (torchvision's convention: each enters as minus its tangent)."""
    x = -np.tan(np.radians(x_degrees))
    y = -np.tan(np.radians(y_degrees))
    return matrix(1.0, 0.0, 0.0, y, 1.0, 0.0) @ matrix(1.0, x, 0.0, 0.0, 1.0, 0.0)


def about(linear: Floats, x: Values, y: Values) -> Floats:
    """The map `linear` with (x, y) as its fixed point."""
    return translation(x, y) @ linear @ translation(-np.asarray(x), -np.asarray(y))


def affine_inverse(forward: Floats) -> Floats:
    """Inverses of affine maps, in closed form, so that quarter turns and flips stay exact."""
    a, b, c = forward[:, 0, 0], forward[:, 0, 1], forward[:, 0, 2]
    d, e, f = forward[:, 1, 0], forward[:, 1, 1], forward[:, 1, 2]
    det = a * e - b * d
    ia, ib, id_, ie = e / det, -b / det, -d / det, a / det
    return matrix(ia, ib, -(ia * c + ib * f), id_, ie, -(id_ * c + ie * f))


def _cos_sin(degrees: Floats) -> tuple[Floats, Floats]:
    turns = np.round(degrees / 90.0)
    exact = degrees == turns * 90.0
    quarter = turns.astype(np.int64) % 4
    radians = np.radians(degrees)
    cos = np.where(exact, np.array([1.0, 0.0, -1.0, 0.0])[quarter], np.cos(radians))
    sin = np.where(exact, np.array([0.0, 1.0, 0.0, -1.0])[quarter], np.sin(radians))
    return cos, sin
