"""Tests of the number of synthetic items: exact for every ratio and size."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augsynth.data.mixing.rule.quota import quota, shares, source_quotas, split
from augsynth.data.mixing.rule.ratio import check_ratio
from augsynth.errors import ArgumentError, ArgumentTypeError

ratios = st.floats(0, 1)
below_one = st.floats(0, 0.999)
group_sizes = st.lists(st.integers(1, 50), min_size=1, max_size=8).map(lambda sizes: np.array(sizes, np.int64))
phases_ = st.floats(0, 1, exclude_max=True)


@given(ratios, st.integers(1, 10**9))
def test_replace_rounds_the_ratio_of_the_length(ratio: float, count: int) -> None:
    assert quota(ratio, count, "replace") == round(ratio * count)


@given(below_one, st.integers(1, 10**6))
def test_extend_holds_the_ratio_of_the_extended_length(ratio: float, count: int) -> None:
    synthetic = quota(ratio, count, "extend")
    assert synthetic == round(ratio * (count + synthetic))


@given(ratios, group_sizes, phases_)
def test_shares_add_up_and_are_within_one_of_proportional(ratio: float, sizes: np.ndarray, phase: float) -> None:
    (shares,) = source_quotas([ratio], sizes, None, "replace", np.array([phase]))
    total = round(ratio * int(sizes.sum()))
    assert shares.sum() == total
    assert np.all(shares >= 0)
    assert np.all(shares <= sizes)
    assert np.all(np.abs(shares - total * sizes / sizes.sum()) < 1)


def test_shares_are_proportional_on_average_over_phases() -> None:
    sizes = np.array([1, 2, 4, 13])
    phases = np.arange(2000) / 2000
    mean = np.mean([source_quotas([0.35], sizes, None, "replace", phases[[i]])[0] for i in range(2000)], axis=0)
    np.testing.assert_allclose(mean, 7 * sizes / 20, atol=1e-3)


@given(group_sizes, st.data())
def test_a_ratio_for_each_class_is_rounded_in_each(sizes: np.ndarray, data: st.DataObject) -> None:
    classes = np.arange(len(sizes)) * 3
    named = data.draw(st.dictionaries(st.sampled_from(classes.tolist()), ratios))
    (shares,) = source_quotas([named], sizes, classes, "replace", np.zeros(1))
    expected = [round(named.get(label, 0) * size) for label, size in zip(classes.tolist(), sizes.tolist(), strict=True)]
    assert shares.tolist() == expected


@st.composite
def several_ratios(draw: st.DrawFn, below: float = 1.0) -> list[float]:
    """Up to five fractions that add up to at most `below`."""
    parts = draw(st.lists(st.floats(0, 1), min_size=1, max_size=5))
    return [part * below / max(sum(parts), 1) for part in parts]


@given(several_ratios(), group_sizes, st.data())
def test_several_sources_have_exact_totals(parts: list[float], sizes: np.ndarray, data: st.DataObject) -> None:
    phases = np.array(data.draw(st.lists(phases_, min_size=len(parts), max_size=len(parts))))
    matrix = source_quotas(parts, sizes, None, "replace", phases)
    count = int(sizes.sum())
    assert matrix.min() >= 0
    assert np.all(matrix.sum(axis=0) <= sizes)
    assert matrix.sum() == round(min(sum(parts), 1) * count)
    for own, part in zip(matrix, parts, strict=True):
        assert -1e-6 < own.sum() - math.floor(part * count) <= 1 + 1e-6
    total = max(int(matrix.sum()), 1)
    rows, columns = matrix.sum(axis=0), matrix.sum(axis=1)
    assert np.all(np.abs(matrix - np.outer(columns, rows) / total) < 2)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=12), st.data())
def test_a_matrix_has_both_sums(rows: list[int], data: st.DataObject) -> None:
    """Small groups, of which the earlier sources may leave nothing to the later ones."""
    left = sum(rows)
    totals = []
    for _ in range(3):
        totals.append(data.draw(st.integers(0, left)))
        left -= totals[-1]
    phases = np.array(data.draw(st.lists(phases_, min_size=3, max_size=3)))
    matrix = split(np.array(rows), np.array([*totals, left]), phases)
    assert matrix.min() >= 0
    assert matrix.sum(axis=0).tolist() == rows
    assert matrix.sum(axis=1).tolist() == [*totals, left]


def test_the_largest_remainders_are_rounded_up() -> None:
    count = np.array([10])
    assert shares(np.array([[0.26], [0.25], [0.29]]), count, "replace")[:, 0].tolist() == [3, 2, 3]
    assert shares(np.array([[0.25], [0.25]]), count, "replace")[:, 0].tolist() == [3, 2]
    assert shares(np.array([[0.1]] * 10), np.array([7]), "replace").sum() == 7


@given(several_ratios(0.95), st.integers(1, 10**6))
def test_several_sources_extend_to_the_ratio_of_their_sum(parts: list[float], count: int) -> None:
    counts = shares(np.array(parts)[:, None], np.array([count]), "extend")[:, 0]
    total = int(counts.sum())
    assert total == round(sum(parts) * (count + total))
    for own, part in zip(counts.tolist(), parts, strict=True):
        assert abs(own - part * count / (1 - sum(parts))) <= 1 + 1e-6


def test_a_class_is_shared_by_several_sources() -> None:
    sizes, classes = np.array([10, 20]), np.array([0, 1])
    matrix = source_quotas([{0: 0.5}, 0.25], sizes, classes, "replace", np.zeros(2))
    assert matrix.tolist() == [[5, 0], [3, 5]]


@pytest.mark.parametrize("ratio", [-0.1, 1.5, float("nan")])
def test_ratios_out_of_range_are_refused(ratio: object) -> None:
    with pytest.raises(ArgumentError, match="in \\[0, 1\\]"):
        check_ratio(ratio, "ratio", below_one=False)


@pytest.mark.parametrize("ratio", ["0.5", None, True])
def test_ratios_of_another_type_are_refused(ratio: object) -> None:
    with pytest.raises(ArgumentTypeError, match="must be a number"):
        check_ratio(ratio, "ratio", below_one=False)


def test_extending_to_nothing_but_synthetic_items_is_refused() -> None:
    with pytest.raises(ArgumentError, match="mode='replace'"):
        check_ratio(1.0, "ratio", below_one=True)
