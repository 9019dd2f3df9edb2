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
        words: how many 32-bit words a key, 0 to 2^18.

    Raises:
        ArgumentError: a number outside its range.

    >>> int(draw_bits(np.zeros((1, 3), np.int64), op=0, words=1)[0, 0]) == 0x6627E8D5
    True
    """
    return _cpu.draw_bits(_int64(keys), op, words)


def draw_uniform(keys: npt.NDArray[np.int64], op: int, count: int) -> npt.NDArray[np.float64]:
    """Uniform numbers in [0, 1) on the grid of 2^-53, two words each: `(n, count)` for keys `(n, 3)`.

    The arguments and errors are those of `draw_bits`, with `count` from 0 to 2^17.
    """
    return _cpu.draw_uniform(_int64(keys), op, count)


def draw_pipeline(keys: npt.NDArray[np.int64], counts: Sequence[int]) -> list[npt.NDArray[np.float64]]:
    """Uniform numbers for the operations 0, 1, … of a pipeline: `(n, counts[op])` each, for keys `(n, 3)`.

    They follow the operation's first four words, which key the noise of its pixels. The errors are those of
    `draw_bits`, with counts from 0 to 2^16.

    >>> [drawn.shape for drawn in draw_pipeline(np.zeros((5, 3), np.int64), [2, 0, 1])]
    [(5, 2), (5, 0), (5, 1)]
    """
    return _cpu.draw_pipeline(_int64(keys), counts)


def spread(u: npt.NDArray[np.float64], column: int, low: float, high: float) -> npt.NDArray[np.float64]:
    """Column `column` of uniform numbers (n, k) in [0, 1), spread over [low, high): low + (high - low) u.

    >>> spread(np.array([[0.0, 0.5]]), 1, -2.0, 4.0).tolist()
    [1.0]
    """
    return _cpu.spread(u, column, low, high)


def permute(
    x: npt.NDArray[np.int64], size: npt.NDArray[np.int64], keys: npt.NDArray[np.uint64], *, backwards: bool = False
) -> npt.NDArray[np.int64]:
    """The images (m,) of `x` (m,) under keyed permutations of [0, size), or with `backwards` what is taken to `x`.

    `size` is (m,) or (1,), at most 2**52, and `keys` (m, 12) or (1, 12); `augsynth.data` says what they stand for.

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
