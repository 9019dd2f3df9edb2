"""A saved state is used by the mix and the sampler that it is of, and by no other."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from mixing_toys import Pictures, falling_ratio, toy_generator

from augsynth import transforms as T
from augsynth.data import MixBatchSampler, MixSampler, SyntheticMixDataset, SyntheticPool
from augsynth.data.schedules import constant, cosine, linear, steps, strengths
from augsynth.errors import ArgumentError, CheckpointError

LABELS = np.arange(24) % 2


def mix(synthetic: Any = None, count: int = 24, **options: Any) -> SyntheticMixDataset:
    synthetic = Pictures(LABELS, seed=1) if synthetic is None else synthetic
    return SyntheticMixDataset(Pictures(LABELS[:count]), synthetic, **{"ratio": 0.5, "seed": 3, **options})


def through_json(state: Any) -> Any:
    return json.loads(json.dumps(state))


def half(epoch: int) -> float:
    return 0.5


def half_until_six(epoch: int) -> float:
    return 0.5 if epoch < 6 else 0.25


def half_as_numpy(epoch: int) -> Any:
    return np.float32(0.5)


SCHEDULES = [linear(0.1, 0.5, 9), steps({0: 0.5, 7: 0}), {0: cosine(0.1, 0.5, 9), 1: constant(0.5)}]


@pytest.mark.parametrize("ratio", [0.5, np.float32(0.5), {0: 0.5, 1: 0.25}, falling_ratio, *SCHEDULES])
def test_a_state_survives_json_and_is_taken_by_the_same_mix(ratio: Any) -> None:
    data = mix(ratio=ratio)
    data.set_epoch(5)
    again = mix(ratio=ratio, transform=T.RandomHorizontalFlip())
    again.load_state_dict(through_json(data.state_dict()))
    assert again.epoch == 5
    again.load_state_dict({**data.state_dict(), "epoch": np.int64(5)})


def test_functions_are_compared_by_what_they_give() -> None:
    data = mix(ratio=half)
    data.set_epoch(5)
    mix(ratio=half_as_numpy).load_state_dict(data.state_dict())
    mix(ratio=half_until_six).load_state_dict(data.state_dict())
    data.set_epoch(9)
    with pytest.raises(CheckpointError, match="differs in ratio"):
        mix(ratio=half_until_six).load_state_dict(data.state_dict())
    with pytest.raises(CheckpointError, match="differs in ratio"):
        mix(ratio=0.5).load_state_dict(data.state_dict())


def test_schedules_are_compared_by_their_parameters() -> None:
    """Also where the values of all epochs so far are the same."""
    state = mix(ratio=steps({0: 0.5, 100: 0.25})).state_dict()
    assert state["ratio"] == {"schedule": "steps", "values": [[0, 0.5], [100, 0.25]]}
    mix(ratio=steps({100: 0.25, 0: 0.5})).load_state_dict(through_json(state))
    for other in (steps({0: 0.5, 101: 0.25}), constant(0.5), 0.5, half):
        with pytest.raises(CheckpointError, match="differs in ratio"):
            mix(ratio=other).load_state_dict(state)


SOURCES = {"a": Pictures(LABELS, seed=1), "b": Pictures(LABELS, seed=2)}


def several(**options: Any) -> SyntheticMixDataset:
    return mix(**{"synthetic": SOURCES, "ratio": {"a": 0.25, "b": linear(0.5, 0.25, 9)}, **options})


def test_a_state_of_several_sources_is_taken_by_the_same_mix() -> None:
    data = several()
    data.set_epoch(5)
    several().load_state_dict(through_json(data.state_dict()))
    shares = {"ratio": strengths({"a": 0.8, "b": 0.2}, at=linear(0.8, 0.2, 9), ratio=0.5)}
    several(**shares).load_state_dict(through_json(several(**shares).state_dict()))


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"ratio": {"a": 0.25, "b": linear(0.5, 0.25, 8)}}, "ratio"),
        ({"ratio": strengths({"a": 1, "b": 0}, at=0.5, ratio=0.5)}, "ratio"),
        ({"synthetic": {"b": SOURCES["b"], "a": SOURCES["a"]}}, "ratio|sources"),
        ({"synthetic": {"a": SOURCES["a"], "b": Pictures(LABELS[:20])}}, "num_synthetic"),
        ({"synthetic": {"a": SOURCES["a"], "c": SOURCES["b"]}, "ratio": {"a": 0.25, "c": 0.25}}, "ratio"),
        ({"label_map": {"b": {0: 2, 1: 3}}}, "label_map"),
        ({"balance": "classes"}, "balance"),
    ],
)
def test_a_state_of_other_sources_is_refused(options: dict[str, Any], names: str) -> None:
    with pytest.raises(CheckpointError, match=f"of another mix: it differs in ({names})"):
        several(**options).load_state_dict(several().state_dict())


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"ratio": 0.25}, "ratio"),
        ({"balance": "classes"}, "balance"),
        ({"max_repeats": 3}, "max_repeats"),
        ({"ratio": None, "fill_to": 20}, "ratio .*fill_to"),
        ({"label_map": {0: 1, 1: 0}}, "label_map"),
        ({"label_map": {0: 2, 1: 3}}, "label_map"),
        ({"synthetic": {"a": Pictures(LABELS, seed=1)}, "ratio": {"a": 0.5}}, "ratio .*sources"),
        ({"ratio": {0: 0.5, 1: 0.5}}, "ratio"),
        ({"seed": 4}, "seed"),
        ({"mode": "extend"}, "mode"),
        ({"pairing": "free"}, "pairing"),
        ({"count": 22}, "num_real"),
        ({"synthetic": Pictures(LABELS[:20])}, "num_synthetic"),
    ],
)
def test_another_mix_is_refused_and_stays_where_it_is(options: dict[str, Any], names: str) -> None:
    data, other = mix(), mix(**options)
    data.set_epoch(2)
    other.set_epoch(1)
    with pytest.raises(CheckpointError, match=f"of another mix: it differs in {names}"):
        other.load_state_dict(data.state_dict())
    assert other.epoch == 1


def test_a_pool_is_known_by_its_content(tmp_path: Any) -> None:
    def pool(name: str, seed: int, shard_size: int = 8) -> SyntheticPool:
        return SyntheticPool.create(
            tmp_path / name, toy_generator(classes=2), 24, seed=seed, shard_size=shard_size, progress=False
        )

    state = mix(pool("one", 0)).state_dict()
    mix(pool("the same", 0)).load_state_dict(state)
    with pytest.raises(CheckpointError, match="differs in synthetic"):
        mix(pool("another seed", 1)).load_state_dict(state)
    with pytest.raises(CheckpointError, match="differs in synthetic"):
        mix(Pictures(LABELS, seed=1)).load_state_dict(state)


JUNK: list[Any] = [
    None,
    [],
    {},
    {"epoch": -1},
    {"epoch": 2**32},
    {"epoch": 1.5},
    {"epoch": True},
    {"epoch": "1"},
    {"epoch": None},
    {"epoch": 1},
    {"epoch": 1, "ratio": np.zeros(3)},
]


@pytest.mark.parametrize("junk", JUNK, ids=str)
def test_what_is_no_state_is_refused_in_words(junk: Any) -> None:
    data = mix()
    sampler = MixBatchSampler(data, 5)
    for state in (junk, {**data.state_dict(), "seed": np.zeros(2)}):
        with pytest.raises(CheckpointError, match="saved state"):
            data.load_state_dict(state)
        with pytest.raises(CheckpointError, match="saved state"):
            sampler.load_state_dict({**sampler.state_dict(), "dataset": state})
    with pytest.raises(CheckpointError, match="saved state"):
        sampler.load_state_dict(junk)
    assert data.epoch == 0


@pytest.mark.parametrize("batches", [-1, 6, 2**40, 2**80, 1.0, None, "3", True])
def test_a_number_of_batches_that_cannot_be_is_refused(batches: Any) -> None:
    sampler = MixBatchSampler(mix(), 5)
    state = {**sampler.state_dict(), "batches": batches}
    state["dataset"]["epoch"] = 3
    with pytest.raises(CheckpointError, match="batches"):
        sampler.load_state_dict(state)
    assert sampler.dataset.epoch == 0
    assert len(list(sampler)) == 5
    if batches is not None:
        with pytest.raises(ArgumentError, match="done must be"):
            sampler.state_dict(done=batches)


@pytest.mark.parametrize(
    ("options", "names"),
    [({"batch_size": 4}, "batch_size"), ({"drop_last": True}, "drop_last"), ({"num_replicas": 2}, "num_replicas")],
)
def test_another_batch_sampler_is_refused(options: dict[str, Any], names: str) -> None:
    state = MixBatchSampler(mix(), 5).state_dict()
    with pytest.raises(CheckpointError, match=f"of another sampler: it differs in {names}"):
        MixBatchSampler(mix(), **{"batch_size": 5, **options}).load_state_dict(state)


def test_a_state_of_another_kind_of_sampler_is_refused() -> None:
    for one, other in ((MixSampler(mix()), MixBatchSampler(mix(), 5)), (MixBatchSampler(mix(), 5), MixSampler(mix()))):
        with pytest.raises(CheckpointError, match="saved state"):
            other.load_state_dict(one.state_dict())
    with pytest.raises(CheckpointError, match="differs in num_replicas"):
        MixSampler(mix(), num_replicas=2, rank=0).load_state_dict(MixSampler(mix()).state_dict())


def test_every_process_takes_the_state_of_the_first() -> None:
    first, second = (MixBatchSampler(mix(), 5, num_replicas=2, rank=rank) for rank in (0, 1))
    expected = list(second)[1:]
    second.load_state_dict(through_json(first.state_dict(done=1)))
    assert list(second) == expected


@pytest.mark.parametrize("kind", ["batches", "items"])
def test_a_pass_goes_on_where_it_was(kind: str) -> None:
    def sampler() -> Any:
        return MixBatchSampler(mix(), 5) if kind == "batches" else MixSampler(mix(), num_replicas=2, rank=1)

    whole = sampler()
    whole.set_epoch(2)
    expected = list(whole)
    running = iter(whole)
    for _ in range(3):
        next(running)
    for state in (whole.state_dict(), whole.state_dict(done=np.int64(3)), whole.state_dict(done=torch.tensor(3))):
        resumed = sampler()
        resumed.load_state_dict(through_json(state))
        assert resumed.state_dict() == state
        assert list(resumed) == expected[3:]
        assert list(resumed) == expected


def test_a_new_epoch_is_begun_from_its_start() -> None:
    sampler = MixBatchSampler(mix(), 5)
    list(sampler)
    assert sampler.state_dict()["batches"] == 5
    sampler.set_epoch(1)
    assert sampler.state_dict()["batches"] == 0
    assert len(list(sampler)) == 5


def test_a_loaded_state_that_a_trainer_leaves_unread_says_so(recwarn: pytest.WarningsRecorder) -> None:
    """Fabric counts the passes from 0, whatever was loaded."""
    sampler = MixBatchSampler(mix(), 5)
    sampler.set_epoch(2)
    unfinished, finished = sampler.state_dict(done=3), sampler.state_dict(done=5)
    sampler.load_state_dict(finished)
    sampler.set_epoch(3)
    sampler.load_state_dict(unfinished)
    sampler.set_epoch(2)
    assert len(list(sampler)) == 2
    assert not recwarn
    sampler.load_state_dict(unfinished)
    with pytest.warns(UserWarning, match=r"goes on in epoch 2 after 3 batches, and set_epoch\(0\) leaves"):
        sampler.set_epoch(0)
    assert len(list(sampler)) == 5
