"""torchvision's tv_tensors, if torchvision is imported; this module never imports it."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import torch

from augsynth.core.arrays import coordinates, like
from augsynth.core.typing import Floats
from augsynth.errors import ArgumentTypeError
from augsynth.targets.boxes import read_boxes
from augsynth.targets.rotated import corners_of, read_rotated

_ROLES = {"BoundingBoxes": "boxes", "Mask": "masks", "KeyPoints": "keypoints"}
_ROTATED = ("XYWHR", "CXCYWHR", "XYXYXYXY")


def is_instance(value: Any, name: str) -> bool:
    """Return whether a value is a certain tv_tensor of torchvision.

    Args:
        value: any value.
        name: name of the class in `torchvision.tv_tensors`.
    """
    module = sys.modules.get("torchvision.tv_tensors")
    kind = getattr(module, name, None)
    return kind is not None and isinstance(value, kind)


def role_of(value: Any) -> str | None:
    """Return the field of a target that a tv_tensor is, by its class alone; None for other values."""
    if "torchvision.tv_tensors" not in sys.modules:
        return None
    for name, role in _ROLES.items():
        if is_instance(value, name):
            return "rotated_boxes" if role == "boxes" and _format(value) in _ROTATED else role
    for name in ("Image", "Video"):
        if is_instance(value, name):
            raise ArgumentTypeError(
                f"a tv_tensors.{name} within a target would not be transformed: give it as the image"
            )
    return None


def plain(value: Any) -> Any:
    """Return a tv_tensor as an ordinary tensor; other values unchanged."""
    return value.as_subclass(torch.Tensor) if role_of(value) is not None else value


def read(value: Any, what: str, reversed_boxes: str = "refuse") -> Floats:
    """Return boxes of any format, as XYXY (n, 4) or as rotated boxes (n, 5).

    Args:
        value: a `BoundingBoxes`.
        what: its name in messages.
        reversed_boxes: the rule of `read_boxes`.
    """
    layout, array = _format(value), coordinates(plain(value), what, 4, 5, 8)
    if layout in _ROTATED:
        return read_rotated(_to_rotated(array, layout), what)
    if layout == "XYWH":
        array[:, 2:] += array[:, :2]
    elif layout == "CXCYWH":
        array[:, :2], array[:, 2:] = array[:, :2] - array[:, 2:] / 2, array[:, :2] + array[:, 2:] / 2
    return read_boxes(array, what, reversed_boxes)


def boxes_like(boxes: Floats, original: Any, size: tuple[int, int]) -> Any:
    """Return boxes as `BoundingBoxes` in the format of other boxes.

    Args:
        boxes: float64 (n, 4) or (n, 5).
        original: the boxes whose format is taken.
        size: (H, W) of the canvas.
    """
    layout = _format(original)
    if layout == "XYWH":
        boxes = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    elif layout == "CXCYWH":
        boxes = np.concatenate([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], axis=1)
    elif layout in _ROTATED:
        boxes = _from_rotated(boxes, layout)
    return wrap(like(boxes, plain(original)), original, canvas_size=size)


def wrap(tensor: torch.Tensor, original: Any, **changes: Any) -> Any:
    """Return a tensor as the same kind of tv_tensor as another one.

    Args:
        tensor: the values.
        original: the tv_tensor whose class and metadata are taken.
        changes: metadata that differ.
    """
    return sys.modules["torchvision.tv_tensors"].wrap(tensor, like=original, **changes)


def image_like(tensor: torch.Tensor, original: Any) -> torch.Tensor:
    """Return a tensor as a `tv_tensors.Image` if `original` is such an image."""
    image: torch.Tensor = wrap(tensor, original) if is_instance(original, "Image") else tensor
    return image


def _format(boxes: Any) -> str:
    return str(boxes.format.value)


def _to_rotated(array: Floats, layout: str) -> Floats:
    if layout == "CXCYWHR":
        return array
    if layout == "XYWHR":
        turned = np.concatenate([np.zeros_like(array[:, :2]), array[:, 2:]], axis=1)
        turned[:, :2] = array[:, :2] - corners_of(turned)[:, 0]
        return turned
    corners = array.reshape(-1, 4, 2)
    along, down = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 1]
    angle = np.degrees(np.arctan2(-along[:, 1], along[:, 0]))
    sides = np.stack([np.hypot(*along.T), np.hypot(*down.T), angle], axis=1)
    return np.concatenate([corners.mean(axis=1), sides], axis=1)


def _from_rotated(boxes: Floats, layout: str) -> Floats:
    if layout == "CXCYWHR":
        return boxes
    corners = corners_of(boxes)
    return np.concatenate([corners[:, 0], boxes[:, 2:]], axis=1) if layout == "XYWHR" else corners.reshape(-1, 8)
