"""The synthetic side of a stream whose items have the classes of the real ones beside them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from augsynth.core.typing import Ints, Labels
from augsynth.data.mixing.rule.classes import ClassMembers, find_classes
from augsynth.data.mixing.rule.pairing import group_keys
from augsynth.data.mixing.rule.permutation import permute
from augsynth.data.mixing.streams.readers import PositionReader, Read
from augsynth.errors import DataError

_OP_CLASS = 0xFF32  # a stream of random bits; transforms in a pipeline use those from 0 on


class ClassIndex(NamedTuple):
    """Items of a data set by class.

    * `classes`: (G,) classes in rising order.
    * `members`: items of each of them.
    """

    classes: Ints
    members: ClassMembers

    @classmethod
    def of(cls, labels: Labels) -> ClassIndex:
        """Return the items by class, from the class of each item (n,), n > 0."""
        classes = find_classes(labels)[0]
        return cls(classes, ClassMembers(labels, classes))


class ClassReader(PositionReader):
    """Data set with a length and classes, in a random order within each class.

    Of n items of a class, none comes twice among the synthetic items j·n … j·n + n − 1 of the stream.

    Args:
        side, name, seed, epoch: as in `PositionReader`.
        index: items by class.
    """

    def __init__(self, side: Any, name: str, seed: int, epoch: int, index: ClassIndex) -> None:
        super().__init__(side, name, seed, epoch, 1, repeats=True)
        self._index = index

    def read_of_class(self, number: int, label: int) -> Read:
        """Return an item of a class for synthetic item `number` of the stream; raise `DataError` if there is none."""
        classes, members = self._index
        group = int(np.searchsorted(classes, label))
        if group == len(classes) or classes[group] != label:
            raise DataError(
                f"{self._name} has no items of class {label}, which pairing='class' needs: add them, or use "
                "pairing='free'"
            )
        size = members.sizes[group : group + 1]
        turn, member = divmod(number, int(size[0]))
        keys = group_keys(self._seed, self._epoch, 1, _OP_CLASS, turn * len(classes) + group)
        return self._at(int(members.item(np.array([group]), permute(np.array([member]), size, keys))[0]))
