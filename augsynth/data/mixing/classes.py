"""Which items belong to which class, and how to find the labels of a data set without decoding its images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch

from augsynth.data.mixing.items import Structure
from augsynth.errors import DataError
from augsynth.progress import progress_bar

Integers = npt.NDArray[np.int64]

_LABEL_ATTRIBUTES = ("labels", "targets")
_PROBES = 8
_BAR_FROM = 2000


class Groups(Protocol):
    """A partition of the items 0 … n−1: item ↔ (group, place within the group)."""

    sizes: Integers

    def locate(self, items: Integers) -> tuple[Integers, Integers]: ...

    def item(self, groups: Integers, places: Integers) -> Integers: ...


class OneGroup:
    """All `count` items in one group; needs no memory."""

    def __init__(self, count: int) -> None:
        self.sizes = np.array([count], np.int64)

    def locate(self, items: Integers) -> tuple[Integers, Integers]:
        return np.zeros_like(items), items

    def item(self, groups: Integers, places: Integers) -> Integers:
        return places


class ClassMembers:
    """The items of each of `classes` (sorted), in their order; items of other classes are left out.

    Numbers are kept in the smallest type that holds them: 4 bytes an item for sets below 2**32.

    >>> members = ClassMembers(np.array([5, 2, 5]), classes=np.array([2, 5]))
    >>> members.sizes.tolist(), members.item(np.array([1]), np.array([1])).tolist()
    ([1, 2], [2])
    """

    def __init__(self, labels: Integers, classes: Integers) -> None:
        group = _group_numbers(labels, classes)
        self.sizes = np.bincount(group, minlength=len(classes) + 1)[:-1].astype(np.int64)
        self._starts = np.cumsum(self.sizes) - self.sizes
        # A stable sort of 16-bit numbers is a radix sort, many times faster than one of 64-bit labels.
        order = np.argsort(group, kind="stable")[: int(self.sizes.sum())]
        self._order = order.astype(np.min_scalar_type(len(labels)))

    def item(self, groups: Integers, places: Integers) -> Integers:
        items: Integers = self._order[self._starts[groups] + places].astype(np.int64)
        return items


class ClassGroups(ClassMembers):
    """One group for each of `classes`, which are those of all items."""

    def __init__(self, labels: Integers, classes: Integers) -> None:
        super().__init__(labels, classes)
        self._group = _group_numbers(labels, classes)
        self._place = np.empty_like(self._order)
        self._place[self._order] = np.arange(len(labels)) - np.repeat(self._starts, self.sizes)

    def locate(self, items: Integers) -> tuple[Integers, Integers]:
        return self._group[items].astype(np.int64), self._place[items].astype(np.int64)


def _group_numbers(labels: Integers, classes: Integers) -> npt.NDArray[np.unsignedinteger[Any]]:
    """The number of each label among `classes`, or len(classes) if it is none of them."""
    found = np.searchsorted(classes, labels)
    found[classes[found.clip(max=len(classes) - 1)] != labels] = len(classes)
    return found.astype(np.min_scalar_type(len(classes)))


def class_labels(dataset: Any, name: str) -> Integers:
    """The class of every item of a map-style dataset, int64 (n,).

    Taken from its attribute `labels` or `targets` (of the data set inside, for a `Subset`), if that agrees with
    a few items; otherwise every item is read once, with a progress bar. Raises `DataError` where there are no
    integer classes.
    """
    declared = _declared(dataset)
    if declared is not None and len(declared) == len(dataset) and _agrees(declared, dataset, name):
        return declared
    count = len(dataset)
    found = np.empty(count, np.int64)
    with progress_bar(f"reading the labels of {name}", count, enabled=count >= _BAR_FROM) as advance:
        for index in range(count):
            found[index] = _label_at(dataset, index, name)
            advance()
    return found


def _declared(dataset: Any) -> Integers | None:
    if isinstance(dataset, torch.utils.data.Subset):
        inner = _declared(dataset.dataset)
        return None if inner is None else inner[np.asarray(dataset.indices, np.int64)]
    for attribute in _LABEL_ATTRIBUTES:
        values = getattr(dataset, attribute, None)
        if isinstance(values, (Sequence, np.ndarray, torch.Tensor)):
            array = np.asarray(values)
            if array.ndim == 1 and array.dtype.kind in "iu":
                return array.astype(np.int64, copy=False)
    return None


def _agrees(labels: Integers, dataset: Any, name: str) -> bool:
    probes = np.unique(np.linspace(0, len(labels) - 1, _PROBES).astype(np.int64)) if len(labels) else ()
    return all(_label_at(dataset, int(probe), name) == labels[probe] for probe in probes)


def _label_at(dataset: Any, index: int, name: str) -> int:
    item = dataset[index]
    structure = Structure.of(item, name)
    if "label" not in structure.fields:
        raise DataError(f"items of {name} have no label, and pairing='class' and a ratio for each class need classes")
    return as_class(structure.split(item)[1]["label"], name)


def as_class(label: Any, name: str) -> int:
    """The class that a label names: an int, a NumPy integer or a tensor of one integer."""
    value = label.item() if isinstance(label, (torch.Tensor, np.generic)) and _is_scalar(label) else label
    if isinstance(value, bool) or not isinstance(value, int):
        raise DataError(
            f"{name}: a class must be an integer, got a label of type {type(label).__name__} ({label!r}); "
            "use pairing='free' with one ratio for all, or give integer labels"
        )
    return value


def _is_scalar(label: Any) -> bool:
    return int(np.prod(label.shape)) == 1
