"""Source pixels that a plan reads, so that no more of an image needs to be decoded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from augsynth._native.layout import Border, Interpolation
from augsynth.core.geometry import map_points
from augsynth.core.typing import Floats, Ints
from augsynth.plan.barriers import Barrier
from augsynth.plan.displacement import displacements
from augsynth.plan.passes import Pass, Rows
from augsynth.plan.plan import Plan
from augsynth.plan.rules import corner_positions

_REACH = {Interpolation.NEAREST: 1.0, Interpolation.BILINEAR: 1.0, Interpolation.BICUBIC: 2.0}
_MARGIN = 2


def lines_read(plan: Plan) -> Ints:
    """The number of lines (n,) of each source that a plan can read, from the top; see docs/design/numerics.md."""
    rows = plan.passes[0].rows
    heights = rows["source_size"][:, 0].astype(np.int64)
    if _reads_all(plan):
        return heights
    lowest, highest = _lines_between(plan.passes[0])
    reach = np.choose(rows["interpolation"], [_REACH[kind] for kind in Interpolation])
    reach = reach * np.where(rows["antialias"] == 1, _widening(rows, heights), 1.0) + _MARGIN
    lowest, highest = lowest + reach, highest - reach
    # Positions above the picture read lines mirrored at its upper edge; wrapped, they read lines at the bottom.
    mirrored = np.isin(rows["border"], (Border.REFLECT, Border.REFLECT101)) & (highest < 0)
    lowest = np.where(mirrored, np.maximum(lowest, -highest), lowest)
    lowest = np.where((rows["border"] == Border.WRAP) & (highest < 0), heights, lowest)
    lines: Ints = np.clip(np.ceil(lowest), 1, heights).astype(np.int64)
    return lines


def _lines_between(first: Pass) -> tuple[Floats, Floats]:
    """Return the lowest and the highest y (n,) in the source of the centres of the output's pixels.

    A map takes a convex frame to a convex frame, so its corners have the extremes. A displacement keeps the frame
    within a larger box, which the control points bound.
    """
    down = corner_positions(first.rows, inset=0.5)[0][..., 1]
    lowest, highest = down.max(axis=1), down.min(axis=1)
    for number, displacement in enumerate(displacements(first.rows, first.tables)):
        if displacement is not None:
            lines = map_points(displacement.after, displacement.frame_reached(first.rows["output_size"][number]))[:, 1]
            lowest[number], highest[number] = lines.max(), lines.min()
    return lowest, highest


def _widening(rows: Rows, heights: Ints) -> Floats:
    """The factor (n,) by which antialiasing looks farther down the picture than plain interpolation."""
    support, inverse = rows["support"][:, 1], rows["inverse"]
    turned = (inverse[:, 1, 0] != 0) | np.any(inverse[:, 2] != (0.0, 0.0, 1.0), axis=1) | (rows["displacement"] >= 0)
    # A picture that is turned is made smaller first, and then interpolated in.
    scale = heights / np.maximum(np.floor(heights / support + 0.5), 1.0)
    widening: Floats = np.where(turned, 2 * scale, support)
    return widening


def _reads_all(plan: Plan) -> bool:
    """Return whether the first step looks at every pixel: a barrier, or the mean that missing values take."""
    first = plan.steps[0]
    return isinstance(first, Barrier) or len(first.tables.missing) > 0


def reductions(plan: Plan, factors: Sequence[int]) -> Ints:
    """The largest of `factors` (n,) by which each source may be reduced and keep the resolution of the output.

    `factors` begin with 1, which is the result for a perspective and a displacement, because their resolution changes
    within the image, and for a plan that looks at every pixel.
    """
    if _reads_all(plan):
        return np.ones(len(plan), np.int64)
    rows = plan.passes[0].rows
    inverse = rows["inverse"]
    shrinks = np.hypot(inverse[:, :2, 0], inverse[:, :2, 1]).min(axis=1)
    affine = np.all(inverse[:, 2] == (0.0, 0.0, 1.0), axis=1) & (rows["displacement"] < 0)
    allowed = np.array(factors) <= np.where(affine, shrinks, 1.0)[:, None]
    greatest: Ints = np.where(allowed, factors, 1).max(axis=1)
    return greatest


def reduced(plan: Plan, factors: Ints) -> Plan:
    """The plan for sources that were reduced by `factors` (n,): the same image from fewer pixels."""
    first = plan.steps[0]
    if isinstance(first, Barrier):
        return plan
    rows = first.rows
    changed: Rows = rows.copy()
    changed["source_size"] = -(-rows["source_size"] // factors[:, None])
    changed["inverse"][:, :2] /= factors[:, None, None]
    changed["edge"] /= factors[:, None]
    changed["support"] = np.maximum(rows["support"] / factors[:, None], 1.0)
    return Plan((Pass(changed, first.tables), *plan.steps[1:]))
