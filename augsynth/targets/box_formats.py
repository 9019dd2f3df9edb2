"""Formats of upright boxes as four numbers: conversions to and from corners in pixels."""

from __future__ import annotations

import numpy as np

from augsynth.core.typing import Floats
from augsynth.errors import ArgumentError

FORMATS = ("xyxy", "xywh", "cxcywh", "yolo")
_FARTHEST_SHARE = 2.0


def as_corners(boxes: Floats, layout: str, size: tuple[int, int], what: str) -> Floats:
    """Return boxes (n, 4) as XYXY corners in pixels.

    Args:
        boxes: float64 (n, 4).
        layout: "xyxy"; "xywh", with the upper left corner; "cxcywh", with the centre; or "yolo", which is "cxcywh" as
            fractions of the image's width and height.
        size: (H, W) of the image.
        what: their name in messages.

    >>> as_corners(np.array([[0.5, 0.5, 0.5, 1.0]]), "yolo", (4, 8), "boxes").tolist()
    [[2.0, 0.0, 6.0, 4.0]]
    """
    if layout == "xyxy":
        return boxes
    if layout == "yolo":
        largest = np.abs(boxes).max(initial=0.0)
        if largest > _FARTHEST_SHARE:
            raise ArgumentError(f"{what} must be fractions of the image, as YOLO's are; got up to {largest:g}")
        boxes = boxes * _unit(size)
    first, sides = boxes[:, :2], boxes[:, 2:]
    if layout != "xywh":
        first = first - sides / 2
    return np.concatenate([first, first + sides], axis=1)


def from_corners(boxes: Floats, layout: str, size: tuple[int, int]) -> Floats:
    """Return XYXY corners (n, 4) in the format `layout` of `as_corners`, in an image of `size` (H, W)."""
    if layout == "xyxy":
        return boxes
    sides = boxes[:, 2:] - boxes[:, :2]
    first = boxes[:, :2] if layout == "xywh" else (boxes[:, :2] + boxes[:, 2:]) / 2
    result = np.concatenate([first, sides], axis=1)
    return result / _unit(size) if layout == "yolo" else result


def _unit(size: tuple[int, int]) -> Floats:
    height, width = size
    return np.array([width, height, width, height], np.float64)
