"""Positions in data sets and batches: negative positions, slices and NumPy integers mean the same everywhere."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from operator import index
from typing import Any, ClassVar, Generic, SupportsIndex, TypeVar, overload

import numpy as np
import numpy.typing as npt
import torch

from augsynth.errors import ArgumentTypeError, shown

T = TypeVar("T")


class Positional(ABC, Generic[T]):
    """Base of sequences with `len(self)` items: an item by its position, a list of items by a slice, and iteration.

    A position is an integer in any form. Negative positions count from the end. A position outside raises `IndexError`.
    An `IndexError` that occurs while an item is read does not end a loop over all items.
    """

    _unit: ClassVar[str] = "items"

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def _item(self, position: int) -> T:
        """Return the item at a position in [0, len(self))."""

    @overload
    def __getitem__(self, index: SupportsIndex) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> list[T]: ...

    def __getitem__(self, index: SupportsIndex | slice) -> T | list[T]:
        if isinstance(index, slice):
            return [self._item(position) for position in range(*index.indices(len(self)))]
        return self._item(as_position(index, len(self), type(self).__name__, self._unit))

    def __iter__(self) -> Iterator[T]:
        return (self._item(position) for position in range(len(self)))


def as_position(value: Any, length: int, what: str, unit: str = "items") -> int:
    """Return a position in [0, length); negative positions count from the end.

    Args:
        value: integer in any form.
        length: number of items.
        what: name of the sequence in messages.
        unit: name of its items in messages.

    Raises `IndexError` for a position outside.

    >>> as_position(np.int64(-1), 5, "the list")
    4
    """
    position = _as_integer(value, what)
    if not -length <= position < length:
        raise IndexError(f"{what} has {length} {unit}, got index {position}")
    return position % length


def as_positions(values: Iterable[Any], length: int, what: str) -> npt.NDArray[np.int64]:
    """Return `as_position` of many values, int64 (n,).

    Args:
        values: integers in any form.
        length: number of items.
        what: name of the sequence in messages.
    """
    if isinstance(values, np.ndarray) and values.dtype.kind == "i" and values.ndim == 1:
        array = values.astype(np.int64)
    else:
        integers = list(values)
        if set(map(type, integers)) != {int}:
            integers = [_as_integer(value, what) for value in integers]
        try:
            array = np.array(integers, np.int64)
        except OverflowError:
            raise IndexError(f"{what} has {length} items, got an index beyond 64 bits") from None
    if not (array.view(np.uint64) >= length).any():  # as unsigned numbers, negative ones are large
        return array
    outside = array[(array < -length) | (array >= length)]
    if outside.size:
        raise IndexError(f"{what} has {length} items, got index {outside[0]}")
    return np.where(array < 0, array + length, array)


def _as_integer(value: Any, what: str) -> int:
    refused = isinstance(value, (bool, np.bool_)) or getattr(value, "dtype", None) in (torch.bool, np.dtype(bool))
    try:
        if not refused:
            return index(value)
    except TypeError:
        pass
    raise ArgumentTypeError(f"a position in {what} must be an integer or a slice, got {shown(value)}")
