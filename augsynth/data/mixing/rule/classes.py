"""Classes of items: groups of items by class, and the labels of a data set without decoding its images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import ConcatDataset, Subset

from augsynth.core.arrays import to_numpy
from augsynth.core.checks import LARGEST_INT64
from augsynth.core.items import class_of
from augsynth.core.typing import Ints
from augsynth.data.mixing.items.failures import located
from augsynth.data.mixing.items.form import structure_of
from augsynth.errors import AugsynthError, DataError, shown
from augsynth.progress import progress_bar

_LABEL_ATTRIBUTES = ("labels", "targets")
_PROBES = 8
_PROBED_CLASSES = 256
_BAR_FROM = 2000


class Groups(Protocol):
    """Partition of the items 0 … n−1 into groups; `sizes` (G,) are the numbers of their items."""

    sizes: Ints

    def locate(self, items: Ints) -> tuple[Ints, Ints]:
        """Return the group of each item, and its number within the group."""

    def item(self, groups: Ints, members: Ints) -> Ints:
        """Return the item with a number within its group."""


class OneGroup:
    """Partition with one group of all items, which needs no memory.

    Args:
        count: number of items.
    """

    def __init__(self, count: int) -> None:
        self.sizes = np.array([count], np.int64)

    def locate(self, items: Ints) -> tuple[Ints, Ints]:
        return np.zeros_like(items), items

    def item(self, groups: Ints, members: Ints) -> Ints:
        return members


class ClassMembers:
    """Items of each class, in their order.

    Item numbers have the smallest type that holds them: 4 bytes an item for sets below 2**32.

    Args:
        labels: (n,) class of each item.
        classes: (G,) classes in rising order; items of other classes are left out.

    >>> members = ClassMembers(np.array([5, 2, 5]), classes=np.array([2, 5]))
    >>> members.sizes.tolist(), members.item(np.array([1]), np.array([1])).tolist()
    ([1, 2], [2])
    """

    def __init__(self, labels: Ints, classes: Ints) -> None:
        group = _group_numbers(labels, classes)
        self.sizes = np.bincount(group, minlength=len(classes) + 1)[:-1].astype(np.int64)
        self._starts = np.cumsum(self.sizes) - self.sizes
        # A stable sort of 16-bit numbers is a radix sort, many times faster than one of 64-bit labels.
        order = np.argsort(group, kind="stable")[: int(self.sizes.sum())]
        self._order = order.astype(np.min_scalar_type(len(labels)))

    def item(self, groups: Ints, members: Ints) -> Ints:
        items: Ints = self._order[self._starts[groups] + members].astype(np.int64)
        return items


class ClassGroups(ClassMembers):
    """Partition with one group for each class.

    Args:
        labels: (n,) class of each item.
        classes: (G,) classes of all items, in rising order.
    """

    def __init__(self, labels: Ints, classes: Ints) -> None:
        super().__init__(labels, classes)
        self._group = _group_numbers(labels, classes)
        self._member = np.empty_like(self._order)
        self._member[self._order] = np.arange(len(labels)) - np.repeat(self._starts, self.sizes)

    def locate(self, items: Ints) -> tuple[Ints, Ints]:
        return self._group[items].astype(np.int64), self._member[items].astype(np.int64)


def _group_numbers(labels: Ints, classes: Ints) -> npt.NDArray[np.unsignedinteger[Any]]:
    """Return the index of each label in `classes`, or len(classes) for a label that is not there."""
    found = np.searchsorted(classes, labels)
    found[classes[found.clip(max=len(classes) - 1)] != labels] = len(classes)
    return found.astype(np.min_scalar_type(len(classes)))


def class_labels(dataset: Any, name: str) -> Ints:
    """Return the class of every item of a data set, int64 (n,).

    They come from the attribute `labels` or `targets` of the data set, or of the data sets inside `Subset` and
    `ConcatDataset`, if the attribute agrees with an item of each class. Otherwise every item is read once, with a
    progress bar. Raises `DataError` if classes are not integers.

    Args:
        dataset: map-style dataset.
        name: name of the data set in messages and in the progress bar.
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


def declared_labels(dataset: Any) -> Ints | None:
    """Return the integer classes from the attribute of a data set, or of all data sets inside it; None without one."""
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


def _integers(values: Any) -> Ints | None:
    if not isinstance(values, (Sequence, np.ndarray, torch.Tensor)) or isinstance(values, (str, bytes)):
        return None
    try:
        array = to_numpy(values if isinstance(values, (np.ndarray, torch.Tensor)) else list(values), "labels")
    except AugsynthError:
        return None
    if array.ndim != 1 or array.dtype.kind not in "iu" or (array.size and int(array.max()) > LARGEST_INT64):
        return None
    return array.astype(np.int64, copy=False)


def _agrees(labels: Ints, dataset: Any, name: str) -> bool:
    """Return whether an item of each class, and a few others, have the label of the attribute.

    If there are many classes, some of them are checked, unless a `target_transform` could change some labels.
    """
    _, firsts = np.unique(labels, return_index=True)
    if len(firsts) > _PROBED_CLASSES and _changes_targets(dataset):
        return False
    chosen = firsts[_spread(len(firsts), _PROBED_CLASSES)]
    probes = np.union1d(chosen, _spread(len(labels), _PROBES))
    return all(_label_at(dataset, int(probe), name) == labels[probe] for probe in probes)


def _spread(count: int, limit: int) -> Ints:
    return np.unique(np.linspace(0, count - 1, min(limit, count)).astype(np.int64))


def _changes_targets(dataset: Any) -> bool:
    inner = [dataset.dataset] if isinstance(dataset, Subset) else getattr(dataset, "datasets", [])
    return getattr(dataset, "target_transform", None) is not None or any(map(_changes_targets, inner))


def _label_at(dataset: Any, index: int, name: str) -> int:
    try:
        item = dataset[index]
    except Exception as error:
        raise located(error, f"item {index} of {name}, read for its label") from error
    structure = structure_of(item, name)
    if "label" not in structure.fields:
        raise DataError(f"items of {name} have no label, and pairing='class' and a ratio for each class need classes")
    return as_class(structure.split(item)[1]["label"], name)


def as_class(label: Any, name: str) -> int:
    """Return the class of a label: an int, a NumPy integer, or a tensor or an array of one integer."""
    value = class_of(label)
    if value is None:
        raise DataError(
            f"{name}: a class must be an integer, got a label of type {type(label).__name__} ({shown(label)}); "
            "use pairing='free' with one ratio for all, or give integer labels"
        )
    if not -LARGEST_INT64 - 1 <= value <= LARGEST_INT64:
        raise DataError(f"{name}: a class must be a signed 64-bit integer, got {value}; number the classes from 0")
    return value
