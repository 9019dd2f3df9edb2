"""Tests of the items of an epoch: exactness, pairing, reuse, determinism, and refusals."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mixing_toys import Pictures, falling_ratio

from augsynth.data import SyntheticMixDataset
from augsynth.data.mixing.rule.pairing import PAIRINGS
from augsynth.data.schedules import linear
from augsynth.errors import ArgumentError, CheckpointError, DataError

MODES = ("replace", "extend")

modes = st.sampled_from(MODES)
pairings = st.sampled_from(list(PAIRINGS))
labels = st.lists(st.integers(0, 3), min_size=1, max_size=40)


def mix(real_labels: Any, synthetic_labels: Any, **options: Any) -> SyntheticMixDataset:
    return SyntheticMixDataset(Pictures(real_labels), Pictures(synthetic_labels, seed=1), **options)


def sources(dataset: SyntheticMixDataset) -> tuple[list[int], list[int]]:
    """The real and the synthetic items of this epoch, in the order of their positions."""
    numbers, items = dataset.assignment().sources(np.arange(len(dataset)))
    return items[numbers == 0].tolist(), items[numbers > 0].tolist()


@given(labels, modes, pairings, st.floats(0, 0.95), st.integers(1, 3), st.integers(0, 5))
def test_an_epoch_is_exact_and_complete(real, mode, pairing, ratio, variants, epoch) -> None:
    dataset = mix(real, np.repeat(real, variants), ratio=ratio, mode=mode, pairing=pairing, seed=9)
    dataset.set_epoch(epoch)
    kept, synthetic = sources(dataset)
    assert len(kept) + len(synthetic) == len(dataset)
    if mode == "replace":
        assert len(dataset) == len(real)
        assert len(synthetic) == round(ratio * len(real))
        assert len(set(kept)) == len(kept)
    else:
        assert len(synthetic) == round(ratio * len(dataset))
        assert kept == list(range(len(real)))


@given(labels, modes, st.floats(0.05, 0.95))
def test_pairing_by_class_keeps_the_class_of_the_partner(real, mode, ratio) -> None:
    pool = [0, 1, 1, 2, 2, 2, 3, 3, 3, 3]
    dataset = mix(real, pool, ratio=ratio, mode=mode)
    draw = dataset.assignment()
    _, items = draw.sources(np.arange(len(dataset)))
    mask, slots = draw.slots(np.arange(len(dataset)))
    np.testing.assert_array_equal(np.array(pool)[items[mask]], np.array(real)[slots.partner])
    if mode == "replace":
        np.testing.assert_array_equal(slots.partner, np.flatnonzero(mask))
    counts = Counter(np.array(real)[slots.partner].tolist())
    for label, size in Counter(real).items():
        assert abs(counts[label] - mask.sum() * size / len(real)) < 1


@given(labels, modes, st.floats(0.05, 0.9), st.integers(1, 4))
def test_pairing_by_index_takes_what_was_made_from_the_partner(real, mode, ratio, variants) -> None:
    dataset = mix(real, np.repeat(real, variants), ratio=ratio, mode=mode, pairing="index")
    draw = dataset.assignment()
    _, items = draw.sources(np.arange(len(dataset)))
    mask, slots = draw.slots(np.arange(len(dataset)))
    np.testing.assert_array_equal(items[mask] // variants, slots.partner)
    assert even(Counter(slots.partner.tolist()), len(real))
    for partner in set(slots.partner.tolist()):
        assert even(Counter(items[mask][slots.partner == partner].tolist()), variants)


@given(st.integers(1, 60), st.integers(1, 40), modes, st.floats(0.05, 0.9))
def test_synthetic_items_come_again_only_after_all_others(count, pool, mode, ratio) -> None:
    dataset = mix([0] * count, [0] * pool, ratio=ratio, mode=mode, pairing="free")
    assert even(Counter(sources(dataset)[1]), pool)
    dataset = mix([0] * count, [0] * pool, ratio=ratio, mode=mode, pairing="class")
    assert even(Counter(sources(dataset)[1]), pool)


def even(counts: Counter[int], size: int) -> bool:
    """Return whether `size` things were used equally often, with a difference of at most one."""
    uses = [*counts.values(), *[0] * (size - len(counts))]
    return max(uses) - min(uses) <= 1


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("pairing", PAIRINGS)
def test_epochs_differ_and_repeat_exactly(mode: Any, pairing: Any) -> None:
    real = [0, 1, 2, 3] * 10
    seen = []
    for epoch in (0, 1, 0):
        dataset = mix(real, np.repeat(real, 3), ratio=0.4, mode=mode, pairing=pairing, seed=5)
        dataset.set_epoch(epoch)
        seen.append(sources(dataset))
    assert seen[0] == seen[2]
    assert seen[0] != seen[1]
    other_seed = mix(real, np.repeat(real, 3), ratio=0.4, mode=mode, pairing=pairing, seed=6)
    assert sources(other_seed) != seen[0]


def test_every_item_is_replaced_equally_often_over_epochs() -> None:
    """Each position is synthetic in 400 of 1,600 epochs, ± 5 standard deviations (17.3); the seeds are fixed."""
    dataset = mix([0, 1, 1, 2, 2, 2, 2, 3], [0, 1, 2, 3], ratio=0.25)
    hits = np.zeros(8)
    for epoch in range(1600):
        dataset.set_epoch(epoch)
        hits += dataset.assignment().sources(np.arange(8))[0]
    assert np.abs(hits - 400).max() < 5 * 17.3


def test_extremes_of_the_ratio() -> None:
    real = [0, 1, 1]
    for pairing in PAIRINGS:
        assert sources(mix(real, real, ratio=0, pairing=pairing)) == ([0, 1, 2], [])
        assert sources(mix(real, [], ratio=0, pairing=pairing)) == ([0, 1, 2], [])
        assert sources(mix(real, real, ratio={0: 0.0}, pairing=pairing))[1] == []
        kept, synthetic = sources(mix(real, real, ratio=1, pairing=pairing))
        assert kept == []
        assert sorted(synthetic) == [0, 1, 2]
        assert sources(mix([7], [7], ratio=1, pairing=pairing)) == ([], [0])
        assert len(mix([7], [7], ratio=0.9, mode="extend", pairing=pairing)) == 10


@pytest.mark.parametrize("pairing", PAIRINGS)
def test_a_ratio_for_each_class(pairing: Any) -> None:
    real = [0] * 10 + [1] * 20 + [2] * 5
    dataset = mix(real, real, ratio={0: 0.5, 1: 0.1}, pairing=pairing)
    numbers, items = dataset.assignment().sources(np.arange(len(dataset)))
    mask = numbers > 0
    assert Counter(np.array(real)[mask].tolist()) == {0: 5, 1: 2}
    assert len(set(items[mask].tolist())) == 7


def test_a_ratio_that_is_a_function_of_the_epoch() -> None:
    dataset = mix([0] * 16, [0] * 16, ratio=falling_ratio)
    counts = []
    for epoch in range(4):
        dataset.set_epoch(epoch)
        counts.append(len(sources(dataset)[1]))
    assert counts == [8, 4, 2, 1]


def test_state_goes_to_the_epoch_of_the_same_mix_only() -> None:
    dataset = mix([0, 1] * 8, [0, 1] * 8, ratio=0.5, seed=3)
    dataset.set_epoch(4)
    expected, state = sources(dataset), dataset.state_dict()
    again = mix([0, 1] * 8, [0, 1] * 8, ratio=0.5, seed=3)
    again.load_state_dict(state)
    assert again.epoch == 4
    assert sources(again) == expected
    other = mix([0, 1] * 8, [0, 1] * 8, ratio=0.5, seed=2)
    with pytest.raises(CheckpointError, match="differs in seed"):
        other.load_state_dict(state)
    assert other.epoch == 0


def test_source_and_positions() -> None:
    dataset = mix([0] * 6, [0] * 6, ratio=0.5, return_source=True)
    for position in range(6):
        image, _, source = dataset[position]
        assert source == dataset.source(position)
        assert int(image[0, 0, 0]) == source.item
        assert source.synthetic or source.item == position
    dataset.set_epoch(0)
    assert len(list(dataset)) == 6
    for beyond in (6, -7):
        with pytest.raises(IndexError, match="6 items"):
            dataset[beyond]


@pytest.mark.parametrize(
    ("real", "synthetic", "options", "message"),
    [
        ([0, 1, 5], [0], {"ratio": 0.5}, "no items of classes 1, 5"),
        ([0, 1, 5], [0], {"ratio": {1: 0.5, 0: 0.2}}, "no items of class 1, "),
        ([0, 1, 5], [0], {"ratio": {0: 0.2, 5: linear(0, 0.5, 9)}}, "no items of class 5, "),
        ([0, 1], [], {"ratio": 0.5}, "synthetic has no items"),
        ([0, 1], [], {"ratio": falling_ratio}, "synthetic has no items"),
        ([], [0], {"ratio": 0.5}, "real has no items"),
        ([0, 1, 1], [0, 1], {"ratio": 0.5, "pairing": "index"}, "2 synthetic for 3 real"),
    ],
)
def test_data_sets_that_do_not_fit_are_refused_at_construction(real, synthetic, options, message) -> None:
    with pytest.raises(DataError, match=message):
        mix(real, synthetic, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ratio": 0.5, "mode": "append"}, "mode must be one of replace, extend, got 'append'"),
        ({"ratio": 0.5, "pairing": "none"}, "pairing must be one of"),
        ({"ratio": {8: 0.5}}, "does not have: class 8; it has classes 0, 1"),
        ({"ratio": 1.0, "mode": "extend"}, "below 1 in mode 'extend'"),
        ({"ratio": 0.5, "seed": 2**63}, "seed must be a signed 64-bit integer"),
    ],
)
def test_arguments_out_of_range_are_refused(options, message) -> None:
    with pytest.raises(ArgumentError, match=message):
        mix([0, 1], [0, 1], **options)


def test_epochs_out_of_range_are_refused_and_change_nothing() -> None:
    dataset = mix([0, 1], [0, 1], ratio=0.5)
    for epoch in (-1, 2**32, 0.5):
        with pytest.raises(ArgumentError, match="epoch must be an integer"):
            dataset.set_epoch(epoch)  # type: ignore[arg-type]
    assert dataset.epoch == 0


def test_a_class_that_a_schedule_reaches_later_is_refused_when_it_does() -> None:
    def schedule(epoch: int) -> dict[int, float]:
        return {epoch: 0.5}

    dataset = mix([0, 1], [0], ratio=schedule)
    with pytest.raises(DataError, match="no items of class 1"):
        dataset.set_epoch(1)
    assert dataset.epoch == 0
