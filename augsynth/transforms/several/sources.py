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
from augsynth.transforms.several.objects import as_objects, size_of


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
        cuts_out: True if objects are cut out of the sources, which takes their targets even if the call has none; False
            by default.
    """

    def __init__(
        self, images: Sequence[Any], targets: Any, data: Any, rules: TargetRules, cuts_out: bool = False
    ) -> None:
        self.given = len(images)
        self._images: list[Any] = list(images)
        self._data, self._rules, self._cuts_out = data, rules, cuts_out
        self._reads_targets = cuts_out or targets is not None
        self._targets = [None] * self.given if targets is None else _one_each(targets, self.given)
        self._numbers: dict[int, int] = {}
        self._readings: dict[int, Reading] = {}

    def add(self, item: int) -> int:
        """The number of the source that an item of the data set is; it is read once."""
        if item not in self._numbers:
            self._numbers[item] = len(self._images)
            image, target = self._read(item)
            self._images.append(image)
            self._targets.append(target)
        return self._numbers[item]

    def _read(self, item: int) -> tuple[Any, Any]:
        found = self._data[item]
        structure = ItemStructure.of(found, f"item {item} of source")
        image, fields = structure.split(found)
        fields = {name: value for name, value in fields.items() if name not in self._rules.passthrough}
        target = fields.get("label") if structure.kind == "pair" else fields
        if self._cuts_out:
            image, target = as_objects(image, target, size_of(self._images[0])[2])
        if self._reads_targets and not is_target(target):
            raise ArgumentError(
                f"item {item} of source has no boxes, masks or keypoints, which the images that it joins have"
            )
        return image, target

    def reading(self, number: int) -> Reading:
        """The target of a source; that of one without a target has no fields."""
        if number not in self._readings:
            target = self._targets[number]
            height, width, _ = size_of(self._images[number])
            self._readings[number] = read_target({} if target is None else target, (height, width), self._rules)
        return self._readings[number]

    def name(self, number: int) -> str:
        """The name of a source in messages."""
        return f"images[{number}]" if number < self.given else f"item {self._items[number - self.given]} of source"

    @property
    def _items(self) -> list[int]:
        return list(self._numbers)

    def finish(self) -> Sources:
        """All sources."""
        items = np.array([GIVEN] * self.given + self._items, np.int64)
        names = [self.name(number) for number in range(len(items))]
        images = as_batch(self._images)
        _require_equal_channels(images.shapes, names)
        readings = [self.reading(number) for number in range(len(items))] if self._reads_targets else None
        return Sources(images, readings, items, names)


def _one_each(targets: Any, count: int) -> list[Any]:
    if isinstance(targets, (Mapping, str)) or not hasattr(targets, "__len__"):
        raise ArgumentTypeError(f"targets must be a sequence with one target an image, got {type(targets).__name__}")
    if len(targets) != count:
        raise ArgumentError(f"there must be one target an image: got {len(targets)} for {count} images")
    return list(targets)


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
