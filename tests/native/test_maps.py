"""Maps of the plane: made of their coefficients, and composed with the same bits on every processor."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augsynth import _native
from augsynth.errors import ArgumentError

COUNTS = st.integers(0, 5)
SEEDS = st.integers(0, 2**32 - 1)


def _maps(random: np.random.Generator, count: int) -> Any:
    return random.normal(size=(count, 3, 3)) * 10.0 ** random.integers(-5, 6, (count, 3, 3))


@given(
    count=COUNTS, which=st.lists(st.sampled_from(["number", "one", "each", "strided", "int"]), min_size=6, max_size=6)
)
def test_affine_maps_hold_their_coefficients(count: int, which: list[str]) -> None:
    random = np.random.default_rng(count)
    each = [random.normal(size=(count, 7)), random.integers(-9, 9, (count, 7))]
    forms = {
        "number": lambda i: float(each[0].sum()) + i,
        "one": lambda i: np.array([i + 0.5]),
        "each": lambda i: each[0][:, i].copy(),
        "strided": lambda i: each[0][::-1, i],
        "int": lambda i: each[1][:, i],
    }
    given_ones = [forms[name](i) for i, name in enumerate(which)]
    expected = np.zeros((np.broadcast(*given_ones).size, 3, 3))
    for i, values in enumerate(given_ones):
        expected[:, i // 3, i % 3] = values
    expected[:, 2, 2] = 1.0
    np.testing.assert_array_equal(_native.affine(*given_ones), expected)


def test_affine_refuses_coefficients_that_do_not_fit() -> None:
    for wrong in (np.zeros(3), np.zeros((2, 1)), np.zeros((1, 1, 1))):
        with pytest.raises(ArgumentError, match="a coefficient has shape"):
            _native.affine(np.zeros(2), 0.0, 0.0, 0.0, wrong, 0.0)


@given(seed=SEEDS, count=COUNTS)
def test_a_map_about_a_point_keeps_it_in_place(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    a, b, d, e, x = random.normal(size=(5, count)) * 10.0 ** random.integers(-5, 6, (5, count))
    y = float(random.normal())
    maps = _native.about(a, b, d, e, x, y)
    expected = np.zeros((count, 3, 3))
    coefficients = (a, b, x - (a * x + b * y), d, e, y - (d * x + e * y))
    for i, values in enumerate(coefficients):
        expected[:, i // 3, i % 3] = values
    expected[:, 2, 2] = 1.0
    np.testing.assert_array_equal(maps, expected)


@given(seed=SEEDS, outers=COUNTS, inners=COUNTS)
def test_composed_maps_are_sums_from_left_to_right(seed: int, outers: int, inners: int) -> None:
    random = np.random.default_rng(seed)
    outer, inner = _maps(random, outers), _maps(random, inners)
    if outers != inners and 1 not in (outers, inners):
        with pytest.raises(ArgumentError, match=f"{outers} maps and {inners}"):
            _native.compose(outer, inner)
        return
    # Elementwise arithmetic of NumPy rounds each operation by itself.
    terms = [outer[:, :, k, None] * inner[:, k, None, :] for k in range(3)]
    np.testing.assert_array_equal(_native.compose(outer, inner), terms[0] + terms[1] + terms[2])


def test_maps_may_lie_in_memory_as_they_like() -> None:
    maps = _maps(np.random.default_rng(0), 4)
    turned = np.asfortranarray(maps.transpose(0, 2, 1))
    np.testing.assert_array_equal(
        _native.compose(turned[::-1], np.broadcast_to(maps[:1], maps.shape)),
        _native.compose(turned[::-1].copy(order="C"), maps[:1].copy()),
    )


@pytest.mark.parametrize("shape", [(3, 3), (2, 3, 4), (2, 2, 3), (1, 2, 3, 3)])
def test_only_maps_compose(shape: tuple[int, ...]) -> None:
    for pair in ((np.zeros(shape), np.zeros((1, 3, 3))), (np.zeros((1, 3, 3)), np.zeros(shape))):
        with pytest.raises(ArgumentError, match=r"expected \(n, 3, 3\)"):
            _native.compose(*pair)
