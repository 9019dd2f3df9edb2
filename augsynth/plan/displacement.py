"""Displacements: where the curved map of a pass takes points, outlines and boxes, and back.

A pass may move each pixel by a vector of its own: source = after(p + d(p)), p = before(output). d is a cubic B-spline
over a grid of control points. All coordinates are continuous: pixel i spans [i, i + 1).

**Condition.** Points are taken from the source to the output by solving p + d(p) = q. That has exactly one solution for
every q if d brings no two points together by their whole distance: (d(p) - d(q)) · (p - q) >= -m |p - q|² with m < 1.
`squeeze` is an upper bound of m. It follows from the differences of neighbouring control points, between which the
derivatives of a B-spline lie.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import ceil, hypot, inf, sqrt

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from augsynth._native.layout import Tables
from augsynth.core.geometry import Outline, box_corners, inverse_map, map_outline, map_points
from augsynth.core.typing import Array, Floats, Ints
from augsynth.errors import PlanError
from augsynth.plan.splines import offsets_at, slopes_at

LARGEST_SQUEEZE = 0.95
OUTLINE_TOLERANCE = 0.1  # pixels between an outline's pieces, which are straight, and the curve
_DEEPEST = 9
_RESIDUAL = 1e-7
_ROUNDING = 2.0**-50
_STEPS = 200
# The weights of a cell's control points for d in its middle, and for the derivative.
_MIDDLE = (1 / 48, 23 / 48, 23 / 48, 1 / 48)
_MIDDLE_SLOPE = (-1 / 8, -5 / 8, 5 / 8, 1 / 8)


@dataclass(frozen=True, eq=False)
class Displacement:
    """The map of one sample in a pass that displaces.

    Args:
        before: map (3, 3) from the output to the frame that is displaced.
        after: map (3, 3) from that frame to the source.
        origin: position (x, y) of the first control point in the frame, in pixels.
        spacing: distance (x, y) of neighbouring control points, in pixels, greater than 0.
        grid: control points (rows, columns, 2), (x, y) in pixels each, at least 4x4.
    """

    before: Floats
    after: Floats
    origin: Floats
    spacing: Floats
    grid: Floats

    def sources_of(self, points: Floats) -> Floats:
        """Points (..., 2) of the output in the source."""
        framed = map_points(self.before, points)
        return map_points(self.after, framed + self.offsets(framed))

    def outputs_of(self, points: Floats) -> Floats:
        """Points (..., 2) of the source in the output; `PlanError` if the map may fold."""
        framed = map_points(inverse_map(self.after), points)
        return map_points(inverse_map(self.before), self.undone(framed.reshape(-1, 2))[0].reshape(framed.shape))

    def source_outline(self, outline: Outline) -> Outline:
        """A polygon of the output in the source, to `OUTLINE_TOLERANCE` in the frame that is displaced.

        The curve of a piece of length h leaves its chord by h² M / 8 at the most, M being `bend`.
        """
        framed = divided(map_outline(self.before.tolist(), outline), self._longest_piece(1.0))
        return map_outline(self.after.tolist(), (framed + self.offsets(framed)).tolist())

    def outline(self, outline: Outline) -> Outline:
        """A polygon of the source in the output, to `OUTLINE_TOLERANCE` in the frame that is displaced.

        The curve of a piece of length h leaves its chord by h² M s³ / 8 at the most. M is `bend`, and s the largest
        factor by which the map back stretches along the outline.
        """
        framed = map_outline(inverse_map(self.after).tolist(), outline)
        longest, allowed = inf, float(self.spacing.min())
        while longest > allowed:
            longest = allowed
            points, stretch = self.undone(divided(framed, longest))
            allowed = self._longest_piece(stretch)
        return map_outline(inverse_map(self.before).tolist(), points.tolist())

    def offsets(self, points: Floats) -> Floats:
        """d at points (..., 2) of the frame."""
        known = np.nan_to_num(points)
        x, y = offsets_at(self.grid, self.origin, self.spacing, known[..., 0], known[..., 1])
        return np.stack([x, y], axis=-1)

    def undone(self, points: Floats) -> tuple[Floats, float]:
        """p with p + d(p) = q for points q (n, 2) of the frame, and the largest stretch of the map from q to p.

        Newton's steps are halved while they lead farther away (Dennis and Schnabel, "Numerical Methods for
        Unconstrained Optimization and Nonlinear Equations", 1983, ch. 6), which leads to the only solution.
        """
        self.require_no_fold()
        solved = np.full_like(points, np.nan)
        there = np.flatnonzero(np.isfinite(points).all(axis=1))
        solved[there] = self._solved(points[there])
        return solved, _largest_stretch(self.slopes(solved[there]))

    def require_no_fold(self) -> None:
        """Raise `PlanError` if the map may fold, so that a point would have several places."""
        if self.squeeze > LARGEST_SQUEEZE:
            raise PlanError(
                f"the displacement may fold the picture, and then a point would have several places: it squeezes by "
                f"{self.squeeze:.2f}, and points allow {LARGEST_SQUEEZE:g}; use a smaller alpha or a larger "
                "sigma, or transform images and masks without boxes, keypoints and polygons"
            )

    def slopes(self, points: Floats) -> Floats:
        """The derivatives (n, 2, 2) of d at points (n, 2): [[dx/dx, dx/dy], [dy/dx, dy/dy]]."""
        return slopes_at(self.grid, self.origin, self.spacing, points)

    def _solved(self, targets: Floats) -> Floats:
        points = targets - self.offsets(targets)
        residual = targets - points - self.offsets(points)
        enough = _RESIDUAL + _ROUNDING * np.abs(targets).max(axis=1, initial=0.0)
        share = np.ones(len(points))
        for _ in range(_STEPS):
            far = np.flatnonzero(_lengths(residual) > enough)
            if not far.size:
                return points
            step = _solution(self.slopes(points[far]), residual[far])
            moved = points[far] + share[far, None] * step
            left = targets[far] - moved - self.offsets(moved)
            nearer = _lengths(left) < _lengths(residual[far])
            points[far[nearer]], residual[far[nearer]] = moved[nearer], left[nearer]
            share[far] = np.where(nearer, 1.0, share[far] / 2)
        raise PlanError(f"the displacement cannot be inverted at {targets[far[0]].tolist()}")

    def _longest_piece(self, stretch: float) -> float:
        bend = self.bend * stretch**3
        return sqrt(8 * OUTLINE_TOLERANCE / bend) if bend > 0 else inf

    @cached_property
    def squeeze(self) -> float:
        """An upper bound of m in the condition at the top of this page; a lower one if it is above `LARGEST_SQUEEZE`.

        Cells whose bound is not low enough are divided into quarters, which brings their control points nearer to d.
        """
        grids = (self.grid, *_beside(self.grid))
        cells, spacing, bound = np.concatenate([_cells(grid) for grid in grids], axis=-1), self.spacing, 0.0
        for _ in range(_DEEPEST):
            found = float(_squeezes_in_the_middle(cells, spacing).max(initial=0.0))
            bounds = _squeezes(cells, spacing)
            wide = bounds > LARGEST_SQUEEZE
            if found > LARGEST_SQUEEZE or not wide.any():
                return max(found, bound, float(bounds[~wide].max(initial=0.0)))
            bound = max(bound, float(bounds[~wide].max(initial=0.0)))
            cells, spacing = _quartered(cells[..., wide]), spacing / 2
        return float(_squeezes(cells, spacing).max())

    @cached_property
    def bend(self) -> float:
        """An upper bound of the second derivative of d, in 1 / pixels, by second differences of control points."""
        across, down = np.diff(self.grid, axis=1), np.diff(self.grid, axis=0)
        x, y = self.spacing
        xx = float(_lengths(np.diff(across, axis=1)).max(initial=0.0)) / x**2
        xy = float(_lengths(np.diff(across, axis=0)).max(initial=0.0)) / (x * y)
        yy = float(_lengths(np.diff(down, axis=0)).max(initial=0.0)) / y**2
        return float(xx + yy) / 2 + hypot((xx - yy) / 2, xy)

    def frame_reached(self, size: Ints) -> Floats:
        """The corners (16, 2) of a hull, in the frame, of the positions of pixel centres of an output of `size` (H, W).

        A B-spline lies between its control points, so that they say how far d reaches.
        """
        height, width = (int(side) for side in size)
        corners = map_points(self.before, box_corners([[0.5, 0.5, width - 0.5, height - 0.5]])[0])
        reached = box_corners([[*self.grid.min(axis=(0, 1)), *self.grid.max(axis=(0, 1))]])[0]
        hull: Floats = (corners[:, None] + reached).reshape(-1, 2)
        return hull


def displacements(rows: Array, tables: Tables) -> list[Displacement | None]:
    """The displacement of each row of a pass, None for rows without one."""
    found: list[Displacement | None] = [None] * len(rows)
    for number in np.flatnonzero(rows["displacement"] >= 0).tolist():
        entry = tables.displacements[rows["displacement"][number]]
        height, width = map(int, entry["grid"])
        grid = tables.offsets[entry["first"] : entry["first"] + height * width].reshape(height, width, 2)
        found[number] = Displacement(entry["before"], entry["after"], entry["origin"], entry["spacing"], grid)
    return found


def divided(outline: Outline, longest: float) -> Floats:
    """The points (n, 2) of a polygon whose edges are divided evenly into pieces of at most `longest` pixels.

    >>> divided([(0.0, 0.0), (4.0, 0.0)], 2.0).tolist()
    [[0.0, 0.0], [2.0, 0.0], [4.0, 0.0], [2.0, 0.0]]
    """
    points = np.asarray(outline, np.float64).reshape(-1, 2)
    edges = np.roll(points, -1, axis=0) - points
    counts = [max(ceil(length / longest), 1) for length in _lengths(edges).tolist()]
    shares = [np.arange(count) / count for count in counts]
    pieces = [start + share[:, None] * edge for start, share, edge in zip(points, shares, edges, strict=True)]
    return np.concatenate([np.zeros((0, 2)), *pieces])


def _lengths(vectors: Floats) -> Floats:
    lengths: Floats = np.hypot(vectors[..., 0], vectors[..., 1])
    return lengths


def _solution(slopes: Floats, right: Floats) -> Floats:
    """x (n, 2) with x + slopes x = right."""
    a, b, c, d = 1 + slopes[:, 0, 0], slopes[:, 0, 1], slopes[:, 1, 0], 1 + slopes[:, 1, 1]
    x, y = right[:, 0], right[:, 1]
    solution: Floats = np.stack([d * x - b * y, a * y - c * x], axis=1) / (a * d - b * c)[:, None]
    return solution


def _largest_stretch(slopes: Floats) -> float:
    """The largest norm of the inverses of 1 + slopes (n, 2, 2), at least 1."""
    a, b, c, d = 1 + slopes[:, 0, 0], slopes[:, 0, 1], slopes[:, 1, 0], 1 + slopes[:, 1, 1]
    # The inverse of a matrix (2, 2) has the norm of the matrix itself, over the determinant.
    norms = (np.hypot(a + d, b - c) + np.hypot(a - d, b + c)) / 2
    return float((norms / (a * d - b * c)).max(initial=1.0))


def _beside(grid: Floats) -> tuple[Floats, ...]:
    """Grids of what lies outside, where d goes on as a constant along an axis: above, below, to the left and right."""
    sideways = grid.swapaxes(0, 1)
    above, below, left, right = (
        np.tile((edge[0] + 4 * edge[1] + edge[2]) / 6, (4, 1, 1))
        for edge in (grid, grid[::-1], sideways, sideways[::-1])
    )
    return above, below, left.swapaxes(0, 1), right.swapaxes(0, 1)


def _cells(grid: Floats) -> Floats:
    """The control points (4, 4, 2, n) of each cell."""
    windows = sliding_window_view(grid, (4, 4), axis=(0, 1))
    return np.ascontiguousarray(windows.transpose(3, 4, 2, 0, 1).reshape(4, 4, 2, -1))


def _squeezes(cells: Floats, spacing: Floats) -> Floats:
    """A bound (n,) of m in each cell by its control points (4, 4, 2, n).

    It is minus the least eigenvalue that the symmetric part of the derivative of d may have in the cell.
    """
    across, down = np.diff(cells, axis=1) / spacing[0], np.diff(cells, axis=0) / spacing[1]
    xx, yy = across[:, :, 0].min(axis=(0, 1)), down[:, :, 1].min(axis=(0, 1))
    turned = (across[:, :, 1], down[:, :, 0])
    highest, lowest = (sum(limit(part, axis=(0, 1)) for part in turned) for limit in (np.max, np.min))
    xy = np.maximum(highest, -lowest) / 2
    return _squeeze(xx, xy, yy)


def _squeezes_in_the_middle(cells: Floats, spacing: Floats) -> Floats:
    """m (n,) at the middle of each cell."""
    across = _weighed(_weighed(cells, _MIDDLE), _MIDDLE_SLOPE) / spacing[0]
    down = _weighed(_weighed(cells, _MIDDLE_SLOPE), _MIDDLE) / spacing[1]
    return _squeeze(across[0], (across[1] + down[0]) / 2, down[1])


def _weighed(values: Floats, weights: tuple[float, ...]) -> Floats:
    """The sum over the first axis, of four."""
    a, b, c, d = (weight * value for weight, value in zip(weights, values, strict=True))
    total: Floats = a + b + c + d
    return total


def _squeeze(xx: Floats, xy: Floats, yy: Floats) -> Floats:
    """Minus the smaller eigenvalue of [[xx, xy], [xy, yy]]."""
    squeezes: Floats = np.hypot((xx - yy) / 2, xy) - (xx + yy) / 2
    return squeezes


def _quartered(cells: Floats) -> Floats:
    """The control points (4, 4, 2, 4n) of the quarters of cells (4, 4, 2, n), on a grid of half the spacing."""
    halves = np.concatenate([np.stack(half) for half in _halved(list(cells))], axis=-1)
    return np.concatenate([np.stack(half, axis=1) for half in _halved(list(halves.swapaxes(0, 1)))], axis=-1)


def _halved(controls: list[Floats]) -> tuple[list[Floats], list[Floats]]:
    # Lane and Riesenfeld, IEEE Transactions on Pattern Analysis and Machine Intelligence 2 (1980), 35
    a, b, c, d = controls
    finer = [(a + b) / 2, (a + 6 * b + c) / 8, (b + c) / 2, (b + 6 * c + d) / 8, (c + d) / 2]
    return finer[:4], finer[1:]
