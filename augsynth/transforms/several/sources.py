"""Sources: the images that were given in a call, and the items of a data set that are added to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from augsynth.core.images import ImageBatch, as_batch
from augsynth.core.items import ItemStructure
from augsynth.core.typing import Ints
from augsynth.errors import ArgumentError, ArgumentTypeError
from augsynth.plan import GIVEN
from augsynth.targets import Objects, Reading, TargetRules, is_target, objects_of, read_target


@dataclass(frozen=True)
class Sources:
    """The source images of a composition.

    Args:
        images: the images, of one dtype and number of channels.
        readings: the target of each; None without targets.
        items: int64 (s,), the item of the data set that each is, or -1 for an image of the call.
        names: the name of each in messages.
    """

    images: ImageBatch
    readings: list[Reading] | None
    items: Ints
    names: list[str]

    def objects(self, numbers: Ints) -> Objects | None:
        """The objects of some of the sources; None without targets."""
        return None if self.readings is None else objects_of([self.readings[number] for number in numbers.tolist()])


class Gathering:
    """Collects the sources of a call.

    Args:
        images: the images of the call.
        targets: a target for each; None without targets.
        data: the data set whose items are added; None if other images of the call are used.
        rules: the rules for targets.
        reads_targets: True reads the targets of items even if the call has none; False by default.
    """

    def __init__(
        self, images: Sequence[Any], targets: Any, data: Any, rules: TargetRules, reads_targets: bool = False
    ) -> None:
        self.given = len(images)
        self.images: list[Any] = list(images)
        self._data, self._rules = data, rules
        self._reads_targets = reads_targets or targets is not None
        self._targets = [None] * self.given if targets is None else _one_each(targets, self.given)
        self._numbers: dict[int, int] = {}

    def add(self, item: int) -> int:
        """The number of the source that an item of the data set is; it is read once."""
        if item not in self._numbers:
            self._numbers[item] = len(self.images)
            image, target = _image_and_target(self._data[item], item, self._rules)
            if self._reads_targets and target is None:
                raise ArgumentError(
                    f"item {item} of source has no boxes, masks or keypoints, which the images that it joins have"
                )
            self.images.append(image)
            self._targets.append(target)
        return self._numbers[item]

    def finish(self) -> Sources:
        """All sources."""
        items = np.array([GIVEN] * self.given + list(self._numbers), np.int64)
        names = [f"images[{n}]" if item == GIVEN else f"item {item} of source" for n, item in enumerate(items.tolist())]
        images = as_batch(self.images)
        _require_equal_channels(images.shapes, names)
        readings = None
        if self._reads_targets:
            sizes = images.shapes[:, :2].tolist()
            pairs = zip(self._targets, sizes, strict=True)
            readings = [read_target({} if target is None else target, (h, w), self._rules) for target, (h, w) in pairs]
        return Sources(images, readings, items, names)


def _one_each(targets: Any, count: int) -> list[Any]:
    if isinstance(targets, (Mapping, str)) or not hasattr(targets, "__len__"):
        raise ArgumentTypeError(f"targets must be a sequence with one target an image, got {type(targets).__name__}")
    if len(targets) != count:
        raise ArgumentError(f"there must be one target an image: got {len(targets)} for {count} images")
    return list(targets)


def _image_and_target(item: Any, number: int, rules: TargetRules) -> tuple[Any, Any]:
    """The image of an item, and the part of its other fields that moves with the image; None if none does."""
    structure = ItemStructure.of(item, f"item {number} of source")
    image, fields = structure.split(item)
    fields = {name: value for name, value in fields.items() if name not in rules.passthrough}
    target = fields.get("label") if structure.kind == "pair" else fields
    return image, target if is_target(target) else None


def _require_equal_channels(shapes: Ints, names: Sequence[str]) -> None:
    differs = np.flatnonzero(shapes[:, 2] != shapes[0, 2]) if len(shapes) else np.zeros(0, np.int64)
    if differs.size:
        other = int(differs[0])
        raise ArgumentError(
            f"the images that share an output must have one number of channels: {names[0]} has {shapes[0, 2]}, "
            f"{names[other]} has {shapes[other, 2]}"
        )


def check_source(source: Any) -> None:
    """Raise `ArgumentTypeError` or `ArgumentError` unless a source is None or a map-style data set with items."""
    if source is None:
        return
    if not hasattr(source, "__getitem__") or not hasattr(source, "__len__") or isinstance(source, (str, Mapping)):
        raise ArgumentTypeError(
            f"source must be a data set with len() and items by their number, or None, got {type(source).__name__}"
        )
    if len(source) == 0:
        raise ArgumentError("source has no items")
