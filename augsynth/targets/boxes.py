"""Upright boxes: their positions in the output, their visible parts, and the choice of those that are kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from augsynth.core.arrays import coordinates
from augsynth.core.geometry import (
    HORIZON,
    areas_within,
    as_outline,
    bounding_box,
    box_areas,
    box_corners,
    clip_outline,
    map_boxes,
    map_outline,
    map_points,
    outline_area,
    quad_areas,
    thinnest,
)
from augsynth.core.typing import Floats, Mask
from augsynth.errors import ArgumentError
from augsynth.plan.coordinates import CoordinateMap
from augsynth.targets.rules import TargetRules

ROUNDING = 1e-9  # how far fractions, and areas in square pixels, may be off


@dataclass(frozen=True)
class Placed:
    """All n objects in the output.

    Args:
        boxes: boxes of the objects.
        visible: visible fraction (n,) of each object.
        kept: bool (n,), whether each object is kept.
    """

    boxes: Floats
    visible: Floats
    kept: Mask


def read_boxes(value: Any, what: str = "boxes") -> Floats:
    """Return boxes (n, 4) as XYXY corners.

    Args:
        value: boxes in any form.
        what: their name in messages.

    Raises `ArgumentError` if a corner is on the wrong side of the other.
    """
    boxes = coordinates(value, what, 4)
    if boxes.ndim != 2:
        raise ArgumentError(f"{what} must have shape (N, 4), got {boxes.shape}")
    reversed_ = np.flatnonzero((boxes[:, 2:] < boxes[:, :2]).any(axis=1))
    if reversed_.size:
        raise ArgumentError(
            f"{what} must be (x1, y1, x2, y2) with x1 <= x2 and y1 <= y2, got {boxes[reversed_[0]].tolist()} in row "
            f"{reversed_[0]}: are they (x, y, width, height)?"
        )
    return boxes


def place_boxes(where: CoordinateMap, boxes: Floats, rules: TargetRules) -> Placed:
    """The boxes around what is left of the mapped corners of `boxes` (n, 4), clipped to what the output shows.

    A pass that turns the frame sees objects as the passes before it have cut them, to the exact outline.
    """
    left = whole = map_boxes(where.forward, boxes)
    if not where.upright.all():
        left, visible = _turned(where, boxes, whole)
    clipped = _clipped(left, where.window)
    areas = box_areas(clipped)
    if left is whole:
        visible = fractions(areas, box_areas(whole))
    kept = have_area(clipped, where.output_size) & have_area(boxes, where.source_size) & (areas >= rules.min_area)
    return Placed(clipped, visible, kept & enough(visible, rules))


def _clipped(boxes: Floats, window: Floats) -> Floats:
    result: Floats = np.minimum(np.maximum(boxes.reshape(-1, 2, 2), window[:2]), window[2:]).reshape(-1, 4)
    return result


def _turned(where: CoordinateMap, boxes: Floats, whole: Floats) -> tuple[Floats, Floats]:
    """What the passes before the last turn leave of boxes, in the output, and the fraction (n,) that is shown of each.

    `whole` (n, 4) are the boxes around what nothing was cut off from.
    """
    earlier, later = where[: where.last_turn], where[where.last_turn :]
    corners, window, left = box_corners(boxes), where.window, whole.copy()
    mapped, cut = map_points(where.forward, corners), earlier.cuts(corners)
    before = quad_areas(mapped)
    shown = before.copy()
    if cut.any() and earlier.upright.all():
        remaining = _clipped(map_boxes(earlier.forward, boxes[cut]), earlier.window)
        mapped[cut] = turned = map_points(later.forward, box_corners(remaining))
        left[cut], shown[cut] = np.concatenate([turned.min(axis=1), turned.max(axis=1)], axis=1), quad_areas(turned)
        cut[:] = False
    hidden = (_clipped(left, window) != left).any(axis=1)
    shown[hidden] = areas_within(mapped[hidden], window)
    for number in np.flatnonzero(cut | np.isnan(before) | np.isnan(shown)).tolist():
        outline = as_outline(corners[number])
        before[number] = outline_area(map_outline(where.forward.tolist(), outline))
        outline = map_outline(later.forward.tolist(), earlier.outline(outline))
        left[number], shown[number] = bounding_box(outline), outline_area(clip_outline(outline, window.tolist()))
    return left, fractions(shown, before)


def have_area(boxes: Floats, size: tuple[int, int]) -> Mask:
    """Return whether each of the boxes (n, 4) has an area within a frame, as far as float32 can tell.

    Args:
        boxes: float64 (n, 4).
        size: (H, W) of the frame.

    >>> have_area(np.array([[1.0, 1, 2, 2], [3, 1, 3, 2], [-5, 1, -1, 2], [1, 1, 1 + 1e-9, 2]]), (4, 6)).tolist()
    [True, False, False, False]
    """
    sides = np.minimum(boxes[:, 2:], size[::-1]) - np.maximum(boxes[:, :2], 0.0)
    wide: Mask = np.all(sides > thinnest(size), axis=1)
    return wide


def fractions(areas: Floats, before: Floats) -> Floats:
    """Return the fraction (n,) of each area that is left; 0 for objects that had no area."""
    return np.divide(areas, before, out=np.zeros_like(areas), where=before > 0)


def enough(visible: Floats, rules: TargetRules) -> Mask:
    """Return whether each object, of the visible fractions (n,), is kept; completely hidden objects never are."""
    seen: Mask = (visible > ROUNDING) & (visible >= rules.min_visibility - ROUNDING)
    return seen


def area_scales(where: CoordinateMap, boxes: Floats) -> Floats:
    """By how much (n,) the map enlarges areas at the centres of `boxes` (n, 4): the determinant of its derivative."""
    matrix = where.forward
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    w = np.maximum(centres @ matrix[2, :2] + matrix[2, 2], HORIZON)
    scales: Floats = np.abs(np.linalg.det(matrix) / w**3)
    return scales
