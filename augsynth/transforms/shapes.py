"""Shapes of images as users give them, before there are any images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np

from augsynth.core.typing import Ints
from augsynth.errors import ArgumentError, ArgumentTypeError, shown
from augsynth.plan import LARGEST
from augsynth.transforms.params import frozen, integer


def as_shapes(shapes: Sequence[Sequence[int]] | Ints) -> Ints:
    """Shapes (n, 3) as (H, W, C).

    Args:
        shapes: (H, W) or (H, W, C) of each image; the former has one channel.

    >>> as_shapes([(4, 6), (5, 5, 3)]).tolist()
    [[4, 6, 1], [5, 5, 3]]
    """
    if isinstance(shapes, np.ndarray) and shapes.dtype == np.int64 and shapes.shape[1:] == (3,) and (shapes > 0).all():
        return shapes  # shapes of images that were read need no check of each number, which takes time
    plain = _plain_shapes(shapes)
    if plain is not None:
        return plain
    given = frozen(list(shapes) if isinstance(shapes, Iterator) else shapes)
    if not isinstance(given, tuple):
        raise ArgumentTypeError(f"shapes must be a sequence of (H, W) or (H, W, C), got {shown(shapes)}")
    rows = [_as_shape(row, f"shapes[{number}]") for number, row in enumerate(given)]
    return np.array(rows, dtype=np.int64).reshape(-1, 3)


def _plain_shapes(shapes: Any) -> Ints | None:
    """A list of tuples (H, W, C) of Python's integers in one call, as a check of each takes 4 us; None for others."""
    if type(shapes) is not list or set(map(type, shapes)) != {tuple} or set(map(len, shapes)) != {3}:
        return None
    if set(map(type, chain.from_iterable(shapes))) != {int}:
        return None
    array = np.array(shapes)
    return array if array.dtype == np.int64 and array.min() >= 1 and array.max() <= LARGEST else None


def _as_shape(row: Any, name: str) -> tuple[int, ...]:
    if not isinstance(row, tuple) or len(row) not in (2, 3):
        raise ArgumentError(f"{name} must be (H, W) or (H, W, C) with positive entries, got {shown(row)}")
    sides = tuple(integer(value, f"{name}[{axis}]", 1) for axis, value in enumerate(row))
    return sides if len(sides) == 3 else (*sides, 1)
