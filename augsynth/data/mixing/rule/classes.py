"""Which items belong to which class, and how to find the labels of a data set without decoding its images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import ConcatDataset, Subset

from augsynth.core.arrays import to_numpy
from augsynth.data.mixing.items.failures import located
from augsynth.data.mixing.items.form import Structure, is_number
from augsynth.errors import AugsynthError, DataError, shown
from augsynth.progress import progress_bar

Integers = npt.NDArray[np.int64]

_LABEL_ATTRIBUTES = ("labels", "targets")
_LARGEST = 2**63 - 1
_PROBES = 8
_PROBED_CLASSES = 256
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

    Taken from its attribute `labels` or `targets` (of the data sets inside, for `Subset` and `ConcatDataset`), if that
    agrees with an item of each class; otherwise every item is read once, with a progress bar. Raises `DataError`
    where there are no integer classes.
    """
    declared = declared_labels(dataset)
    if declared is not None and len(declared) == len(dataset) and _agrees(declared, dataset, name):
        return declared
    count = len(dataset)
    found = np.empty(count, np.int64)
    with progress_bar(f"reading the labels of {name}", count, enabled=count >= _BAR_FROM) as advance:
        for index in range(count):
            found[index] = _label_at(dataset, index, name)
            advance()
    return found


def declared_labels(dataset: Any) -> Integers | None:
    """The integer classes that a data set, or those inside it, state in an attribute; None where one does not."""
    if isinstance(dataset, Subset):
        inner = declared_labels(dataset.dataset)
        return None if inner is None else inner[np.asarray(dataset.indices, np.int64)]
    if isinstance(dataset, ConcatDataset):
        parts = [declared_labels(part) for part in dataset.datasets]
        known = [part for part in parts if part is not None]
        return np.concatenate(known) if len(known) == len(parts) else None
    for attribute in _LABEL_ATTRIBUTES:
        labels = _integers(getattr(dataset, attribute, None))
        if labels is not None:
            return labels
    return None


def _integers(values: Any) -> Integers | None:
    if not isinstance(values, (Sequence, np.ndarray, torch.Tensor)) or isinstance(values, (str, bytes)):
        return None
    try:
        array = to_numpy(values if isinstance(values, (np.ndarray, torch.Tensor)) else list(values), "labels")
    except AugsynthError:
        return None
    if array.ndim != 1 or array.dtype.kind not in "iu" or (array.size and int(array.max()) > _LARGEST):
        return None
    return array.astype(np.int64, copy=False)


def _agrees(labels: Integers, dataset: Any, name: str) -> bool:
    """Whether an item of each class, and a few others, have the label that an attribute states.

    Many classes are tried in part, unless a `target_transform` could have changed some of them.
    """
    _, firsts = np.unique(labels, return_index=True)
    if len(firsts) > _PROBED_CLASSES and _changes_targets(dataset):
        return False
    chosen = firsts[_spread(len(firsts), _PROBED_CLASSES)]
    probes = np.union1d(chosen, _spread(len(labels), _PROBES))
    return all(_label_at(dataset, int(probe), name) == labels[probe] for probe in probes)


def _spread(count: int, most: int) -> Integers:
    return np.unique(np.linspace(0, count - 1, min(most, count)).astype(np.int64))


def _changes_targets(dataset: Any) -> bool:
    inner = [dataset.dataset] if isinstance(dataset, Subset) else getattr(dataset, "datasets", [])
    return getattr(dataset, "target_transform", None) is not None or any(map(_changes_targets, inner))


def _label_at(dataset: Any, index: int, name: str) -> int:
    try:
        item = dataset[index]
    except Exception as error:
        raise located(error, f"item {index} of {name}, read for its label") from error
    structure = Structure.of(item, name)
    if "label" not in structure.fields:
        raise DataError(f"items of {name} have no label, and pairing='class' and a ratio for each class need classes")
    return as_class(structure.split(item)[1]["label"], name)


def as_class(label: Any, name: str) -> int:
    """The class that a label names: an int, a NumPy integer, or a tensor or an array of one integer."""
    value = label.item() if isinstance(label, (torch.Tensor, np.ndarray, np.generic)) and is_number(label) else label
    if isinstance(value, bool) or not isinstance(value, int):
        raise DataError(
            f"{name}: a class must be an integer, got a label of type {type(label).__name__} ({shown(label)}); "
            "use pairing='free' with one ratio for all, or give integer labels"
        )
    if not -_LARGEST - 1 <= value <= _LARGEST:
        raise DataError(f"{name}: a class must be a signed 64-bit integer, got {value}; number the classes from 0")
    return value
