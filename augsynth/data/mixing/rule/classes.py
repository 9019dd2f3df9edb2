"""Groups of items by class."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from augsynth.core.typing import Ints


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
