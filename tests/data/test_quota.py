"""Tests of the number of synthetic items: exact for every ratio and size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augsynth.data.mixing.rule.quota import check_ratio, group_quotas, quota
from augsynth.errors import ArgumentError, ArgumentTypeError

ratios = st.floats(0, 1)
below_one = st.floats(0, 0.999)
group_sizes = st.lists(st.integers(1, 50), min_size=1, max_size=8).map(lambda sizes: np.array(sizes, np.int64))
phases = st.floats(0, 1, exclude_max=True)


@given(ratios, st.integers(1, 10**9))
def test_replace_rounds_the_ratio_of_the_length(ratio: float, count: int) -> None:
    assert quota(ratio, count, "replace") == round(ratio * count)


@given(below_one, st.integers(1, 10**6))
def test_extend_holds_the_ratio_of_the_extended_length(ratio: float, count: int) -> None:
    synthetic = quota(ratio, count, "extend")
    assert synthetic == round(ratio * (count + synthetic))


@given(ratios, group_sizes, phases)
def test_shares_add_up_and_are_within_one_of_proportional(ratio: float, sizes: np.ndarray, phase: float) -> None:
    shares = group_quotas(ratio, sizes, None, "replace", phase)
    total = round(ratio * int(sizes.sum()))
    assert shares.sum() == total
    assert np.all(shares >= 0)
    assert np.all(shares <= sizes)
    assert np.all(np.abs(shares - total * sizes / sizes.sum()) < 1)


def test_shares_are_proportional_on_average_over_phases() -> None:
    sizes = np.array([1, 2, 4, 13])
    phases = np.arange(2000) / 2000
    mean = np.mean([group_quotas(0.35, sizes, None, "replace", phase) for phase in phases], axis=0)
    np.testing.assert_allclose(mean, 7 * sizes / 20, atol=1e-3)


@given(group_sizes, st.data())
def test_a_ratio_for_each_class_is_rounded_in_each(sizes: np.ndarray, data: st.DataObject) -> None:
    classes = np.arange(len(sizes)) * 3
    named = data.draw(st.dictionaries(st.sampled_from(classes.tolist()), ratios))
    shares = group_quotas(named, sizes, classes, "replace", 0.0)
    expected = [round(named.get(label, 0) * size) for label, size in zip(classes.tolist(), sizes.tolist(), strict=True)]
    assert shares.tolist() == expected


@pytest.mark.parametrize("ratio", [-0.1, 1.5, float("nan"), {3: 2.0}])
def test_ratios_out_of_range_are_refused(ratio: object) -> None:
    with pytest.raises(ArgumentError, match="in \\[0, 1\\]"):
        check_ratio(ratio, "replace")  # type: ignore[arg-type]


@pytest.mark.parametrize("ratio", ["0.5", None, True, {0: "much"}])
def test_ratios_of_another_type_are_refused(ratio: object) -> None:
    with pytest.raises(ArgumentTypeError, match="must be a number"):
        check_ratio(ratio, "replace")  # type: ignore[arg-type]


def test_extending_to_nothing_but_synthetic_items_is_refused() -> None:
    with pytest.raises(ArgumentError, match="mode='replace'"):
        check_ratio(1.0, "extend")
