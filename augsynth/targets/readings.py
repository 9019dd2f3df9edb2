"""Targets of every form, read for their images and placed by a plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from augsynth.core.typing import Array, Floats
from augsynth.errors import ArgumentError, ArgumentTypeError
from augsynth.plan import Barrier, Plan
from augsynth.plan.coordinates import CoordinateMap, coordinate_maps
from augsynth.targets import tv_tensors
from augsynth.targets.coco import CocoReading
from augsynth.targets.fields import FieldsReading
from augsynth.targets.guard import is_plain, looks_like_map
from augsynth.targets.masks import Moving, move_masks
from augsynth.targets.names import MOVING
from augsynth.targets.rules import TargetRules
from augsynth.targets.voc import VocReading, is_voc


class Reading(Protocol):
    """A target whose numbers were read and checked."""

    @property
    def boxes(self) -> Floats | None:
        """Upright boxes (n, 4) around its objects, XYXY; None where it has none."""

    @property
    def masks(self) -> Sequence[Moving]:
        """Those that are to be moved."""

    def place(self, where: CoordinateMap, masks: Sequence[Array]) -> Any:
        """A target of the same form in the output; `masks` are its own, moved."""


class _BareReading:
    """A tv_tensor or a mask by itself, which is read as the only field of a target."""

    def __init__(self, name: str, target: Any, size: tuple[int, int], rules: TargetRules) -> None:
        self._name = name
        self._inner = FieldsReading({name: target}, size, rules)
        self.boxes, self.masks = self._inner.boxes, self._inner.masks

    def place(self, where: CoordinateMap, masks: Sequence[Array]) -> Any:
        return self._inner.place(where, masks)[self._name]


def is_target(value: Any) -> bool:
    """Return whether a value says where things are in an image, in one of the forms that `read_target` takes.

    >>> is_target({"boxes": []}), is_target({"caption": "a dog"}), is_target([{"bbox": [0, 0, 1, 1]}]), is_target(3)
    (True, False, True, False)
    """
    if is_plain(value):
        return False
    if isinstance(value, Mapping):
        moving = (*MOVING, "annotations")
        return is_voc(value) or any(name in moving or tv_tensors.role_of(one) for name, one in value.items())
    if isinstance(value, (list, tuple)):
        return all(isinstance(one, Mapping) for one in value)
    return tv_tensors.role_of(value) is not None or looks_like_map(value)


def read_target(target: Any, size: tuple[int, int], rules: TargetRules) -> Reading:
    """A target in any of its forms, for an image of `size` (H, W).

    Its forms are a dict of fields, COCO and VOC annotations, a tv_tensor, and a mask.
    """
    if tv_tensors.role_of(target) is not None:
        return _BareReading("target", target, size, rules)
    if is_voc(target):
        return VocReading(target, rules)
    if isinstance(target, (list, tuple)) or (isinstance(target, Mapping) and "annotations" in target):
        return CocoReading(target, size, rules)
    if isinstance(target, Mapping):
        return FieldsReading(target, size, rules)
    if looks_like_map(target):
        return _BareReading("masks", target, size, rules)
    raise ArgumentTypeError(
        "a target must be a dict with boxes, labels, masks or keypoints, COCO or VOC annotations, a tv_tensor or a "
        f"mask, got {type(target).__name__}"
    )


def read_targets(targets: Any, sizes: npt.NDArray[np.int64], rules: TargetRules) -> list[Reading]:
    """One target for each image of the sizes (n, 2)."""
    if isinstance(targets, (Mapping, str)) or not hasattr(targets, "__len__"):
        raise ArgumentTypeError(f"targets must be a sequence with one target an image, got {type(targets).__name__}")
    if len(targets) != len(sizes):
        raise ArgumentError(f"there must be one target an image: got {len(targets)} for {len(sizes)} images")
    return [read_target(one, (int(h), int(w)), rules) for one, (h, w) in zip(targets, sizes, strict=True)]


def object_boxes(readings: Sequence[Reading]) -> list[Floats]:
    """The boxes (k, 4) of each target's objects, none for one without boxes."""
    return [np.zeros((0, 4)) if reading.boxes is None else reading.boxes for reading in readings]


def place_targets(readings: Sequence[Reading], plan: Plan) -> list[Any]:
    """The targets, each in the form it came in, in the outputs of a plan."""
    for step in plan.steps:
        if isinstance(step, Barrier) and step.may_move_pixels:
            raise ArgumentError(
                f"targets cannot follow {step.operation}, a function that may move pixels: say keeps_positions=True "
                "if it moves none, or transform without targets"
            )
    moved = move_masks(plan.passes, [reading.masks for reading in readings])
    maps = coordinate_maps(plan.passes)
    return [reading.place(where, masks) for reading, where, masks in zip(readings, maps, moved, strict=True)]
