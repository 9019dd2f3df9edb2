"""Permutations of [0, n) that need no memory: any element, or where it came from, in a few operations.

A Feistel network on pairs (x div b, x mod b) with modular addition, and cycle-walking for the few pairs
beyond n (Black & Rogaway, "Ciphers with Arbitrary Finite Domains", CT-RSA 2002). Its round function is the
SplitMix64 finaliser (Steele, Lea & Flood, OOPSLA 2014) under a round key of 64 Philox bits.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from augsynth import _native
from augsynth.core.rng import KeysLike, draw_bits

Integers = npt.NDArray[np.int64]
RoundKeys = npt.NDArray[np.uint64]

ROUNDS = 12  # those of csrc/permutation.cpp; with fewer, which 3 of 6 items come first is visibly not uniform


def round_keys(keys: KeysLike, op: int) -> RoundKeys:
    """One permutation for each key (seed, epoch, index): its round keys, uint64 (n, ROUNDS)."""
    words = draw_bits(keys, op, 2 * ROUNDS).astype(np.uint64)
    pairs: RoundKeys = words[:, 0::2] | words[:, 1::2] << np.uint64(32)
    return pairs


def permute(x: Integers, size: Integers, keys: RoundKeys) -> Integers:
    """The image of each x (m,) under the permutation of [0, size) that its row of `keys` (m, ROUNDS) names.

    `size` is (m,) too, so that one call serves many small permutations at once; all of it may broadcast.
    Requires 0 <= x < size <= 2**52.

    >>> keys = round_keys([(0, 0, 0)], op=0)
    >>> sorted(permute(np.arange(5), np.array([5]), keys).tolist())
    [0, 1, 2, 3, 4]
    """
    return _native.permute(x, size, keys)


def unpermute(y: Integers, size: Integers, keys: RoundKeys) -> Integers:
    """The inverse: `unpermute(permute(x, size, keys), size, keys)` is x."""
    return _native.permute(y, size, keys, backwards=True)
