"""Keyed permutations: bijections, invertible, and uniform where the mix relies on that."""

from __future__ import annotations

from math import comb, isqrt

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augsynth.data.mixing.rule.permutation import ROUNDS, permute, round_keys, unpermute
from augsynth.errors import ArgumentError

sizes = st.integers(1, 300)
MASK = 2**64 - 1


def by_hand(x: int, size: int, keys: list[int]) -> int:
    """The permutation in Python's own integers."""
    columns = isqrt(size - 1) + 1
    sides = (columns, -(-size // columns))
    halves = [x % columns, x // columns]
    for number, key in enumerate(keys):
        bits = (halves[1 - number % 2] * 0x9E3779B97F4A7C15 + key) & MASK
        bits = (bits ^ bits >> 30) * 0xBF58476D1CE4E5B9 & MASK
        bits = (bits ^ bits >> 27) * 0x94D049BB133111EB & MASK
        halves[number % 2] = (halves[number % 2] + (bits ^ bits >> 31)) % sides[number % 2]
    image = halves[1] * columns + halves[0]
    return image if image < size else by_hand(image, size, keys)


seeds = st.integers(-(2**63), 2**63 - 1)


def one(seed: int, size: int) -> npt.NDArray[np.int64]:
    return permute(np.arange(size), np.array([size]), round_keys([(seed, 0, 0)], 0))


@given(st.integers(1, 40) | st.integers(1, 2**52), st.integers(0, 2**52 - 1), seeds)
def test_it_is_what_it_says(size: int, x: int, seed: int) -> None:
    keys = round_keys([(seed, 0, 0)], 0)
    expected = by_hand(x % size, size, keys[0].tolist())
    assert permute(np.array([x % size]), np.array([size]), keys).tolist() == [expected]


@given(sizes, seeds)
def test_it_is_a_bijection_of_its_range(size: int, seed: int) -> None:
    assert sorted(one(seed, size).tolist()) == list(range(size))


@given(sizes, seeds)
def test_unpermute_is_its_inverse(size: int, seed: int) -> None:
    keys = round_keys([(seed, 0, 0)], 0)
    assert unpermute(one(seed, size), np.array([size]), keys).tolist() == list(range(size))


@given(st.integers(2**33, 2**52), st.lists(st.integers(0, 2**33 - 1), min_size=1, max_size=20, unique=True))
def test_it_needs_no_memory_for_huge_ranges(size: int, chosen: list[int]) -> None:
    keys = round_keys([(3, 0, 0)], 0)
    x = np.array(chosen)
    y = permute(x, np.array([size]), keys)
    assert len(set(y.tolist())) == len(chosen)
    assert y.min() >= 0
    assert y.max() < size
    assert unpermute(y, np.array([size]), keys).tolist() == chosen


def test_many_permutations_at_once_are_the_same_as_each_alone() -> None:
    ranges = [1, 2, 7, 100]
    keys = round_keys([(5, 2, row) for row in range(4)], 1)
    rows = np.repeat(np.arange(4), ranges)
    x = np.concatenate([np.arange(n) for n in ranges])
    together = permute(x, np.array(ranges)[rows], keys[rows])
    alone = [permute(np.arange(n), np.array([n]), keys[row : row + 1]) for row, n in enumerate(ranges)]
    assert together.tolist() == np.concatenate(alone).tolist()


@pytest.mark.parametrize(
    ("x", "size", "keys"),
    [
        ([3], [3], (1, ROUNDS)),
        ([-1], [3], (1, ROUNDS)),
        ([0], [0], (1, ROUNDS)),
        ([0], [2**52 + 1], (1, ROUNDS)),
        ([0, 1, 2], [3, 3], (1, ROUNDS)),
        ([0, 1, 2], [3], (2, ROUNDS)),
        ([0], [3], (1, ROUNDS - 1)),
        ([[0]], [3], (1, ROUNDS)),
    ],
)
def test_what_is_no_domain_is_refused(x: list[int], size: list[int], keys: tuple[int, int]) -> None:
    with pytest.raises(ArgumentError, match="expected"):
        permute(np.array(x), np.array(size), np.zeros(keys, np.uint64))


@pytest.mark.parametrize(("size", "chosen"), [(2, 1), (3, 1), (5, 2), (6, 3), (7, 3), (16, 2)])
def test_every_subset_is_equally_likely(size: int, chosen: int) -> None:
    """Chi-squared over the C(size, chosen) sets of items that land below `chosen`; seeded.

    With 24,000 draws the statistic exceeds its mean by six standard deviations about once in 10^6 sound versions.
    """
    draws, cells = 24_000, comb(size, chosen)
    keys = round_keys(np.stack([np.full(draws, 11), np.arange(draws), np.zeros(draws, np.int64)], axis=1), 0)
    columns = [permute(np.full(draws, x), np.array([size]), keys) < chosen for x in range(size)]
    codes = sum(column.astype(np.int64) << x for x, column in enumerate(columns))
    _, counts = np.unique(codes, return_counts=True)
    assert len(counts) == cells
    statistic = float(((counts - draws / cells) ** 2 / (draws / cells)).sum())
    assert statistic < (cells - 1) + 6 * (2 * (cells - 1)) ** 0.5
