"""Random numbers and permutations that keys decide."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from augsynth._native.extensions import _cpu
from augsynth.errors import ArgumentTypeError


def draw_bits(keys: npt.NDArray[np.int64], op: int, words: int) -> npt.NDArray[np.uint32]:
    """Random words of Philox4x32-10 for operation `op`: `(n, words)` for keys `(n, 3)`.

    Args:
        keys: int64 array of (seed, epoch, index): any seed, 0 <= epoch < 2^32, 0 <= index.
        op: the operation's position in its pipeline, 0 to 2^16 - 1.
        words: the number of 32-bit words for each key, 0 to 2^18.

    Raises:
        ArgumentError: a number outside its range.

    >>> int(draw_bits(np.zeros((1, 3), np.int64), op=0, words=1)[0, 0]) == 0x6627E8D5
    True
    """
    return _cpu.draw_bits(_int64(keys), op, words)


def draw_uniform(keys: npt.NDArray[np.int64], op: int, count: int) -> npt.NDArray[np.float64]:
    """Return uniform numbers (n, count) in [0, 1) on the grid of 2^-53, from two words each.

    Args:
        keys: as in `draw_bits`.
        op: as in `draw_bits`.
        count: the number of numbers for each key, 0 to 2^17.

    Raises:
        ArgumentError: a number outside its range.
    """
    return _cpu.draw_uniform(_int64(keys), op, count)


def draw_pipeline(keys: npt.NDArray[np.int64], counts: Sequence[int]) -> list[npt.NDArray[np.float64]]:
    """Return uniform numbers (n, counts[op]) in [0, 1) for each of the operations 0, 1, … of a pipeline.

    The numbers follow the operation's first four words, which key the noise of its pixels.

    Args:
        keys: as in `draw_bits`.
        counts: the number of numbers of each operation, 0 to 2^16.

    Raises:
        ArgumentError: a number outside its range.

    >>> [drawn.shape for drawn in draw_pipeline(np.zeros((5, 3), np.int64), [2, 0, 1])]
    [(5, 2), (5, 0), (5, 1)]
    """
    return _cpu.draw_pipeline(_int64(keys), counts)


def spread(u: npt.NDArray[np.float64], column: int, low: float, high: float) -> npt.NDArray[np.float64]:
    """Return the numbers (n,) of one column, spread over [low, high): low + (high - low) u.

    Args:
        u: (n, k), uniform numbers in [0, 1).
        column: the column of `u`.
        low: the lower bound.
        high: the upper bound.

    >>> spread(np.array([[0.0, 0.5]]), 1, -2.0, 4.0).tolist()
    [1.0]
    """
    return _cpu.spread(u, column, low, high)


def permute(
    x: npt.NDArray[np.int64], size: npt.NDArray[np.int64], keys: npt.NDArray[np.uint64], *, backwards: bool = False
) -> npt.NDArray[np.int64]:
    """Return the images (m,) of numbers under keyed permutations of [0, size).

    Args:
        x: (m,), numbers below their size.
        size: (m,), or (1,) for all; at most 2**52.
        keys: (m, 12), or (1, 12) for all; `augsynth.data` says what they stand for.
        backwards: True applies the inverse permutations.

    >>> keys = np.arange(12, dtype=np.uint64)[None]
    >>> permute(permute(np.arange(3), np.array([3]), keys), np.array([3]), keys, backwards=True).tolist()
    [0, 1, 2]
    """
    return _cpu.permute(x, size, keys, backwards)


def _int64(keys: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    if not isinstance(keys, np.ndarray) or keys.dtype != np.int64:
        came = f"an array of {keys.dtype}" if isinstance(keys, np.ndarray) else type(keys).__name__
        raise ArgumentTypeError(f"keys is {came}, expected a NumPy array of int64")
    return np.ascontiguousarray(keys)
