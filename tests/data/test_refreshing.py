"""Pools that are drawn anew for each epoch: their samples, their disk, their errors and their end."""

from __future__ import annotations

import gc
import multiprocessing
import threading
import time
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mixing_toys import Pictures, ToyGenerator, renderer, toy_generator
from torch.utils.data import DataLoader

from augsynth import SyntheticMixDataset
from augsynth.data import RefreshingPool, SyntheticPool
from augsynth.errors import ArgumentError, PluginError


def refreshing(path: Path, n: int = 10, **options: Any) -> RefreshingPool:
    options = {"seed": 5, "shard_size": 4, "progress": False, **options}
    return RefreshingPool(path, options.pop("generator", None) or toy_generator(), n, **options)


def images_of(pool: Any) -> torch.Tensor:
    return torch.stack([image for image, _ in pool])


def expected(epoch: int, n: int = 10) -> torch.Tensor:
    labels = (torch.arange(n) % 4).tolist()
    return toy_generator().sample(n, labels=labels, seed=5, start=epoch * n).images


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "augsynth-refresh"]


@pytest.mark.parametrize("background", ["thread", "process"])
def test_every_epoch_has_its_own_samples(tmp_path: Path, background: Any) -> None:
    with refreshing(tmp_path, background=background) as pool:
        for epoch in (0, 1, 2) if background == "process" else (0, 1, 2, 5, 6, 0):
            pool.set_epoch(epoch)
            assert len(pool) == 10
            assert torch.equal(images_of(pool), expected(epoch))
            assert pool.labels.tolist() == [index % 4 for index in range(10)]
            assert len(list(tmp_path.iterdir())) <= 2
    assert not multiprocessing.active_children()
    assert not threads()


def test_a_training_that_is_continued_has_the_same_samples(tmp_path: Path) -> None:
    with refreshing(tmp_path) as pool:
        pool.set_epoch(1)
    with refreshing(tmp_path, epoch=2) as pool:
        assert torch.equal(images_of(pool), expected(2))
        pool.set_epoch(3)
        assert torch.equal(images_of(pool), expected(3))


def test_the_next_epoch_is_drawn_while_this_one_is_read(tmp_path: Path) -> None:
    with refreshing(tmp_path) as pool:
        until = time.monotonic() + 30
        while threads() and time.monotonic() < until:
            assert torch.equal(pool[3][0], expected(0)[3])
        assert torch.equal(images_of(SyntheticPool.open(tmp_path / "epoch-0000000001")), expected(1))


def test_targets_are_items_as_in_a_pool(tmp_path: Path) -> None:
    with refreshing(tmp_path, generator=renderer()) as pool:
        pool.set_epoch(1)
        target = renderer().sample(10, seed=5, start=10).targets[4]
        assert torch.equal(pool[4]["boxes"], target["boxes"])
        assert pool.labels is None


class Mortal(ToyGenerator):
    """A generator that fails after the three calls of the first epoch."""

    calls = 0

    def generate(self, noise: Any, labels: Any, guidance: Any) -> Any:
        self.calls += 1
        if self.calls > 3:
            raise PluginError("out of luck")
        return super().generate(noise, labels, guidance)


@pytest.mark.parametrize("background", ["thread", "process"])
def test_an_error_of_the_background_is_raised_where_the_pool_is_read(tmp_path: Path, background: Any) -> None:
    generator = Mortal()
    generator.describe((3, 6, 5), 4)
    with refreshing(tmp_path, generator=generator, background=background) as pool:
        with pytest.raises(PluginError, match="out of luck"):
            pool.set_epoch(1)
        assert pool.epoch == 0
        assert torch.equal(images_of(pool), expected(0))
        with pytest.raises(PluginError, match="out of luck"):
            pool.set_epoch(1)


def test_a_process_that_is_killed_is_named(tmp_path: Path) -> None:
    with refreshing(tmp_path, background="process") as pool:
        for process in multiprocessing.active_children():
            process.kill()
        with pytest.raises(PluginError, match="background producer of the pool failed: it ended with exit code -9"):
            pool.set_epoch(1)
        pool.set_epoch(1)  # draws again
        assert torch.equal(images_of(pool), expected(1))


class Slow(ToyGenerator):
    """A generator whose samples take a while."""

    tile = 1

    def generate(self, noise: Any, labels: Any, guidance: Any) -> Any:
        time.sleep(0.02)
        return super().generate(noise, labels, guidance)


def test_it_ends_at_once_and_leaves_no_thread(tmp_path: Path) -> None:
    generator = Slow()
    generator.describe((3, 6, 5), 4)
    pool = refreshing(tmp_path, 60, generator=generator, shard_size=1)
    assert threads()
    del pool
    gc.collect()
    assert not threads()
    assert len(list((tmp_path / "epoch-0000000001").glob("images-*"))) < 60


@pytest.mark.parametrize("workers", [0, 2])
def test_a_mix_and_its_workers_follow(tmp_path: Path, workers: int) -> None:
    with refreshing(tmp_path) as pool:
        mix = SyntheticMixDataset(Pictures(np.arange(20) % 4, shape=(6, 5, 3)), pool, ratio=0.5, seed=1)
        loader = DataLoader(mix, batch_size=None, num_workers=workers, persistent_workers=workers > 0)
        for epoch in range(3):
            mix.set_epoch(epoch)
            samples = {image.numpy().tobytes() for image in expected(epoch).permute(0, 2, 3, 1)}
            found = [np.ascontiguousarray(image).tobytes() for image, _ in loader]
            synthetic = [found[position] for position in range(20) if mix.source(position).synthetic]
            assert len(synthetic) == 10
            assert set(synthetic) <= samples


def test_other_processes_only_read(tmp_path: Path) -> None:
    with refreshing(tmp_path) as pool:
        copy = ForkingPickler.loads(ForkingPickler.dumps(pool))
        assert torch.equal(images_of(copy), expected(0))
        copy.set_epoch(0)
        with pytest.raises(ArgumentError, match="in the process that made it"):
            copy.set_epoch(1)
        pool.set_epoch(1)
        assert torch.equal(images_of(copy), expected(1))


@pytest.mark.parametrize("wrong", [{"n": 0}, {"shard_size": 0}, {"background": "worker"}, {"epoch": -1}])
def test_arguments_out_of_range_are_refused(tmp_path: Path, wrong: Any) -> None:
    with pytest.raises(ArgumentError):
        refreshing(tmp_path / "pool", **wrong)
    assert not (tmp_path / "pool").exists()
