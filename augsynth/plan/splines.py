"""Cubic B-splines over a grid of control points, as `docs/design/numerics.md` defines displacements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_SIXTH = 1 / 6
_FOUR = np.arange(4)


def spline_weights(t: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """The weights of the four control points around positions, for the fractions `t` of their coordinates.

    >>> [float(weight) * 6 for weight in spline_weights(np.array(0.0))]
    [1.0, 4.0, 1.0, 0.0]
    """
    u = 1 - t
    return u * u * u * _SIXTH, _inner_weight(t), _inner_weight(u), t * t * t * _SIXTH


def _inner_weight(t: Floats) -> Floats:
    weight: Floats = ((3 * t - 6) * t * t + 4) * _SIXTH
    return weight


def offsets_at(
    grid: Floats, origin: npt.ArrayLike, spacing: npt.ArrayLike, x: npt.ArrayLike, y: npt.ArrayLike
) -> tuple[Floats, Floats]:
    """The displacement (dx, dy) at points (x, y), in the order of operations that all executors keep.

    Args:
        grid: control points, (rows, columns, 2) as (x, y) in pixels, at least 4x4.
        origin: (x, y) of the first control point.
        spacing: (x, y), the distance of neighbouring control points.
        x: the points' x, of any shape; with `y` it is broadcast.
        y: the points' y.

    >>> constant = np.full((5, 4, 2), (3.0, -1.0))
    >>> [round(float(d), 12) for d in offsets_at(constant, (0, 0), (8, 8), 12.5, 20.0)]
    [3.0, -1.0]
    """
    rows, columns = grid.shape[:2]
    (left, top), (step_x, step_y) = np.asarray(origin, np.float64), np.asarray(spacing, np.float64)
    i, across = _located((np.asarray(x, np.float64) - left) / step_x, columns)
    j, down = _located((np.asarray(y, np.float64) - top) / step_y, rows)
    total: Any = -0.0
    for column, weight in enumerate(across):
        line: Any = -0.0
        for row, share in enumerate(down):
            line = line + share[..., None] * grid[j + row, i + column]
        total = total + weight[..., None] * line
    return total[..., 0], total[..., 1]


def _located(k: Floats, count: int) -> tuple[npt.NDArray[np.int64], tuple[Floats, Floats, Floats, Floats]]:
    """The first of the four control points around knot coordinates `k`, and the weights of the four."""
    k = np.minimum(np.maximum(k, 1.0), count - 2.0)
    whole = np.minimum(np.floor(k), count - 3.0)
    return whole.astype(np.int64) - 1, spline_weights(k - whole)


def slopes_at(grid: Floats, origin: npt.ArrayLike, spacing: npt.ArrayLike, points: Floats) -> Floats:
    """The derivatives (n, 2, 2) of the displacement at points (n, 2): [[dx/dx, dx/dy], [dy/dx, dy/dy]].

    The other parameters are those of `offsets_at`. Along an axis on which a point lies outside of the grid, the
    displacement is constant.

    >>> grid = np.tile(np.array([0.0, 4.0, 8.0, 12.0, 16.0])[:, None], (5, 1, 2))
    >>> slopes_at(grid, (0, 0), (8, 8), np.array([[16.0, 16.0], [99.0, 16.0]])).round(9).tolist()
    [[[0.5, 0.0], [0.5, 0.0]], [[0.0, 0.0], [0.0, 0.0]]]
    """
    rows, columns = grid.shape[:2]
    (left, top), (step_x, step_y) = np.asarray(origin, np.float64), np.asarray(spacing, np.float64)
    k, m = (points[:, 0] - left) / step_x, (points[:, 1] - top) / step_y
    i, across = _located(k, columns)
    j, down = _located(m, rows)
    slope_across = _slope_weights(k, i + 1, columns)
    slope_down = _slope_weights(m, j + 1, rows)
    around = (j[:, None] + _FOUR)[:, :, None] * columns + (i[:, None] + _FOUR)[:, None]
    controls = grid.reshape(-1, 2).take(around.reshape(-1, 16), axis=0)
    slopes = (_products(down, slope_across) / step_x, _products(slope_down, across) / step_y)
    return np.stack([(weights[..., None] * controls).sum(axis=1) for weights in slopes], axis=-1)


def _products(down: Sequence[Floats], across: Sequence[Floats]) -> Floats:
    """The weights (n, 16) of the control points, row by row."""
    return np.stack([row * column for row in down for column in across], axis=-1)


def _slope_weights(k: Floats, whole: npt.NDArray[np.int64], count: int) -> tuple[Floats, Floats, Floats, Floats]:
    """The derivatives of `spline_weights` at knot coordinates `k`, 0 outside of the grid."""
    inside = ((k >= 1.0) & (k <= count - 2.0)).astype(np.float64)
    t = np.clip(k - whole, 0.0, 1.0)
    u = 1 - t
    return -u * u / 2 * inside, (1.5 * t - 2) * t * inside, (2 - 1.5 * u) * u * inside, t * t / 2 * inside
