"""An epoch that is read twice says so once, wherever it is read, and nothing else does."""

from __future__ import annotations

import itertools
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mixing_toys import Pictures, falling_ratio
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    DistributedSampler,
    RandomSampler,
    Sampler,
    Subset,
    WeightedRandomSampler,
)

from augsynth import transforms as T
from augsynth.data import MixBatchSampler, MixSampler, SyntheticMixDataset, collate
from augsynth.errors import ArgumentError

COUNT = 30
FLIP = T.RandomHorizontalFlip()


def mix(**options: Any) -> SyntheticMixDataset:
    labels = np.arange(COUNT) % 3
    return SyntheticMixDataset(Pictures(labels), Pictures(labels, seed=1), **{"ratio": 0.5, **options})


def said(function: Callable[[], Any]) -> int:
    """Return the number of warnings that an epoch is read again."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function()
    return sum("set_epoch" in str(one.message) for one in caught)


def passes(loader: Any, count: int, before: Callable[[int], Any] = lambda number: None) -> Callable[[], None]:
    def read() -> None:
        for number in range(count):
            before(number)
            for _ in loader:
                pass

    return read


def plain(data: SyntheticMixDataset, **options: Any) -> Any:
    return DataLoader(data, 8, collate_fn=collate, **options)


LOADERS: dict[str, Callable[..., Any]] = {
    "sequential": plain,
    "shuffled": lambda data, **options: plain(data, shuffle=True, **options),
    "of a subset": lambda data, **options: plain(Subset(data, range(COUNT)), **options),
    "of a part for training": lambda data, **options: plain(Subset(data, range(24)), **options),
    "sequential whole batches": lambda data, **options: plain(data, drop_last=True, **options),
    "batch sampler": lambda data, **options: DataLoader(data, batch_sampler=MixBatchSampler(data, 8), **options),
    "whole batches": lambda data, **options: DataLoader(
        data, batch_sampler=MixBatchSampler(data, 8, drop_last=True), **options
    ),
    "one of two processes": lambda data, **options: DataLoader(
        data, batch_sampler=MixBatchSampler(data, 4, num_replicas=2, rank=1), **options
    ),
    "sampler": lambda data, **options: plain(data, sampler=MixSampler(data), **options),
}


@pytest.mark.parametrize("name", LOADERS)
def test_a_second_pass_warns_once(name: str) -> None:
    loader = LOADERS[name](mix())
    assert said(passes(loader, 1)) == 0
    assert said(passes(loader, 4)) == 1
    assert said(passes(loader, 4)) == 0


PARENT_SEES = [name for name in LOADERS if "of a" not in name and name != "sequential whole batches"]


def test_a_plain_loop_counts_as_a_pass() -> None:
    assert said(passes(mix(), 1)) == 0
    assert said(passes(mix(), 2)) == 1


@pytest.mark.parametrize("name", LOADERS)
def test_epochs_that_are_set_do_not_warn(name: str) -> None:
    data = mix()
    loader = LOADERS[name](data)
    assert said(passes(loader, 4, before=data.set_epoch)) == 0
    assert said(passes(loader, 4, before=lambda number: data.set_epoch(2))) == 0  # the same one is meant
    assert said(passes(loader, 2)) == 1


@pytest.mark.parametrize("persistent", [False, True])
@pytest.mark.parametrize("name", PARENT_SEES)
def test_the_parent_says_what_workers_read(name: str, persistent: bool) -> None:
    loader = LOADERS[name](mix(), num_workers=2, persistent_workers=persistent, multiprocessing_context="fork")
    assert said(passes(loader, 1)) == 0
    assert said(passes(loader, 2)) == 1


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_under_any_start_method(method: str) -> None:
    loader = plain(mix(ratio=falling_ratio), num_workers=1, persistent_workers=True, multiprocessing_context=method)
    assert said(passes(loader, 1)) == 0
    assert said(passes(loader, 1)) == 1


SUBSET = """
import sys
sys.path.insert(0, {folder!r})
from test_epochs import *
loader = LOADERS["of a subset"](mix(), num_workers=1, multiprocessing_context="fork")
passes(loader, 3)()
"""


def test_a_worker_says_it_where_the_parent_cannot_know(tmp_path: Path) -> None:
    script = SUBSET.format(folder=str(Path(__file__).parent))
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert done.stderr.count("set_epoch(epoch)") == 1


def test_a_look_before_training_is_no_pass() -> None:
    for options in ({}, {"num_workers": 1, "multiprocessing_context": "fork", "prefetch_factor": 2}):
        loader = DataLoader(mix(), 4, shuffle=True, collate_fn=collate, **options)  # type: ignore[arg-type]
        assert said(lambda loader=loader: [next(iter(loader)), *loader]) == 0
    data = mix()
    assert said(lambda: [data[3] for _ in range(3 * COUNT)]) == 0
    assert said(lambda: [len(plain(data)) for _ in range(3)]) == 0
    assert said(lambda: [data[position] for _ in range(2) for position in range(COUNT // 2)]) == 0


def test_a_whole_epoch_and_a_look_at_its_length_is_no_second_pass() -> None:
    loader = plain(mix(), shuffle=True, num_workers=1, multiprocessing_context="fork")
    assert said(lambda: [*loader, len(loader), len(loader.dataset)]) == 0  # type: ignore[arg-type]


def test_sampling_with_replacement_is_no_second_pass() -> None:
    draws = torch.Generator().manual_seed(0)
    data = mix()
    for sampler in (
        RandomSampler(data, replacement=True, num_samples=2 * COUNT, generator=draws),
        WeightedRandomSampler([1.0] * COUNT, 2 * COUNT, generator=draws),
    ):
        assert said(passes(plain(data, sampler=sampler), 3, before=data.set_epoch)) == 0
        data.set_epoch(0)
        assert said(passes(plain(data, sampler=sampler), 1)) == 0


def test_passes_over_a_part_of_the_epoch_are_no_second_pass() -> None:
    """Nor is a sampler that never ends, as long as it does not come round."""
    data = mix()
    part = RandomSampler(data, num_samples=COUNT // 3, generator=torch.Generator().manual_seed(0))
    loader = plain(data, sampler=part, num_workers=1, multiprocessing_context="fork")
    assert said(passes(loader, 2)) == 0
    endless = iter(plain(data, sampler=Endless(data), num_workers=1, multiprocessing_context="fork"))
    data.set_epoch(0)
    assert said(lambda: [next(endless) for _ in range(2)]) == 0


class Endless(Sampler[int]):
    def __init__(self, data: SyntheticMixDataset) -> None:
        self.data = data

    def __iter__(self) -> Any:
        count = len(self.data)
        return (position % count for position in itertools.count())


def test_shares_of_several_processes_are_one_epoch() -> None:
    for rank in range(2):
        data = mix()
        sampler: Sampler[int] = DistributedSampler(data, 2, rank, shuffle=False)
        assert said(passes(plain(data, sampler=sampler), 1)) == 0
    data = mix()
    assert said(lambda: [list(MixBatchSampler(data, 4, num_replicas=3, rank=rank)) for rank in range(3)]) == 0
    assert said(lambda: [list(BatchSampler(MixSampler(data), 4, False)) for _ in range(3)]) == 0  # nothing is read


def test_a_share_that_workers_read_twice_warns() -> None:
    data = mix()
    sampler: Any = DistributedSampler(data, 2, 1)
    loader = plain(data, sampler=sampler, num_workers=1, multiprocessing_context="fork")
    assert said(passes(loader, 2)) == 1


def test_a_sampler_that_goes_ahead_alone_is_named() -> None:
    """Trainers that set the epoch of a DistributedSampler, and resume in a later one."""
    data = mix()
    sampler: Any = DistributedSampler(data, 2, 1)
    sampler.set_epoch(3)
    with pytest.warns(UserWarning, match="DistributedSampler is in epoch 3, and the mix still in epoch 0"):
        list(sampler)
    assert said(lambda: list(sampler)) == 0
    data = mix()
    data.set_epoch(0)
    sampler = DistributedSampler(data, 2, 1)
    sampler.set_epoch(3)
    assert said(lambda: list(sampler)) == 0


def test_an_epoch_that_is_resumed_is_no_second_pass() -> None:
    sampler = MixBatchSampler(mix(), 8)
    saved = sampler.state_dict(done=2)
    data = mix()
    resumed = MixBatchSampler(data, 8)
    loader = DataLoader(data, batch_sampler=resumed, collate_fn=collate)
    for _ in loader:
        break
    resumed.load_state_dict(saved)
    assert said(passes(loader, 1)) == 0


@pytest.mark.parametrize("transform", [None, T.Compose([T.Resize(4), T.ToDtype(torch.float32)]), np.copy])
def test_epochs_that_are_alike_may_be_read_again(transform: Any) -> None:
    """A validation set: nothing synthetic, and a transform that draws nothing, or draws for itself."""
    data = mix(ratio=0, transform=transform)
    assert said(passes(plain(data), 3)) == 0


@pytest.mark.parametrize("options", [{"transform": FLIP}, {"ratio": 0, "transform": T.Compose([FLIP])}])
def test_a_transform_that_draws_makes_epochs_differ(options: dict[str, Any]) -> None:
    assert said(passes(plain(mix(**options)), 2)) == 1


def rising_ratio(epoch: int) -> float:
    return 0.5 if epoch else 0.0


@pytest.mark.parametrize("drop_last", [False, True])
def test_a_distributed_sampler_of_another_length_is_refused(drop_last: bool) -> None:
    data = mix(ratio=rising_ratio, mode="extend")
    sampler: Any = DistributedSampler(data, 2, 0, drop_last=drop_last)
    assert len(list(sampler)) == COUNT // 2
    data.set_epoch(1)
    with pytest.raises(ArgumentError, match=r"this epoch has 60 items.*make it anew"):
        list(sampler)
    anew: Any = DistributedSampler(data, 2, 0, drop_last=drop_last)
    assert len(list(anew)) == COUNT
    data.set_epoch(0)
    with pytest.raises(ArgumentError, match="this epoch has 30 items"):
        list(anew)


@pytest.mark.parametrize("workers", [0, 1])
def test_samplers_of_the_mix_follow_its_length(workers: int) -> None:
    data = mix(ratio=rising_ratio, mode="extend")
    loader = DataLoader(data, batch_sampler=MixBatchSampler(data, 8), num_workers=workers, collate_fn=collate)
    items = DataLoader(data, 8, sampler=MixSampler(data, num_replicas=2, rank=0), collate_fn=collate)
    for epoch, length in ((0, COUNT), (1, 2 * COUNT), (0, COUNT)):
        data.set_epoch(epoch)
        assert sum(len(labels) for _, labels in loader) == length
        assert sum(len(labels) for _, labels in items) == length // 2


def test_an_epoch_that_is_set_in_the_middle_of_a_pass_is_refused() -> None:
    data = mix()
    for sampler in (MixBatchSampler(data, 8), MixSampler(data)):
        data.set_epoch(0)
        iterator = iter(sampler)
        next(iterator)
        data.set_epoch(0)
        next(iterator)
        data.set_epoch(1)
        with pytest.raises(ArgumentError, match=r"set_epoch\(1\) came in the middle of a pass over epoch 0"):
            next(iterator)
        assert len(list(sampler)) == len(sampler)
