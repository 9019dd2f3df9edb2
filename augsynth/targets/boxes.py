"""Upright boxes: where they go, what of them stays in the frame, and which are kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from augsynth.arrays import coordinates
from augsynth.errors import ArgumentError
from augsynth.geometry import Floats, box_areas, map_boxes
from augsynth.plan.coordinates import CoordinateMap
from augsynth.targets.rules import TargetRules

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Placed:
    """All n objects in the output: their boxes, the fraction (n,) of each that is in the frame, and which are kept."""

    boxes: Floats
    visible: Floats
    kept: Mask


def read_boxes(value: Any, what: str = "boxes") -> Floats:
    """Boxes (n, 4) as XYXY corners; `ArgumentError` if a corner is not where its name says."""
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
    """The boxes around the mapped corners of `boxes` (n, 4), clipped to what the output shows."""
    mapped = map_boxes(where.forward, boxes)
    low, high = where.window[:2], where.window[2:]
    clipped = np.concatenate([np.clip(mapped[:, :2], low, high), np.clip(mapped[:, 2:], low, high)], axis=1)
    return Placed(clipped, *visibility(box_areas(clipped), box_areas(mapped), rules))


def visibility(areas: Floats, before: Floats, rules: TargetRules) -> tuple[Floats, Mask]:
    """What fraction (n,) of each object is left, and which are kept. Without an area, nothing of it can be seen."""
    visible = np.divide(areas, before, out=np.zeros_like(areas), where=before > 0)
    return visible, (areas > 0) & (areas >= rules.min_area) & (visible >= rules.min_visibility)


def area_scales(where: CoordinateMap, boxes: Floats) -> Floats:
    """By how much (n,) the map enlarges areas at the centres of `boxes` (n, 4): the determinant of its derivative."""
    matrix = where.forward
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    w = centres @ matrix[2, :2] + matrix[2, 2]
    scales: Floats = np.abs(np.linalg.det(matrix) / w**3)
    return scales
