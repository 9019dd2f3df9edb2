"""Cubic B-splines over a grid of control points, as `docs/design/numerics.md` defines displacements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from augsynth.core.typing import Floats

_SIXTH = 1 / 6
CONTROLS_BEYOND = 2  # values beyond each end of an axis that `controls_through` reads


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


def control_grid(entry: np.void, offsets: Floats) -> Floats:
    """The control points (rows, columns, 2) of an entry of `layout.DISPLACEMENT`, in the table `offsets` (m, 2)."""
    rows, columns = map(int, entry["grid"])
    return offsets[entry["first"] : entry["first"] + rows * columns].reshape(rows, columns, 2)


def controls_through(values: Floats) -> Floats:
    """Control points (..., rows, columns, k) of a spline through values (..., rows + 4, columns + 4, k) at the knots.

    It is exact for polynomials of fifth degree along each axis, and leaves 1/216 of the sixth differences of others.

    >>> square = np.arange(-3.0, 5.0) ** 2
    >>> controls_through(np.tile(square, (8, 1))[..., None])[0, :, 0].round(9).tolist()
    [0.666666667, -0.333333333, 0.666666667, 3.666666667]
    """
    for axis in (-3, -2):
        moved = np.moveaxis(values, axis, 0)
        # The inverse of (c[-1] + 4 c[0] + c[1]) / 6 = c + second difference / 6, as a series.
        second = moved[:-2] - 2 * moved[1:-1] + moved[2:]
        fourth = second[:-2] - 2 * second[1:-1] + second[2:]
        values = np.moveaxis(moved[2:-2] - second[1:-1] / 6 + fourth / 36, 0, axis)
    return values


def cell_controls(grid: Floats) -> Floats:
    """The control points (4 rows, 4 columns, 2, n) of the n cells of a grid, row by row."""
    windows = sliding_window_view(grid, (4, 4), axis=(0, 1))
    return np.ascontiguousarray(windows.transpose(3, 4, 2, 0, 1).reshape(4, 4, 2, -1))


def field_at(cells: Floats, columns: int, origin: Floats, spacing: Floats, points: Floats) -> tuple[Floats, Floats]:
    """The displacement (2, n) at points (2, n), and its derivatives (2, 2, n): [[dx/dx, dx/dy], [dy/dx, dy/dy]].

    Along an axis on which a point lies outside of the grid, the displacement is constant. Numbers of one kind lie
    together, which makes this several times as fast as `offsets_at`, but sums round in another order.

    Args:
        cells: the grid's `cell_controls`.
        columns: the number of columns of the grid.
        origin: (x, y) of the first control point.
        spacing: (x, y), the distance of neighbouring control points.
        points: (x, y) of the points.

    >>> grid = np.tile(np.array([0.0, 4.0, 8.0, 12.0, 16.0])[:, None], (5, 1, 2))
    >>> points = np.array([[16.0, 99.0], [16.0, 16.0]])
    >>> field_at(cell_controls(grid), 5, np.zeros(2), np.full(2, 8.0), points)[1].round(9).tolist()
    [[[0.5, 0.0], [0.0, 0.0]], [[0.5, 0.0], [0.0, 0.0]]]
    """
    rows = cells.shape[-1] // (columns - 3) + 3
    k, m = (points - origin[:, None]) / spacing[:, None]
    (i, across), (j, down) = _located(k, columns), _located(m, rows)
    near = cells.take(j * (columns - 3) + i, axis=-1)
    lines = weighed(near, down)
    dx = weighed(lines, _slope_weights(k, i + 1, columns)) / spacing[0]
    dy = weighed(weighed(near, _slope_weights(m, j + 1, rows)), across) / spacing[1]
    return weighed(lines, across), np.stack([dx, dy], axis=1)


def weighed(values: Floats, weights: Sequence[float | Floats]) -> Floats:
    """The sum over the first axis, of four, by four weights."""
    a, b, c, d = (weight * value for weight, value in zip(weights, values, strict=True))
    total: Floats = a + b + c + d
    return total


def _slope_weights(k: Floats, whole: npt.NDArray[np.int64], count: int) -> tuple[Floats, Floats, Floats, Floats]:
    """The derivatives of `spline_weights` at knot coordinates `k`, 0 outside of the grid."""
    inside = ((k >= 1.0) & (k <= count - 2.0)).astype(np.float64)
    t = np.clip(k - whole, 0.0, 1.0)
    u = 1 - t
    return -u * u / 2 * inside, (1.5 * t - 2) * t * inside, (2 - 1.5 * u) * u * inside, t * t / 2 * inside
