"""Writers of pools that are killed at any moment: what they leave is finished to the very bytes, or a pool already."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mixing_toys import toy_generator

from augsynth.data import SyntheticPool

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")
FORK: Any = multiprocessing.get_context(None if sys.platform == "win32" else "fork")
SAMPLES = 40


def create(path: Path) -> SyntheticPool:
    return SyntheticPool.create(path, toy_generator(), SAMPLES, seed=5, shard_size=2, progress=False)


def append(path: Path) -> None:
    SyntheticPool.open(path).append(toy_generator(), SAMPLES, seed=5, progress=False)


def write(task: Any, path: Path, ready: Any, waits: bool = True) -> None:
    torch.set_num_threads(1)
    ready.set()
    task(path)
    if waits:
        time.sleep(60)  # until the kill, if that comes late


def kill_while_it_writes(task: Any, path: Path, delay: float) -> None:
    ready = FORK.Event()
    writer = FORK.Process(target=write, args=(task, path, ready))
    writer.start()
    ready.wait(60)
    time.sleep(delay)
    os.kill(writer.pid, signal.SIGKILL)
    writer.join()
    assert writer.exitcode == -signal.SIGKILL


def contents(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.iterdir()}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, bytes], float]:
    """The files of a pool whose writer nobody killed, and about how long it took."""
    path = tmp_path_factory.mktemp("pool")
    create(path / "first")
    started = time.perf_counter()
    create(path / "second")
    return contents(path / "second"), time.perf_counter() - started


@pytest.mark.parametrize("kills", [4, pytest.param(70, marks=pytest.mark.slow)])
def test_a_pool_whose_writers_were_killed_is_finished_to_the_very_bytes(
    tmp_path: Path, kills: int, undisturbed
) -> None:
    expected, seconds = undisturbed
    rng = np.random.default_rng(kills)
    for number in range(kills):
        path = tmp_path / str(number)
        for _ in range(int(rng.integers(1, 3))):
            kill_while_it_writes(create, path, rng.uniform(0, 1.2) * seconds)
        create(path).verify()
        assert contents(path) == expected


@pytest.mark.parametrize("kills", [3, pytest.param(40, marks=pytest.mark.slow)])
def test_a_pool_whose_appending_writer_was_killed_is_a_pool(tmp_path: Path, kills: int, undisturbed) -> None:
    create(tmp_path / "whole")
    append(tmp_path / "whole")
    expected = contents(tmp_path / "whole")
    rng = np.random.default_rng(kills)
    for number in range(kills):
        path = tmp_path / str(number)
        create(path)
        kill_while_it_writes(append, path, rng.uniform(0, 1.2) * undisturbed[1])
        pool = SyntheticPool.open(path)
        pool.verify()
        assert len(pool) in range(SAMPLES, 2 * SAMPLES + 1, 2)
        if len(pool) < 2 * SAMPLES:
            pool.append(toy_generator(), 2 * SAMPLES - len(pool), seed=5, progress=False)
        create(path)  # removes what a writer left that was killed after its last shard
        assert contents(path) == expected


def import_again(path: Path) -> SyntheticPool:
    return SyntheticPool.import_images(path, path.with_name("source.npz"), shard_size=2, progress=False)


@pytest.mark.parametrize("kills", [3, pytest.param(40, marks=pytest.mark.slow)])
def test_an_import_that_was_killed_is_finished_to_the_very_bytes(tmp_path: Path, kills: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (SAMPLES, 6, 5, 3), np.uint8)
    np.savez_compressed(tmp_path / "source.npz", images=images, labels=np.arange(SAMPLES))
    started = time.perf_counter()
    import_again(tmp_path / "whole")
    seconds = time.perf_counter() - started
    rng = np.random.default_rng(kills)
    for number in range(kills):
        path = tmp_path / str(number)
        kill_while_it_writes(import_again, path, rng.uniform(0, 1.2) * seconds)
        import_again(path).verify()
        assert contents(path) == contents(tmp_path / "whole")


def export(path: Path) -> None:
    SyntheticPool.open(path.with_name("pool")).export(path, "webdataset", progress=False)


@pytest.mark.parametrize("kills", [3, pytest.param(40, marks=pytest.mark.slow)])
def test_an_export_that_was_killed_is_whole_or_not_there(tmp_path: Path, kills: int) -> None:
    create(tmp_path / "pool")
    started = time.perf_counter()
    export(tmp_path / "whole")
    seconds = time.perf_counter() - started
    rng = np.random.default_rng(kills)
    for number in range(kills):
        path = tmp_path / str(number)
        kill_while_it_writes(export, path, rng.uniform(0, 1.2) * seconds)
        if not path.exists():
            export(path)
        assert contents(path) == contents(tmp_path / "whole")
        assert not path.with_name(f".{number}.partial").exists()


@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_writers_make_the_shards_of_one_that_was_killed(tmp_path: Path, kills: int, undisturbed) -> None:
    expected, seconds = undisturbed
    rng = np.random.default_rng(kills)
    for number in range(kills):
        path, ready = tmp_path / str(number), [FORK.Event() for _ in range(3)]
        first, *others = [FORK.Process(target=write, args=(create, path, event, False)) for event in ready]
        for process in (first, *others):
            process.start()
        ready[0].wait(60)
        time.sleep(rng.uniform(0.2, 1.0) * seconds)
        os.kill(first.pid, signal.SIGKILL)
        for process in (first, *others):
            process.join()
        assert [process.exitcode for process in others] == [0, 0]
        assert contents(path) == expected
