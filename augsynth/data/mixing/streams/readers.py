"""The sides of a stream, read by the numbers of their items: data sets with positions, and iterables."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from augsynth.data.mixing.items.failures import located
from augsynth.data.mixing.rule.pairing import group_keys
from augsynth.data.mixing.rule.permutation import permute
from augsynth.errors import ArgumentError, ArgumentTypeError, DataError

_OP_STREAM = 0xFF30  # a stream of random bits; transforms in a pipeline use those from 0 on
_END = object()
_DIVIDED = ("webdataset", "wids", "datasets")  # libraries whose iterables divide themselves among workers


class Read(NamedTuple):
    """Item of a side, and its position or its number in the order of the side."""

    number: int
    item: Any


class Reader(ABC):
    """Items of one side in the order of an epoch. Numbers that are asked for never fall.

    Args:
        side: the data set.
        name: its name in messages.
    """

    def __init__(self, side: Any, name: str) -> None:
        self._side = side
        self._name = name

    @abstractmethod
    def first(self) -> Any:
        """Return an item that shows the form of all; raise `DataError` if there is none. Called before `read`."""

    @abstractmethod
    def read(self, number: int) -> Read | None:
        """Return the item with a number of the order; None beyond the end."""

    @abstractmethod
    def reaches(self, number: int) -> bool:
        """Return whether the side has an item with this number. Items up to it are passed over."""


class PositionReader(Reader):
    """Data set with a length, in random order: all items are read before one is read again.

    Args:
        side, name: as in `Reader`.
        seed, epoch: decide the order.
        op: stream of random bits, another one for each side.
        repeats: start again after the last item, in another order.
    """

    def __init__(self, side: Any, name: str, seed: int, epoch: int, op: int, repeats: bool) -> None:
        super().__init__(side, name)
        self._seed, self._epoch, self._op = seed, epoch, _OP_STREAM + op
        self._repeats = repeats

    def first(self) -> Any:
        if len(self._side) == 0:
            raise DataError(f"{self._name} has no items")
        return _located(self._side.__getitem__, f"item 0 of {self._name}", 0)

    def read(self, number: int) -> Read | None:
        count = len(self._side)
        if number >= count and not self._repeats:
            return None
        turn, member = divmod(number, count)
        keys = group_keys(self._seed, self._epoch, 1, self._op, turn)
        position = int(permute(np.array([member]), np.array([count]), keys)[0])
        return self._at(position)

    def _at(self, position: int) -> Read:
        return Read(position, _located(self._side.__getitem__, f"{self._name} item {position}", position))

    def reaches(self, number: int) -> bool:
        return self._repeats or number < len(self._side)


class IterableReader(Reader):
    """Iterable, in its own order.

    Args:
        side, name: as in `Reader`.
        own: the iterable gives this worker a part of its own, so that no item is passed over.
        repeats: start again after the last item.
    """

    def __init__(self, side: Any, name: str, own: bool, repeats: bool) -> None:
        super().__init__(side, name)
        self._own = own
        self._repeats = repeats
        self._iterator: Iterator[Any] = iter(side)
        self._next = 0  # number of the item that the iterator gives next
        self._peeked: Any = _END

    def first(self) -> Any:
        self._peeked = self._fetch()
        if self._peeked is _END:
            raise DataError(f"{self._name} gave no items")
        return self._peeked

    def read(self, number: int) -> Read | None:
        item: Any = _END
        for _ in range(1 if self._own else number + 1 - self._next):
            item = self._take()
            if item is _END:
                return None
        return Read(self._next - 1, item)

    def reaches(self, number: int) -> bool:
        # A side that is divided elsewhere gives this worker what it has, and nobody knows the rest.
        while not self._own and self._next <= number:
            if self._take() is _END:
                return False
        return True

    def _take(self) -> Any:
        item, self._peeked = self._peeked, _END
        if item is _END:
            item = self._fetch()
        if item is _END and self._repeats:
            self._iterator = iter(self._side)
            item = self._fetch()
            if item is _END:
                raise DataError(f"{self._name} gives no items when it is read again: let its __iter__ start anew")
        self._next += item is not _END
        return item

    def _fetch(self) -> Any:
        return _located(next, f"{self._name} item {self._next} of the stream", self._iterator, _END)


def reader(side: Any, name: str, *, seed: int, epoch: int, own: bool, repeats: bool) -> Reader:
    """Return the reader of a side; see `PositionReader` and `IterableReader`."""
    if has_positions(side):
        return PositionReader(side, name, seed, epoch, int(repeats), repeats)
    return IterableReader(side, name, own, repeats)


def has_positions(side: Any) -> bool:
    """Return whether a side is map-style; raise `ArgumentTypeError` if it is not iterable either."""
    if hasattr(side, "__getitem__") and hasattr(side, "__len__"):
        return True
    if not hasattr(side, "__iter__"):
        raise ArgumentTypeError(
            f"the sides of a stream must be iterables or map-style datasets, got {type(side).__name__}"
        )
    if isinstance(side, Iterator):
        raise ArgumentTypeError(
            f"a side of a stream must be an iterable that can start anew, got the iterator {type(side).__name__}, "
            "which ends after one epoch: give an object whose __iter__ opens the stream"
        )
    return False


def refuse_divided(side: Any, name: str) -> None:
    """Raise `ArgumentError` for an iterable that divides itself among workers, where its user did not say so.

    Dividing it a second time would lose most of its items.

    Args:
        side: the data set.
        name: its name in messages.
    """
    library = type(side).__module__.split(".")[0]
    if library in _DIVIDED and not has_positions(side):
        raise ArgumentError(
            f"{name} is a {type(side).__name__} of {library}, which gives each worker a part of its own: give "
            f"MixStream sharded={name!r} (or True for both sides), or sharded=False if you have turned this off"
        )


def _located(function: Any, where: str, *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except Exception as error:
        raise located(error, where) from error
