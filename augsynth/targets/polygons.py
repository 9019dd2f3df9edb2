"""Polygons and lines of points in pixels: a list with one array (K, 2) for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from augsynth.core.arrays import coordinates, like
from augsynth.core.geometry import Outline, as_outline, bounding_box, clip_outline, outline_area
from augsynth.core.typing import Floats
from augsynth.errors import ArgumentError, ArgumentTypeError
from augsynth.plan.coordinates import CoordinateMap
from augsynth.targets.boxes import ROUNDING, Placed, enough, fractions, large_enough
from augsynth.targets.rules import TargetRules


def read_outlines(value: Any, what: str, fewest: int) -> list[Floats]:
    """Return polygons or lines as float64 (K, 2) each.

    Args:
        value: a sequence of them, in any form.
        what: their name in messages.
        fewest: the fewest points that one may have.
    """
    if not hasattr(value, "__len__") or isinstance(value, (str, bytes, dict)):
        raise ArgumentTypeError(f"{what} must be a sequence of points (K, 2) each, got {type(value).__name__}")
    found = [coordinates(one, f"{what}[{number}]", 2) for number, one in enumerate(value)]
    for number, points in enumerate(found):
        if points.ndim != 2 or len(points) < fewest:
            raise ArgumentError(f"{what}[{number}] must be (K, 2) with K of at least {fewest}, got {points.shape}")
    return found


def outline_boxes(polygons: Sequence[Floats]) -> Floats:
    """Return the upright boxes (n, 4) around polygons."""
    return np.array([bounding_box(points) for points in polygons]).reshape(-1, 4)


def place_polygons(where: CoordinateMap, polygons: Sequence[Floats], rules: TargetRules) -> tuple[list[Floats], Placed]:
    """Return polygons in the output, cut at the frame of each pass, and the objects that they are."""
    given = [as_outline(points) for points in polygons]
    shown = where.outlines(given)
    areas = np.array([outline_area(one) for one in shown])
    visible = fractions(areas, np.array([outline_area(one) for one in where.whole_outlines(given)]))
    cut = [np.array(outline, np.float64).reshape(-1, 2) for outline in shown]
    boxes = outline_boxes(cut)
    kept = (areas > ROUNDING) & (areas >= rules.min_area) & enough(visible, rules) & large_enough(boxes, rules)
    return cut, Placed(boxes, visible, kept & _in_source(given, where.source_size))


def _in_source(outlines: Sequence[Outline], size: tuple[int, int]) -> Any:
    """A mask (n,) of the polygons that have an area within the source, of `size` (H, W)."""
    frame = (0.0, 0.0, float(size[1]), float(size[0]))
    return np.array([outline_area(clip_outline(one, frame)) > ROUNDING for one in outlines], bool)


def place_line_strings(where: CoordinateMap, lines: Sequence[Floats]) -> list[Floats]:
    """Return lines in the output. They keep all their points, also those outside of the frame, as keypoints do."""
    return [where.points(points)[0] for points in lines]


def outlines_like(outlines: Sequence[Floats], original: Any) -> list[Any]:
    """Return outlines in the forms of the entries of `original`, which are as many."""
    return [like(points, one) for points, one in zip(outlines, original, strict=True)]
