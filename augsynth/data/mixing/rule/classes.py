"""Groups of items by class."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from augsynth.core.typing import Ints, Labels

_CHUNK = 2**17  # items that are sorted at a time
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

    def __init__(self, labels: Labels, classes: Ints) -> None:
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


def find_classes(labels: Labels) -> tuple[Ints, Ints]:
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


def _find_wide_classes(labels: Labels) -> tuple[Ints, Ints]:
    classes = firsts = np.empty(0, np.int64)
    for start in range(0, len(labels), _CHUNK):
        more, at = np.unique(labels[start : start + _CHUNK].astype(np.int64), return_index=True)
        classes, chosen = np.unique(np.concatenate((classes, more)), return_index=True)
        firsts = np.concatenate((firsts, at + start))[chosen]
    return classes, firsts


def _group_numbers(labels: Labels, classes: Ints) -> _Small:
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
