"""Rotated boxes (cx, cy, w, h, angle): the angle in degrees, counter-clockwise on screen, from x to the side w."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from augsynth.core.arrays import coordinates
from augsynth.core.geometry import Outline, clip_outline, convex_hull, map_points, outline_area, thinnest
from augsynth.core.typing import Floats, Mask
from augsynth.errors import ArgumentError
from augsynth.plan.coordinates import CoordinateMap
from augsynth.targets.boxes import ROUNDING, Placed, enough, fractions
from augsynth.targets.rules import TargetRules

_SIMILAR = 1e-9


def read_rotated(value: Any, what: str = "rotated_boxes") -> Floats:
    """Return rotated boxes (n, 5); `ArgumentError` if a side is negative.

    Args:
        value: boxes in any form.
        what: their name in messages.
    """
    boxes = coordinates(value, what, 5)
    if boxes.ndim != 2 or np.any(boxes[:, 2:4] < 0):
        raise ArgumentError(f"{what} must be (N, 5): cx, cy, w >= 0, h >= 0, angle; got {boxes.tolist()}")
    return boxes


def corners_of(boxes: Floats) -> Floats:
    """Return the corners (n, 4, 2) of rotated boxes (n, 5), clockwise from the top left corner of the unturned box.

    >>> corners_of(np.array([[5.0, 5.0, 4.0, 2.0, 90.0]])).round(9).tolist()
    [[[4.0, 7.0], [4.0, 3.0], [6.0, 3.0], [6.0, 7.0]]]
    """
    angle = np.radians(boxes[:, 4])
    along = np.stack([np.cos(angle), -np.sin(angle)], axis=1) * boxes[:, 2:3] / 2
    down = np.stack([np.sin(angle), np.cos(angle)], axis=1) * boxes[:, 3:4] / 2
    offsets = np.stack([-along - down, along - down, along + down, -along + down], axis=1)
    return boxes[:, None, :2] + offsets


def place_rotated(where: CoordinateMap, boxes: Floats, rules: TargetRules) -> Placed:
    """Return whole `boxes` (n, 5) in the output. A box is kept if enough of its area lies within the frame."""
    outlines = corners_of(boxes).tolist()
    mapped = where.whole_outlines(outlines)
    areas = np.array([outline_area(outline) for outline in where.outlines(outlines)])
    visible = fractions(areas, np.array([outline_area(outline) for outline in mapped]))
    kept = _in_source(boxes, outlines, where.source_size) & (areas >= rules.min_area) & enough(visible, rules)
    turned = [_mapped(where, box, np.array(outline)) for box, outline in zip(boxes, mapped, strict=True)]
    return Placed(np.array(turned).reshape(-1, 5), visible, kept)


def _in_source(boxes: Floats, outlines: Sequence[Outline], size: tuple[int, int]) -> Mask:
    """Return whether each of the rotated boxes (n, 5) has an area within the source, of `size` (H, W)."""
    frame = (0.0, 0.0, *size[::-1])
    areas = np.array([outline_area(clip_outline(outline, frame)) for outline in outlines])
    sides = boxes[:, 2:4]
    there: Mask = (sides > thinnest(size)).all(axis=1) & (fractions(areas, sides.prod(axis=1)) > ROUNDING)
    return there


def _mapped(where: CoordinateMap, box: Floats, polygon: Floats) -> Floats:
    """Return the rotated box (5,) around the mapped outline of a box; equal to the outline if the map keeps angles."""
    if where.curved:
        start, end = where.points(corners_of(box[None])[0, :2])[0]
        return enclosing(convex_hull(polygon), _angle_of(end - start))
    matrix = where.forward
    x_axis, y_axis = matrix[:2, 0], matrix[:2, 1]
    scale = float(np.hypot(*x_axis))
    affine = np.array_equal(matrix[2], (0.0, 0.0, 1.0))
    skew = max(abs(float(x_axis @ y_axis)), abs(float(x_axis @ x_axis - y_axis @ y_axis)))
    if not affine or skew > _SIMILAR * scale**2:
        return enclosing(polygon, _angle_of(polygon[1] - polygon[0]) if len(polygon) > 1 else 0.0)
    turned, mirrored = _angle_of(x_axis), np.linalg.det(matrix[:2, :2]) < 0
    # A box turned by half a circle is the same box: of the two angles of a mirrored box, use the smaller one.
    angle = _half_turn(turned) - box[4] if mirrored else box[4] + turned
    return np.array([*map_points(matrix, box[:2]), box[2] * scale, box[3] * scale, _wrapped(angle)])


def enclosing(polygon: Floats, near: float = 0.0) -> Floats:
    """Return the rotated box (5,) of smallest area around a convex polygon; NaN if it has no points.

    One of its sides lies along a side of the polygon (Freeman and Shapira, "Determining the minimum-area encasing
    rectangle for an arbitrary closed curve", 1975).

    Args:
        polygon: float64 (n, 2).
        near: angle in degrees; the result's angle differs by 45 degrees at most.

    >>> enclosing(np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 2.0], [0.0, 2.0]])).tolist()
    [2.0, 1.0, 4.0, 2.0, 0.0]
    """
    if not len(polygon):
        return np.full(5, np.nan)
    edges = np.roll(polygon, -1, axis=0) - polygon
    lengths = np.hypot(*edges.T)
    directions = edges[lengths > 0] / lengths[lengths > 0, None]
    boxes = [_along(polygon, direction, near) for direction in directions] or [_along(polygon, np.array([1, 0]), near)]
    return min(boxes, key=lambda box: float(box[2] * box[3]))


def _along(polygon: Floats, direction: Floats, near: float) -> Floats:
    """Return the box around a polygon with a side along `direction`; this is w if it is within 45 degrees of `near`."""
    turns = np.rint((_angle_of(direction) - near) / 90.0)
    for _ in range(int(turns) % 4):
        direction = np.array([-direction[1], direction[0]])  # a quarter turn clockwise on screen
    across = np.array([-direction[1], direction[0]])
    along, down = polygon @ direction, polygon @ across
    centre = (along.min() + along.max()) / 2 * direction + (down.min() + down.max()) / 2 * across
    return np.array([*centre, np.ptp(along), np.ptp(down), _angle_of(direction)])


def _angle_of(vector: Floats) -> float:
    return float(np.degrees(np.arctan2(-vector[1], vector[0]))) + 0.0


def _half_turn(angle: float) -> float:
    """Return the angle in (-90, 90] of the same line."""
    return 90.0 - (90.0 - angle) % 180.0


def _wrapped(angle: float) -> float:
    """Return the same direction in (-180, 180]; angles in this range stay as they are, to the last bit."""
    return angle if -180.0 < angle <= 180.0 else 180.0 - (180.0 - angle) % 360.0
