"""Classes of items: groups of items by class, and the labels of a data set without decoding its images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
_CHUNK = 2**18  # items that are sorted at a time
_SPAN = 2**16  # classes within this span are found by a table

_Small = npt.NDArray[np.unsignedinteger[Any]]


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
        self._sort(_group_numbers(labels, classes), len(classes))

    def _sort(self, group: _Small, groups: int) -> None:
        """Sort the items; `group` has the number of each item's group, or `groups` for no group."""
        self.sizes = _counts(group, groups)
        self._starts = np.cumsum(self.sizes) - self.sizes
        self._order = np.empty(int(self.sizes.sum()), np.min_scalar_type(len(group)))
        for items, places, members in _sorted_chunks(group, self._starts):
            self._order[places] = items
            self._note(items, members)

    def _note(self, items: Ints, members: Ints) -> None:
        """Keep the numbers of items within their groups, if they are needed."""

    def item(self, groups: Ints, members: Ints) -> Ints:
        items: Ints = self._order[self._starts[groups] + members].astype(np.int64)
        return items


class ClassGroups(ClassMembers):
    """Partition with one group for each class.

    Args:
        labels: (n,) class of each item.
        classes: (G,) classes of all items, in rising order.
    """

    def _sort(self, group: _Small, groups: int) -> None:
        self._group = group
        self._member = np.empty(len(group), np.min_scalar_type(len(group)))
        super()._sort(group, groups)

    def _note(self, items: Ints, members: Ints) -> None:
        self._member[items] = members

    def locate(self, items: Ints) -> tuple[Ints, Ints]:
        return self._group[items].astype(np.int64), self._member[items].astype(np.int64)


def find_classes(labels: Ints) -> tuple[Ints, Ints]:
    """Return the classes of some labels in rising order, and the first item of each.

    Args:
        labels: (n,) integers of any type, n > 0.

    >>> find_classes(np.array([7, 5, 7]))
    (array([5, 7]), array([1, 0]))
    """
    low, high = int(labels.min()), int(labels.max())
    if high - low >= _SPAN:
        return _find_wide_classes(labels)
    first = np.full(high - low + 1, -1, np.int64)
    for start in range(0, len(labels), _CHUNK)[::-1]:
        offsets = labels[start : start + _CHUNK].astype(np.int64) - low
        # Of equal indices, the last one counts: the first item.
        first[offsets[::-1]] = np.arange(start + len(offsets) - 1, start - 1, -1)
    present = np.flatnonzero(first >= 0)
    return present + low, first[present]


def _find_wide_classes(labels: Ints) -> tuple[Ints, Ints]:
    classes = firsts = np.empty(0, np.int64)
    for start in range(0, len(labels), _CHUNK):
        more, at = np.unique(labels[start : start + _CHUNK].astype(np.int64), return_index=True)
        classes, chosen = np.unique(np.concatenate((classes, more)), return_index=True)
        firsts = np.concatenate((firsts, at + start))[chosen]
    return classes, firsts


def _group_numbers(labels: Ints, classes: Ints) -> _Small:
    """Return the index of each label in `classes`, or len(classes) for a label that is not there."""
    low, high = (int(classes[0]), int(classes[-1])) if len(classes) else (0, 0)
    numbers = np.empty(len(labels), np.min_scalar_type(len(classes)))
    table = np.full(high - low + 1, len(classes), numbers.dtype) if high - low < _SPAN else None
    if table is not None:
        table[classes - low] = np.arange(len(classes))
    for start in range(0, len(labels), _CHUNK):
        part = labels[start : start + _CHUNK].astype(np.int64, copy=False)
        inside = (part >= low) & (part <= high)
        if table is not None and inside.all():
            numbers[start : start + _CHUNK] = table[part - low]
        else:
            found = np.searchsorted(classes, part)
            found[classes[found.clip(max=len(classes) - 1)] != part] = len(classes)
            numbers[start : start + _CHUNK] = found
    return numbers


def _counts(group: _Small, groups: int) -> Ints:
    counts = np.zeros(groups + 1, np.int64)
    for start in range(0, len(group), _CHUNK):
        counts += np.bincount(group[start : start + _CHUNK], minlength=groups + 1)
    return counts[:-1]


def _sorted_chunks(group: _Small, starts: Ints) -> Iterator[tuple[Ints, Ints, Ints]]:
    """Yield the items of a stable sort by group, their places in it, and their numbers within their groups.

    Parts of the items come one after another, because sorting everything at once would take 8 bytes an item more. A
    stable sort of 16-bit numbers is a radix sort, many times faster than one of 64-bit labels.
    """
    filled = np.zeros(len(starts), np.int64)
    for first in range(0, len(group), _CHUNK):
        part = group[first : first + _CHUNK]
        counts = np.bincount(part, minlength=len(starts) + 1)[:-1]
        order = np.argsort(part, kind="stable")[: counts.sum()]
        members = np.arange(len(order)) + np.repeat(filled - np.cumsum(counts) + counts, counts)
        yield order + first, members + np.repeat(starts, counts), members
        filled += counts


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
    _, firsts = find_classes(labels)
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
