"""Permutations of [0, n) without memory: the image of any element, and the inverse, in a few operations.

A Feistel network on pairs (x div b, x mod b) with modular addition. Cycle-walking handles the few pairs beyond n
(Black & Rogaway, "Ciphers with Arbitrary Finite Domains", CT-RSA 2002). The round function is the SplitMix64 finaliser
(Steele, Lea & Flood, OOPSLA 2014) under a round key of 64 Philox bits.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from augsynth import _native
from augsynth.core.rng import KeysLike, draw_bits
from augsynth.core.typing import Ints

RoundKeys = npt.NDArray[np.uint64]

ROUNDS = 12  # as in csrc/core/permutation.cpp; with fewer, which 3 of 6 items come first is visibly not uniform


def round_keys(keys: KeysLike, op: int) -> RoundKeys:
    """Return the round keys, uint64 (n, ROUNDS), of one permutation for each key (seed, epoch, index)."""
    words = draw_bits(keys, op, 2 * ROUNDS).astype(np.uint64)
    pairs: RoundKeys = words[:, 0::2] | words[:, 1::2] << np.uint64(32)
    return pairs


def permute(x: Ints, size: Ints, keys: RoundKeys) -> Ints:
    """Return the image of each x (m,) under the permutation of [0, size) with the round keys of its row.

    Args:
        x: elements, 0 <= x < size.
        size: sizes (m,), at most 2**52; they may differ, so one call serves many small permutations.
        keys: round keys (m, ROUNDS). All three arrays may broadcast.

    >>> keys = round_keys([(0, 0, 0)], op=0)
    >>> sorted(permute(np.arange(5), np.array([5]), keys).tolist())
    [0, 1, 2, 3, 4]
    """
    return _native.permute(x, size, keys)


def unpermute(y: Ints, size: Ints, keys: RoundKeys) -> Ints:
    """Return the inverse image: `unpermute(permute(x, size, keys), size, keys)` is x."""
    return _native.permute(y, size, keys, backwards=True)
