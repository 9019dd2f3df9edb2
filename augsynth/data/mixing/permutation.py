"""Permutations of [0, n) that need no memory: any element, or where it came from, in a few operations.

A Feistel network on pairs (x div b, x mod b) with modular addition, and cycle-walking for the few pairs
beyond n (Black & Rogaway, "Ciphers with Arbitrary Finite Domains", CT-RSA 2002). Its round function is the
SplitMix64 finaliser (Steele, Lea & Flood, OOPSLA 2014) under a round key of 64 Philox bits.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from augsynth.rng import KeysLike, draw_bits

Integers = npt.NDArray[np.int64]
RoundKeys = npt.NDArray[np.uint64]

ROUNDS = 12  # fewer, and which 3 of 6 items come first is visibly not uniform
_WEYL = np.uint64(0x9E3779B97F4A7C15)
_MULTIPLIERS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_SHIFTS = (np.uint64(30), np.uint64(27), np.uint64(31))


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
    return _walk(x, size, keys, range(ROUNDS), 1)


def unpermute(y: Integers, size: Integers, keys: RoundKeys) -> Integers:
    """The inverse: `unpermute(permute(x, size, keys), size, keys)` is x."""
    return _walk(y, size, keys, range(ROUNDS - 1, -1, -1), -1)


def _walk(x: Integers, size: Integers, keys: RoundKeys, rounds: Iterable[int], sign: int) -> Integers:
    size = np.broadcast_to(size, x.shape)
    keys = np.broadcast_to(keys, (*x.shape, ROUNDS))
    order = list(rounds)
    result = _network(x, size, keys, order, sign)
    outside = np.flatnonzero(result >= size)
    while outside.size:
        result[outside] = _network(result[outside], size[outside], keys[outside], order, sign)
        outside = outside[result[outside] >= size[outside]]
    return result


def _network(x: Integers, size: Integers, keys: RoundKeys, rounds: list[int], sign: int) -> Integers:
    # The sides differ by less than their root, so fewer than one pair in sqrt(n) lies beyond n.
    columns = np.ceil(np.sqrt(size)).astype(np.int64)
    sides = (columns, -(-size // columns))
    halves = [x % columns, x // columns]
    for number in rounds:
        turned, other = number % 2, 1 - number % 2
        side = sides[turned]
        shift = (_scramble(halves[other], keys[:, number]) % side.astype(np.uint64)).astype(np.int64)
        halves[turned] = (halves[turned] + sign * shift) % side
    return halves[1] * columns + halves[0]


def _scramble(x: Integers, key: RoundKeys) -> RoundKeys:
    bits: RoundKeys = x.astype(np.uint64) * _WEYL + key
    for shift, multiplier in zip(_SHIFTS, _MULTIPLIERS, strict=False):
        bits = (bits ^ bits >> shift) * multiplier
    bits ^= bits >> _SHIFTS[2]
    return bits
