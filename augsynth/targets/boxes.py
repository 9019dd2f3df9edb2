"""Upright boxes: their positions in the output, their visible parts, and the choice of those that are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from augsynth.core.arrays import coordinates
from augsynth.core.geometry import (
    HORIZON,
    Outline,
    areas_within,
    bounding_box,
    box_areas,
    box_corners,
    clip_outline,
    map_boxes,
    map_points,
    outline_area,
    quad_areas,
    thinnest,
)
from augsynth.core.typing import Floats, Mask
from augsynth.errors import ArgumentError
from augsynth.plan.coordinates import CoordinateMap
from augsynth.targets.rules import TargetRules

ROUNDING = 1e-9  # largest error of fractions, and of areas in square pixels


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


def read_boxes(value: Any, what: str = "boxes", reversed_boxes: str = "refuse") -> Floats:
    """Return boxes (n, 4) as XYXY corners.

    Args:
        value: boxes in any form.
        what: their name in messages.
        reversed_boxes: the rule of `TargetRules` for boxes with a corner on the wrong side of the other. A box that is
            dropped becomes one without area, which no map keeps.

    Raises `ArgumentError` if a corner is on the wrong side of the other, and the rule is "refuse".
    """
    boxes = coordinates(value, what, 4)
    if boxes.ndim != 2:
        raise ArgumentError(f"{what} must have shape (N, 4), got {boxes.shape}")
    reversed_ = np.flatnonzero((boxes[:, 2:] < boxes[:, :2]).any(axis=1))
    if reversed_.size and reversed_boxes == "repair":
        return np.concatenate([np.minimum(boxes[:, :2], boxes[:, 2:]), np.maximum(boxes[:, :2], boxes[:, 2:])], axis=1)
    if reversed_.size and reversed_boxes == "drop":
        boxes[reversed_, 2:] = boxes[reversed_, :2]
    elif reversed_.size:
        raise ArgumentError(
            f"{what} must be (x1, y1, x2, y2) with x1 <= x2 and y1 <= y2, got {boxes[reversed_[0]].tolist()} in row "
            f"{reversed_[0]}: are they (x, y, width, height)? Then say box_format='xywh'. "
            "Or say reversed_boxes='repair' or 'drop'"
        )
    return boxes


def place_boxes(where: CoordinateMap, boxes: Floats, rules: TargetRules) -> Placed:
    """Return boxes (n, 4) in the output, each around the part of the object that is left, clipped to the output.

    Each pass cuts the outline of an object at its frame. A later pass moves only the part that is left.
    """
    left, before, shown = _left_of(where, boxes)
    clipped = _clipped(left, where.window)
    areas = box_areas(clipped)
    visible = fractions(areas if shown is None else shown, before)
    kept = have_area(clipped, where.output_size) & have_area(boxes, where.source_size) & (areas >= rules.min_area)
    return Placed(clipped, visible, kept & enough(visible, rules) & large_enough(clipped, rules))


def large_enough(boxes: Floats, rules: TargetRules) -> Mask:
    """Return whether each of the boxes (n, 4) in the output has the sides and the proportions to be kept."""
    sides = boxes[:, 2:] - boxes[:, :2]
    kept: Mask = np.all(sides >= (rules.min_width, rules.min_height), axis=1)
    if rules.max_aspect is not None:
        kept &= sides.max(axis=1) <= rules.max_aspect * sides.min(axis=1)
    return kept


def tightened(placed: Placed, masks: Mask, rules: TargetRules) -> Placed:
    """Return objects with the boxes around their moved masks (n, H, W); one with an empty mask is not kept."""
    found = [mask_box(mask) for mask in masks]
    boxes = np.array(found).reshape(-1, 4)
    there = ~np.isnan(boxes[:, 0])
    kept = placed.kept & there & (box_areas(boxes) >= rules.min_area) & large_enough(boxes, rules)
    return Placed(np.where(there[:, None], boxes, placed.boxes), placed.visible, kept)


def mask_box(mask: Mask) -> Floats:
    """Return the box (4,) around the pixels of a mask, XYXY; NaN if it has none.

    Args:
        mask: bool (H, W).

    >>> mask_box(np.array([[False, False], [False, True]])).tolist()
    [1.0, 1.0, 2.0, 2.0]
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return np.full(4, np.nan)
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float64)


def _clipped(boxes: Floats, window: Floats) -> Floats:
    result: Floats = np.minimum(np.maximum(boxes.reshape(-1, 2, 2), window[:2]), window[2:]).reshape(-1, 4)
    return result


def _left_of(where: CoordinateMap, boxes: Floats) -> tuple[Floats, Floats, Floats | None]:
    """Return boxes (n, 4) in the output and two areas (n,) of each object.

    The boxes lie around the parts that the passes before the last turn leave. The first area is that of the whole
    object. The second area is that of its part in the frame; None if it is the area of the clipped box.
    """
    if where.curved:
        return _by_outline(where, box_corners(boxes))
    whole = map_boxes(where.forward, boxes)
    return (whole, box_areas(whole), None) if where.upright.all() else _turned(where, boxes, whole)


def _turned(where: CoordinateMap, boxes: Floats, whole: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the result of `_left_of` if a pass turns the frame; `whole` (n, 4) are the boxes around whole objects."""
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
    hard = cut | np.isnan(before) | np.isnan(shown)
    if hard.any():
        left[hard], before[hard], shown[hard] = _by_outline(where, corners[hard])
    return left, before, shown


def _by_outline(where: CoordinateMap, corners: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the result of `_left_of` for boxes by their corners (n, 4, 2)."""
    outlines: Sequence[Outline] = corners.tolist()
    earlier, later = where[: where.last_turn], where[where.last_turn :]
    left = wholes = where.whole_outlines(outlines)
    if where.last_turn:
        left = later.whole_outlines(earlier.outlines(outlines))
    window = where.window.tolist()
    shown = [outline_area(clip_outline(outline, window)) for outline in left]
    boxes = np.array([bounding_box(outline) for outline in left]).reshape(-1, 4)
    return boxes, np.array([outline_area(outline) for outline in wholes]), np.array(shown)


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
    kept: Mask = (visible > ROUNDING) & (visible >= rules.min_visibility - ROUNDING)
    return kept


def area_scales(where: CoordinateMap, boxes: Floats) -> Floats:
    """Return the factor (n,) by which the map enlarges the area at the centre of each of `boxes` (n, 4).

    It is the determinant of the map's derivative. For a curved map it is the factor for the area of the whole box.
    """
    if where.curved:
        wholes = [outline_area(outline) for outline in where.whole_outlines(box_corners(boxes).tolist())]
        return fractions(np.array(wholes), box_areas(boxes))
    matrix = where.forward
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    w = np.maximum(centres @ matrix[2, :2] + matrix[2, 2], HORIZON)
    scales: Floats = np.abs(np.linalg.det(matrix) / w**3)
    return scales
