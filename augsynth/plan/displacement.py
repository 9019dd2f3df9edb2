"""Displacements: where the curved map of a pass takes points, outlines and boxes, and back.

A pass may move each pixel by a vector of its own: source = after(p + d(p)), p = before(output). d is a cubic B-spline
over a grid of control points. All coordinates are continuous: pixel i spans [i, i + 1).

**Condition.** Points are taken from the source to the output by solving p + d(p) = q. That has exactly one solution for
every q if d brings no two points together by their whole distance: (d(p) - d(q)) · (p - q) >= -m |p - q|² with m < 1.
`squeeze` is an upper bound of m. It follows from the differences of neighbouring control points, between which the
derivatives of a B-spline lie.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil, hypot, inf, sqrt

import numpy as np

from augsynth._native.layout import Tables
from augsynth.core.geometry import Outline, box_corners, inverse_map, map_outline, map_points
from augsynth.core.typing import Array, Floats, Ints
from augsynth.errors import PlanError
from augsynth.plan.splines import cell_controls, control_grid, field_at, offsets_at, weighed

LARGEST_SQUEEZE = 0.95
OUTLINE_TOLERANCE = 0.1  # pixels between an outline's pieces, which are straight, and the curve
_BOW = 0.8 * OUTLINE_TOLERANCE  # the rest is for what the curve differs from a cubic one
_DEEPEST = 9
_RESIDUAL = 1e-4  # pixels; one step more leaves its square
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
        return map_points(inverse_map(self.before), self.undone(framed.reshape(-1, 2)).reshape(framed.shape))

    def source_outline(self, outline: Outline) -> Outline:
        """A polygon of the output in the source, to `OUTLINE_TOLERANCE` in the frame that is displaced.

        The curve of a piece of length h leaves its chord by h² M / 8 at the most, M being `bend`.
        """
        longest = sqrt(8 * OUTLINE_TOLERANCE / self.bend) if self.bend > 0 else inf
        framed = divided(map_outline(self.before.tolist(), outline), longest)
        return map_outline(self.after.tolist(), (framed + self.offsets(framed)).tolist())

    def outlines(self, outlines: Sequence[Outline]) -> list[Outline]:
        """Polygons of the source in the output, to `OUTLINE_TOLERANCE` in the frame that is displaced.

        Each is solved by itself, and all of them in the time of a few.
        """
        inward, outward = inverse_map(self.after).tolist(), inverse_map(self.before).tolist()
        framed = [np.asarray(map_outline(inward, outline), np.float64).reshape(-1, 2) for outline in outlines]
        return [map_outline(outward, traced.tolist()) for traced in self._traced(framed)]

    def _traced(self, polygons: Sequence[Floats]) -> list[Floats]:
        """Polygons (n, 2) of the frame, each solved with as many points as its pieces need.

        A piece is divided until the cubic curve that has its ends and its directions there is near to its chord. At
        first no piece is longer than a cell, before and after, so that no bend lies hidden between its ends.
        """
        owners = np.repeat(np.arange(len(polygons)), [len(polygon) for polygon in polygons])
        starts = np.concatenate([np.zeros((0, 2)), *polygons]).T
        edges = starts[:, _successors(owners)] - starts
        pieces = _lengths(edges) / self.spacing.min()
        while True:
            starts, edges, owners = _divided(starts, edges, owners, pieces)
            points, slopes = self._undone(starts)
            pieces = self._pieces(points, slopes, edges, _successors(owners))
            if not (pieces > 1).any():
                return [points[:, owners == number].T for number in range(len(polygons))]

    def _pieces(self, points: Floats, slopes: Floats, edges: Floats, after: Ints) -> Floats:
        """The number of pieces (n,), not whole, that each solved piece needs; `edges` (2, n) belong to the targets."""
        chords = points[:, after] - points
        directions = _solution(slopes, edges), _solution(slopes[..., after], edges)
        bows = np.maximum(*(_lengths(direction - chords) for direction in directions)) / 4
        longest = np.maximum(*(_lengths(direction) for direction in directions))
        allowed = _BOW + _ROUNDING * np.abs(points).max(axis=0, initial=0.0)
        needed: Floats = np.maximum(np.sqrt(bows / allowed), longest / self.spacing.min())
        return needed

    def offsets(self, points: Floats) -> Floats:
        """d at points (..., 2) of the frame."""
        known = np.nan_to_num(points)
        x, y = offsets_at(self.grid, self.origin, self.spacing, known[..., 0], known[..., 1])
        return np.stack([x, y], axis=-1)

    def undone(self, points: Floats) -> Floats:
        """p with p + d(p) = q for points q (n, 2) of the frame."""
        solved: Floats = self._undone(points.T)[0].T
        return solved

    def _undone(self, targets: Floats) -> tuple[Floats, Floats]:
        """The solutions (2, n) for targets (2, n), and the derivatives (2, 2, n) of d there; NaN for NaN."""
        self.require_no_fold()
        points, slopes = np.full_like(targets, np.nan), np.full((2, *targets.shape), np.nan)
        known = np.flatnonzero(np.isfinite(targets).all(axis=0))
        points[:, known], slopes[:, :, known] = self._solved(targets[:, known])
        return points, slopes

    def require_no_fold(self) -> None:
        """Raise `PlanError` if the map may fold, so that a point would have several places."""
        if self.squeeze > LARGEST_SQUEEZE:
            raise PlanError(
                f"the displacement may fold the picture, and then a point would have several places: it squeezes by "
                f"{self.squeeze:.2f}, and points allow {LARGEST_SQUEEZE:g}; distort less (for "
                "ElasticTransform a smaller alpha or a larger sigma), or transform images and masks without boxes, "
                "keypoints and polygons"
            )

    def _field(self, points: Floats) -> tuple[Floats, Floats]:
        return field_at(self._cells, self.grid.shape[1], self.origin, self.spacing, points)

    def _solved(self, targets: Floats) -> tuple[Floats, Floats]:
        """Newton's method, each point by itself.

        Steps are halved while they lead farther away (Dennis and Schnabel, "Numerical Methods for Unconstrained
        Optimization and Nonlinear Equations", 1983, ch. 6), which leads to the only solution.
        """
        points, share = targets.copy(), np.ones(targets.shape[1])
        offsets, slopes = self._field(points)
        residual = -offsets
        enough = _RESIDUAL + _ROUNDING * np.abs(targets).max(axis=0, initial=0.0)
        for _ in range(_STEPS):
            step, lengths = _solution(slopes, residual), _lengths(residual)
            far = np.flatnonzero(lengths > enough)
            if not far.size:
                return points + step, slopes
            moved = points[:, far] + share[far] * step[:, far]
            offsets, steep = self._field(moved)
            left = targets[:, far] - moved - offsets
            nearer = _lengths(left) < lengths[far]
            share[far], better = np.where(nearer, 1.0, share[far] / 2), far[nearer]
            points[:, better], residual[:, better] = moved[:, nearer], left[:, nearer]
            slopes[:, :, better] = steep[:, :, nearer]
        raise PlanError(f"the displacement cannot be inverted at {targets[:, far[0]].tolist()}")

    @cached_property
    def _cells(self) -> Floats:
        return cell_controls(self.grid)

    @cached_property
    def squeeze(self) -> float:
        """An upper bound of m in the condition at the top of this page; a lower one if it is above `LARGEST_SQUEEZE`.

        Cells whose bound is not low enough are divided into quarters, which brings their control points nearer to d.
        """
        cells = np.concatenate([self._cells, *(cell_controls(grid) for grid in _beside(self.grid))], axis=-1)
        spacing, bound = self.spacing, 0.0
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
        xx = float(_lengths(np.moveaxis(np.diff(across, axis=1), -1, 0)).max(initial=0.0)) / x**2
        xy = float(_lengths(np.moveaxis(np.diff(across, axis=0), -1, 0)).max(initial=0.0)) / (x * y)
        yy = float(_lengths(np.moveaxis(np.diff(down, axis=0), -1, 0)).max(initial=0.0)) / y**2
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
        grid = control_grid(entry, tables.offsets)
        found[number] = Displacement(entry["before"], entry["after"], entry["origin"], entry["spacing"], grid)
    return found


def divided(outline: Outline, longest: float) -> Floats:
    """The points (n, 2) of a polygon whose edges are divided evenly into pieces of at most `longest` pixels.

    >>> divided([(0.0, 0.0), (4.0, 0.0)], 2.0).tolist()
    [[0.0, 0.0], [2.0, 0.0], [4.0, 0.0], [2.0, 0.0]]
    """
    points = np.asarray(outline, np.float64).reshape(-1, 2)
    edges = np.roll(points, -1, axis=0) - points
    counts = [max(ceil(length / longest), 1) for length in _lengths(edges.T).tolist()]
    shares = [np.arange(count) / count for count in counts]
    pieces = [start + share[:, None] * edge for start, share, edge in zip(points, shares, edges, strict=True)]
    return np.concatenate([np.zeros((0, 2)), *pieces])


def _lengths(vectors: Floats) -> Floats:
    """Lengths (...) of vectors (2, ...)."""
    lengths: Floats = np.hypot(*vectors)
    return lengths


def _successors(owners: Ints) -> Ints:
    """The number (n,) of the point after each point of closed polygons, which `owners` numbers in order."""
    last = np.flatnonzero(np.diff(owners, append=-1))
    after = np.arange(1, len(owners) + 1)
    after[last] = np.concatenate([[0], last[:-1] + 1])[: len(last)]
    return after


def _divided(starts: Floats, edges: Floats, owners: Ints, pieces: Floats) -> tuple[Floats, Floats, Ints]:
    """Edges (2, n) from `starts`, each divided evenly into at least as many pieces as `pieces` (n,) says."""
    counts = np.ceil(np.where(pieces > 1, pieces, 1.0)).astype(np.int64)
    edge = np.repeat(np.arange(len(counts)), counts)
    within = np.arange(len(edge)) - (np.cumsum(counts) - counts)[edge]
    shorter = edges / counts
    return starts[:, edge] + within * shorter[:, edge], shorter[:, edge], owners[edge]


def _solution(slopes: Floats, right: Floats) -> Floats:
    """x (2, n) with x + slopes x = right, for slopes (2, 2, n)."""
    (a, b), (c, d) = slopes
    x, y = right
    determinants = (1 + a) * (1 + d) - b * c
    return np.stack([((1 + d) * x - b * y) / determinants, ((1 + a) * y - c * x) / determinants])


def _beside(grid: Floats) -> tuple[Floats, ...]:
    """Grids of what lies outside, where d goes on as a constant along an axis: above, below, to the left and right."""
    sideways = grid.swapaxes(0, 1)
    above, below, left, right = (
        np.tile((edge[0] + 4 * edge[1] + edge[2]) / 6, (4, 1, 1))
        for edge in (grid, grid[::-1], sideways, sideways[::-1])
    )
    return above, below, left.swapaxes(0, 1), right.swapaxes(0, 1)


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
    across = weighed(weighed(cells, _MIDDLE), _MIDDLE_SLOPE) / spacing[0]
    down = weighed(weighed(cells, _MIDDLE_SLOPE), _MIDDLE) / spacing[1]
    return _squeeze(across[0], (across[1] + down[0]) / 2, down[1])


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
