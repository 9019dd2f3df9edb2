"""Every rule gives the same epoch under every configuration of a DataLoader, and after a resume at any point."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mixing_toys import Pictures
from torch.utils.data import DataLoader

from augsynth.data import MixBatchSampler, MixSampler, SyntheticMixDataset, collate
from augsynth.data.schedules import cosine, linear, steps, strengths

REAL = [0] * 12 + [1] * 7 + [2] * 4
OLD = [0, 0, 0, 1, 2, 2]
POOLS = {"a": Pictures(REAL * 2, seed=1), "b": Pictures(REAL, seed=2)}
RULES: dict[str, dict[str, Any]] = {
    "schedule": {"synthetic": POOLS["a"], "ratio": cosine(0.6, 0.1, epochs=4), "mode": "extend"},
    "schedules by class": {"synthetic": POOLS["a"], "ratio": {0: linear(0, 1, 4), 2: steps({0: 0.5, 2: 0})}},
    "several": {"synthetic": POOLS, "ratio": {"a": 0.3, "b": {0: 0.5, 1: 0.1}}},
    "several, free": {"synthetic": POOLS, "ratio": {"a": 0.3, "b": 0.2}, "pairing": "free", "mode": "extend"},
    "strengths": {
        "synthetic": {"a": POOLS["b"], "b": Pictures(REAL, seed=3)},
        "ratio": strengths({"a": 0.8, "b": 0.2}, at=linear(0.8, 0.2, 4), ratio=0.7),
        "pairing": "index",
        "max_repeats": 1,
    },
    "auxiliary": {
        "synthetic": {**POOLS, "old": Pictures(OLD, seed=4)},
        "ratio": {"a": 0.2, "b": 0.1, "old": 0.4},
        "label_map": {"old": {0: 3, 1: 4, 2: 5}},
    },
    "balance": {"synthetic": POOLS["a"], "ratio": 0.4, "balance": "classes"},
    "oversampling": {"synthetic": None, "ratio": 0, "balance": "classes", "mode": "extend"},
    "balance, auxiliary": {
        "synthetic": {"a": POOLS["a"], "old": Pictures(OLD, seed=4)},
        "ratio": {"a": 0.2, "old": 0.4},
        "label_map": {"old": {0: 3, 1: 4, 2: 5}},
        "balance": "classes",
    },
    "fill": {"synthetic": POOLS["a"], "fill_to": 10, "max_repeats": 2},
}


def mix(rule: str, seed: int = 5) -> SyntheticMixDataset:
    return SyntheticMixDataset(Pictures(REAL), **RULES[rule], seed=seed, return_source=True)


def items(rule: str, epoch: int) -> list[Any]:
    """Each item of an epoch as (source, item, label), read one by one in this process."""
    data = mix(rule)
    data.set_epoch(epoch)
    return [(*map(int, source[:2]), label) for _, label, source in data]


def read(loader: DataLoader[Any]) -> list[Any]:
    rows: list[Any] = []
    for _, labels, source in loader:
        rows += zip(*(column.tolist() for column in (source[0].int(), source[1], labels)), strict=True)
    return rows


def loader_of(data: SyntheticMixDataset, sampler: str, batch: int, workers: int) -> DataLoader[Any]:
    samplers: dict[str, Any] = {
        "plain": {"batch_size": batch},
        "shuffled": {"batch_size": batch, "shuffle": True},
        "sampler": {"batch_size": batch, "sampler": MixSampler(data)},
        "batch sampler": {"batch_sampler": MixBatchSampler(data, batch)},
    }
    forked: dict[str, Any] = {"multiprocessing_context": "fork", "persistent_workers": True} if workers else {}
    return DataLoader(data, num_workers=workers, collate_fn=collate, **forked, **samplers[sampler])


@settings(max_examples=25)
@given(
    st.sampled_from(list(RULES)),
    st.sampled_from([0, 2]),
    st.integers(1, 40),
    st.sampled_from(["plain", "shuffled", "sampler", "batch sampler"]),
    st.lists(st.integers(0, 5), min_size=1, max_size=3),
)
def test_loaders_change_no_epoch(rule: str, workers: int, batch: int, sampler: str, epochs: Sequence[int]) -> None:
    data = mix(rule)
    loader = loader_of(data, sampler, batch, workers)
    for epoch in epochs:
        data.set_epoch(epoch)
        expected = items(rule, epoch)
        found = read(loader)
        assert found == expected if sampler == "plain" else Counter(found) == Counter(expected)


@settings(max_examples=40)
@given(
    st.sampled_from(list(RULES)),
    st.integers(0, 5),
    st.integers(1, 20),
    st.sampled_from(["batches", "items"]),
    st.data(),
)
def test_an_epoch_goes_on_from_any_point(rule: str, epoch: int, size: int, kind: str, data: st.DataObject) -> None:
    def sampler() -> Any:
        return MixBatchSampler(mix(rule), size) if kind == "batches" else MixSampler(mix(rule))

    whole = sampler()
    whole.set_epoch(epoch)
    done = data.draw(st.integers(0, len(whole)))
    state = json.loads(json.dumps(whole.state_dict(done)))
    resumed = sampler()
    resumed.load_state_dict(state)
    assert list(resumed) == list(whole)[done:]
    assert resumed.dataset.state_dict() == whole.dataset.state_dict()


@pytest.mark.parametrize("rule", RULES)
def test_epochs_differ_and_depend_on_the_seed(rule: str) -> None:
    assert items(rule, 0) == items(rule, 0)
    assert items(rule, 0) != items(rule, 1)
    other = mix(rule, seed=6)
    mine = mix(rule)
    drawn = [dataset.assignment().sources(np.arange(len(dataset))) for dataset in (mine, other)]
    assert any(not np.array_equal(*pair) for pair in zip(*drawn, strict=True))


def test_workers_that_are_spawned_know_the_rule() -> None:
    data = mix("auxiliary")
    data.set_epoch(2)
    loader = DataLoader(data, 8, num_workers=1, collate_fn=collate, multiprocessing_context="spawn")
    assert read(loader) == items("auxiliary", 2)
