"""Targets of every form: read for their images, and placed in the outputs of a plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple, Protocol

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
    """Target whose numbers were read and checked."""

    @property
    def boxes(self) -> Floats | None:
        """Upright boxes (n, 4) around the objects, XYXY; None if it has none."""

    @property
    def masks(self) -> Sequence[Moving]:
        """Masks to be moved."""

    def place(self, where: CoordinateMap, masks: Sequence[Array]) -> Any:
        """Return a target of the same form in the output.

        Args:
            where: map from the image to the output.
            masks: the masks of this reading, moved.
        """


class BareReading:
    """A tv_tensor or a mask alone, read as the only field of a target.

    Args:
        name: name of the field.
        target: the tv_tensor or the mask.
        size: (H, W) of its image.
        rules: rules for what is kept.

    Attributes:
        inner: reading of the target with this field.
    """

    def __init__(self, name: str, target: Any, size: tuple[int, int], rules: TargetRules) -> None:
        self.name = name
        self.inner = FieldsReading({name: target}, size, rules)
        self.boxes, self.masks = self.inner.boxes, self.inner.masks

    def place(self, where: CoordinateMap, masks: Sequence[Array]) -> Any:
        return self.inner.place(where, masks)[self.name]


def is_target(value: Any) -> bool:
    """Return whether a value is a target with positions or pixels, in one of the forms that `read_target` takes.

    Args:
        value: any object.

    >>> is_target({"boxes": []}), is_target({"caption": "a dog"}), is_target([{"bbox": [0, 0, 1, 1]}]), is_target(3)
    (True, False, True, False)
    """
    if is_plain(value):
        return False
    if isinstance(value, Mapping):
        moving = (*MOVING, "annotations")
        return is_voc(value) or any(name in moving or tv_tensors.role_of(field) for name, field in value.items())
    if isinstance(value, (list, tuple)):
        return all(isinstance(part, Mapping) for part in value)
    return tv_tensors.role_of(value) is not None or looks_like_map(value)


def read_target(target: Any, size: tuple[int, int], rules: TargetRules) -> Reading:
    """Return a target after reading and checking it.

    Args:
        target: a dict of fields, COCO or VOC annotations, a tv_tensor, or a mask.
        size: (H, W) of its image.
        rules: rules for what is kept.
    """
    if tv_tensors.role_of(target) is not None:
        return BareReading("target", target, size, rules)
    if is_voc(target):
        return VocReading(target, rules)
    if isinstance(target, (list, tuple)) or (isinstance(target, Mapping) and "annotations" in target):
        return CocoReading(target, size, rules)
    if isinstance(target, Mapping):
        return FieldsReading(target, size, rules)
    if looks_like_map(target):
        return BareReading("masks", target, size, rules)
    raise ArgumentTypeError(
        "a target must be a dict with boxes, labels, masks or keypoints, COCO or VOC annotations, a tv_tensor or a "
        f"mask, got {type(target).__name__}"
    )


def read_targets(targets: Any, sizes: npt.NDArray[np.int64], rules: TargetRules) -> list[Reading]:
    """Return the targets of several images after reading and checking them.

    Args:
        targets: one target for each image.
        sizes: int64 (n, 2), the (H, W) of each image.
        rules: rules for what is kept.
    """
    if isinstance(targets, (Mapping, str)) or not hasattr(targets, "__len__"):
        raise ArgumentTypeError(f"targets must be a sequence with one target an image, got {type(targets).__name__}")
    if len(targets) != len(sizes):
        raise ArgumentError(f"there must be one target an image: got {len(targets)} for {len(sizes)} images")
    return [read_target(target, (int(h), int(w)), rules) for target, (h, w) in zip(targets, sizes, strict=True)]


class Objects(NamedTuple):
    """Objects of images, as transforms may look at them.

    Args:
        boxes: the boxes (k, 4) of each image; (0, 4) for a target without boxes.
        masks: the masks (..., H, W) of each image.
    """

    boxes: Sequence[Floats]
    masks: Sequence[Sequence[Any]]

    def together(self) -> Objects:
        """Return the objects of all images as those of one."""
        return Objects([np.concatenate(self.boxes)], [list(chain.from_iterable(self.masks))])


def objects_of(readings: Sequence[Reading]) -> Objects:
    """Return the objects of targets.

    Args:
        readings: one target for each image.
    """
    boxes = [np.zeros((0, 4)) if reading.boxes is None else reading.boxes for reading in readings]
    return Objects(boxes, [[moving.values for moving in reading.masks] for reading in readings])


def place_targets(readings: Sequence[Reading], plan: Plan) -> list[Any]:
    """Return the targets, each in its own form, in the outputs of a plan.

    Args:
        readings: one target for each image of the plan.
        plan: plan of the images.

    Raises `ArgumentError` if the plan has a function that may move pixels.
    """
    require_known_moves(plan)
    moved = move_masks(plan.movements, [reading.masks for reading in readings])
    maps = coordinate_maps(plan.movements)
    return [reading.place(where, masks) for reading, where, masks in zip(readings, maps, moved, strict=True)]


def require_known_moves(plan: Plan) -> None:
    """Raise `ArgumentError` if a plan has a function that may move pixels, so that no target can follow."""
    for step in plan.steps:
        if isinstance(step, Barrier) and step.may_move_pixels:
            raise ArgumentError(
                f"targets cannot follow {step.operation}, a function that may move pixels: say keeps_positions=True "
                "if it moves none, or transform without targets"
            )
