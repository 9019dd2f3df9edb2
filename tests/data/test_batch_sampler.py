"""Batches that keep to the ratio, on one process and on several."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mixing_toys import Pictures
from torch.utils.data import DataLoader

from augsynth.data import MixBatchSampler, SyntheticMixDataset, collate
from augsynth.errors import ArgumentError, CheckpointError

counts = st.integers(1, 70)
batch_sizes = st.integers(1, 20)


def mix(count: int, ratio: float, mode: Any = "replace", pairing: Any = "class") -> SyntheticMixDataset:
    labels = np.arange(count) % 3
    return SyntheticMixDataset(
        Pictures(labels), Pictures(labels, seed=1), ratio=ratio, mode=mode, pairing=pairing, return_source=True
    )


@given(
    counts, st.floats(0, 0.95), st.sampled_from(["replace", "extend"]), st.sampled_from(["class", "free"]), batch_sizes
)
def test_each_batch_is_within_one_of_the_ratio_and_the_epoch_complete(count, ratio, mode, pairing, size) -> None:
    dataset = mix(count, ratio, mode, pairing)
    batches = list(MixBatchSampler(dataset, size))
    assert sorted(position for batch in batches for position in batch) == list(range(len(dataset)))
    mask = dataset.assignment().sources(np.arange(len(dataset)))[0] > 0
    share = (mask > 0).mean()
    for batch in batches:
        assert abs((mask[batch] > 0).sum() - share * len(batch)) < 1


@given(
    st.integers(1, 70),
    st.lists(st.floats(0.01, 0.3), min_size=2, max_size=3),
    st.sampled_from(["replace", "extend"]),
    st.sampled_from(["class", "free"]),
    batch_sizes,
)
def test_each_source_has_its_share_of_each_batch(count, ratios, mode, pairing, size) -> None:
    labels = np.arange(count) % 3
    ratio = {f"source {number}": value for number, value in enumerate(ratios)}
    pools = {name: Pictures(labels, seed=number) for number, name in enumerate(ratio, 1)}
    dataset = SyntheticMixDataset(Pictures(labels), pools, ratio=ratio, mode=mode, pairing=pairing)
    batches = list(MixBatchSampler(dataset, size))
    assert sorted(position for batch in batches for position in batch) == list(range(len(dataset)))
    numbers, _ = dataset.assignment().sources(np.arange(len(dataset)))
    whole = np.bincount(numbers, minlength=len(ratios) + 1) / len(dataset)
    for batch in batches:
        found = np.bincount(numbers[batch], minlength=len(ratios) + 1)
        assert abs(found[0] - whole[0] * len(batch)) < 1
        assert (np.abs(found - whole * len(batch)) < 2).all()


def test_batches_of_balanced_classes_and_filled_ones_are_complete() -> None:
    labels = np.array([0] * 30 + [1] * 6 + [2] * 3)
    for options in ({"ratio": 0.4, "balance": "classes"}, {"fill_to": 20}):
        dataset = SyntheticMixDataset(Pictures(labels), Pictures(np.arange(30) % 3, seed=1), **options)  # type: ignore[arg-type]
        batches = list(MixBatchSampler(dataset, 8))
        assert sorted(position for batch in batches for position in batch) == list(range(len(dataset)))
        synthetic, _ = dataset.assignment().sources(np.arange(len(dataset)))
        share = (synthetic > 0).mean()
        assert all(abs((synthetic[batch] > 0).sum() - share * len(batch)) < 1 for batch in batches)


@given(counts, batch_sizes, st.integers(1, 4), st.booleans())
def test_processes_share_an_epoch_evenly(count, size, replicas, drop_last) -> None:
    dataset = mix(count, 0.4)
    shares = [
        list(MixBatchSampler(dataset, size, drop_last=drop_last, num_replicas=replicas, rank=rank))
        for rank in range(replicas)
    ]
    lengths = [[len(batch) for batch in share] for share in shares]
    assert all(length == lengths[0] for length in lengths)
    seen = sorted(position for share in shares for batch in share for position in batch)
    if drop_last:
        assert set(lengths[0]) <= {size}
        assert len(seen) == len(set(seen))
        assert count - len(seen) < size * replicas
    else:
        assert sorted(set(seen)) == list(range(count))
        assert len(seen) - count < replicas


def test_epochs_come_in_different_orders_and_each_again_in_the_same() -> None:
    dataset = mix(60, 0.5)
    sampler = MixBatchSampler(dataset, 8)
    first = list(sampler)
    assert list(sampler) == first
    sampler.set_epoch(1)
    assert dataset.epoch == 1
    assert list(sampler) != first


def test_it_resumes_within_an_epoch() -> None:
    sampler = MixBatchSampler(mix(60, 0.5), 8)
    sampler.set_epoch(3)
    expected = list(sampler)
    iterator = iter(sampler)
    for _ in range(3):
        next(iterator)
    resumed = MixBatchSampler(mix(60, 0.5), 8)
    resumed.load_state_dict(sampler.state_dict())
    assert list(resumed) == expected[3:]
    assert list(resumed) == expected
    resumed.load_state_dict(sampler.state_dict(done=1))
    assert list(resumed) == expected[1:]
    with pytest.raises(CheckpointError, match="batch_size 8"):
        MixBatchSampler(mix(60, 0.5), 4).load_state_dict(sampler.state_dict())


def test_it_drives_a_data_loader() -> None:
    dataset = mix(64, 0.25)
    loader = DataLoader(dataset, batch_sampler=MixBatchSampler(dataset, 16), collate_fn=collate)
    assert [int(source.synthetic.sum()) for _, _, source in loader] == [4, 4, 4, 4]


@pytest.mark.parametrize("options", [{"batch_size": 0}, {"batch_size": 2, "num_replicas": 2, "rank": 2}])
def test_arguments_out_of_range_are_refused(options) -> None:
    with pytest.raises(ArgumentError):
        MixBatchSampler(mix(4, 0.5), **options)
