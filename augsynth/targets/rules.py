"""Rules for targets: the objects that are kept, and the reading of numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence, Set
from dataclasses import dataclass
from itertools import chain
from typing import Any

from augsynth.core.checks import check_flag, check_integer, check_number
from augsynth.errors import ArgumentError, ArgumentTypeError, shown
from augsynth.targets.box_formats import FORMATS

_MOST_KEYPOINTS = 2**20


@dataclass(frozen=True)
class TargetRules:
    """Rules for the objects of a target that are kept, and for reading its numbers.

    Args:
        min_area: boxes with less area in the output, in square pixels and after clipping, are dropped; default 0.
        min_visibility: boxes with a smaller visible fraction of their area are dropped; in [0, 1], default 0.
        pixel_center: keypoints name pixels by their centres: x stands for the position x + 1/2. Default False.
        mask_fill: value of masks outside the image, with the border "constant"; default 0. Boolean masks and masks
            of single objects show 0 there.
        passthrough: names of fields that stay as they are; default none.
        min_width: boxes with a smaller width in the output, in pixels, are dropped; default 0.
        min_height: boxes with a smaller height are dropped; default 0.
        max_aspect: boxes whose longer side is more than so many times the shorter one are dropped; None (the default)
            keeps them.
        box_format: format of `boxes`: "xyxy" (the default), "xywh", "cxcywh" or "yolo" (centre and sides as fractions
            of the image). Rotated boxes, tv_tensors, COCO and VOC have formats of their own.
        reversed_boxes: treatment of boxes with x2 < x1 or y2 < y1: "refuse" (the default) raises an error, "repair"
            exchanges the two, and "drop" drops the objects.
        tight_boxes: "masks" gives objects that have masks the boxes around their moved masks; None (the default) gives
            all objects the boxes around their moved boxes.
        keypoint_flip_pairs: pairs of numbers of keypoints, from 0, that change places where the map mirrors the image,
            as left and right do; default none.
        remove_invisible: True removes keypoints (N, 2) that are outside the frame; default False.

    >>> TargetRules(min_visibility=0.25).min_visibility
    0.25
    """

    min_area: float = 0.0
    min_visibility: float = 0.0
    pixel_center: bool = False
    mask_fill: float = 0
    passthrough: tuple[str, ...] = ()
    min_width: float = 0.0
    min_height: float = 0.0
    max_aspect: float | None = None
    box_format: str = "xyxy"
    reversed_boxes: str = "refuse"
    tight_boxes: str | None = None
    keypoint_flip_pairs: tuple[tuple[int, int], ...] = ()
    remove_invisible: bool = False

    def __post_init__(self) -> None:
        for name, low, high in (
            ("min_area", 0.0, math.inf),
            ("min_width", 0.0, math.inf),
            ("min_height", 0.0, math.inf),
            ("min_visibility", 0.0, 1.0),
            ("mask_fill", -math.inf, math.inf),
        ):
            check_number(name, getattr(self, name), low, high, type_error=ArgumentTypeError)
        if self.max_aspect is not None:
            check_number("max_aspect", self.max_aspect, 1.0, math.inf, type_error=ArgumentTypeError)
        _check_name("box_format", self.box_format, FORMATS)
        _check_name("reversed_boxes", self.reversed_boxes, ("refuse", "repair", "drop"))
        _check_name("tight_boxes", self.tight_boxes, (None, "masks"))
        check_flag("pixel_center", self.pixel_center)
        check_flag("remove_invisible", self.remove_invisible)
        _check_pairs(self.keypoint_flip_pairs)
        object.__setattr__(self, "passthrough", field_names(self.passthrough))

    @property
    def offset(self) -> float:
        """Difference between a keypoint's position and its number, in pixels."""
        return 0.5 if self.pixel_center else 0.0


def _check_name(name: str, value: Any, known: Sequence[Any]) -> None:
    if not isinstance(value, (str, type(None))) or value not in known:
        raise ArgumentError(f"{name} must be {' or '.join(map(repr, known))}, got {shown(value)}")


def _check_pairs(pairs: Any) -> None:
    expected = "keypoint_flip_pairs must be pairs of numbers of keypoints, such as [(1, 2), (3, 4)]"
    if not isinstance(pairs, tuple) or not all(isinstance(pair, tuple) and len(pair) == 2 for pair in pairs):
        raise ArgumentError(f"{expected}, got {shown(pairs)}")
    numbers = list(chain(*pairs))
    for number in numbers:
        check_integer("keypoint_flip_pairs", number, 0, _MOST_KEYPOINTS, type_error=ArgumentTypeError)
    if len(set(numbers)) < len(numbers):
        raise ArgumentError(f"{expected}, each keypoint in one pair; got {shown(pairs)}")


def field_names(passthrough: Any) -> tuple[str, ...]:
    """Return names of fields as a tuple; `ArgumentTypeError` if they are not a sequence of texts.

    Args:
        passthrough: names of fields.
    """
    if isinstance(passthrough, str) or not isinstance(passthrough, (Sequence, Set)):
        raise ArgumentTypeError(f"passthrough must be a sequence of the names of fields, got {passthrough!r}")
    for name in passthrough:
        if not isinstance(name, str):
            raise ArgumentTypeError(f"passthrough must hold the names of fields, got {name!r}")
    return tuple(passthrough)
