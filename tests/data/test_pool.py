"""Pools on disk: what they hold, how they are finished after a kill, and what damage they notice."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mixing_toys import toy_generator

from augsynth.data import SyntheticPool
from augsynth.errors import ArgumentError, CheckpointError

FORK: Any = multiprocessing.get_context(None if sys.platform == "win32" else "fork")


def create(path: Path, n: int = 20, **options) -> SyntheticPool:
    options = {"seed": 5, "shard_size": 8, "progress": False, **options}
    return SyntheticPool.create(path, options.pop("generator", toy_generator()), n, **options)


def all_of(pool: SyntheticPool) -> tuple[torch.Tensor, torch.Tensor | None]:
    samples = pool.take(range(len(pool)))
    return samples.images, samples.labels


def test_items_are_the_samples_of_the_generator_whatever_the_shards(tmp_path: Path) -> None:
    expected = toy_generator().sample(20, seed=5)
    for shard_size in (1, 7, 8, 100):
        pool = create(tmp_path / str(shard_size), shard_size=shard_size)
        assert len(pool) == 20
        assert pool.image_shape == (3, 6, 5)
        images, labels = all_of(pool)
        assert torch.equal(images, expected.images)
        assert torch.equal(labels, expected.labels)
        image, label = pool[13]
        assert torch.equal(image, expected.images[13])
        assert label == int(expected.labels[13]) == pool.labels[13]


@pytest.mark.parametrize("labels", [2, [0, 3, 3, 1, 0]])
def test_labels_can_be_asked_for(tmp_path: Path, labels) -> None:
    pool = create(tmp_path, 5, labels=labels, shard_size=2)
    assert pool.labels.tolist() == ([2] * 5 if labels == 2 else labels)
    assert pool[4][0][0, 0, 0] == pool.labels[4]


def test_a_pool_without_labels_gives_bare_images(tmp_path: Path) -> None:
    generator = toy_generator(classes=None)
    pool = create(tmp_path, generator=generator)
    assert pool.labels is None
    assert torch.equal(pool[3], generator.sample(4, seed=5).images[3])
    assert pool.take([1]).labels is None


def test_the_manifest_tells_the_provenance(tmp_path: Path) -> None:
    generator = toy_generator(level=0.5)
    create(tmp_path, generator=generator, labels=[1] * 20)
    content = json.loads((tmp_path / "manifest.json").read_text())
    part = content["parts"][0]
    assert part["generator"]["name"] == "toy"
    assert part["generator"]["config"] == {"level": 0.5}
    assert part["generator"]["sha256"] == generator.digest()
    assert part["seed"] == 5
    assert len(part["labels"]) == 64


def test_a_changed_image_does_not_reach_the_file(tmp_path: Path) -> None:
    pool = create(tmp_path)
    before = pool[0][0].clone()
    pool[0][0].zero_()
    assert torch.equal(SyntheticPool.open(tmp_path)[0][0], before)
    pool.verify()


def test_it_is_pickled_as_a_path(tmp_path: Path) -> None:
    pool = create(tmp_path, 500)
    data = pickle.dumps(pool)
    assert len(data) < 1000
    assert torch.equal(pickle.loads(data)[499][0], pool[499][0])


def test_appending_goes_on_from_the_samples_that_are_there(tmp_path: Path) -> None:
    pool = create(tmp_path)
    pool.append(toy_generator(level=1.0), 6, seed=5, progress=False)
    pool.append(toy_generator(), 10, seed=5, progress=False)
    assert len(pool) == len(SyntheticPool.open(tmp_path)) == 36
    assert len(pool.labels) == 36
    assert [(part.first, part.start) for part in pool.parts] == [(0, 0), (20, 0), (26, 20)]
    images, _ = all_of(pool)
    expected = toy_generator().sample(30, seed=5).images
    assert torch.equal(images[:20], expected[:20])
    assert torch.equal(images[20:26], expected[:6])
    assert torch.equal(images[26:], expected[20:])
    pool.verify()
    with pytest.raises(ArgumentError, match=r"pool holds labelled images of shape \(3, 6, 5\)"):
        pool.append(toy_generator((1, 6, 5)), 3)


def create_until(path: Path, fatal: int) -> None:
    """Create the pool of `create`, and be killed at the call number `fatal` of fsync."""
    torch.set_num_threads(1)
    calls = 0
    fsync = os.fsync

    def deadly(handle: int) -> None:
        nonlocal calls
        calls += 1
        if calls == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        fsync(handle)

    os.fsync = deadly
    create(path)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a pool whose writer nobody killed."""
    path = tmp_path_factory.mktemp("undisturbed")
    create(path)
    return {file.name: file.read_bytes() for file in path.iterdir()}


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")
@pytest.mark.parametrize("fatal", range(1, 20))
def test_a_killed_writer_loses_the_unfinished_shard_only(
    tmp_path: Path, fatal: int, undisturbed: dict[str, bytes]
) -> None:
    path = tmp_path / "pool"
    writer = FORK.Process(target=create_until, args=(path, fatal))
    writer.start()
    writer.join()
    assert writer.exitcode == -signal.SIGKILL
    # 2 calls for the first manifest, then 5 a shard: 2 for each of two files, and at last one for the record
    shards = (fatal - 2) // 5
    if fatal < 17:
        with pytest.raises(CheckpointError, match="no pool" if fatal == 1 else "unfinished"):
            SyntheticPool.open(path)
    written = {file: file.stat().st_mtime_ns for number in range(shards) for file in path.glob(f"*-{number:06d}.npy")}
    assert len(written) == 2 * max(shards, 0)
    pool = create(path)
    assert {file: file.stat().st_mtime_ns for file in written} == written
    pool.verify()
    assert {file.name: file.read_bytes() for file in path.iterdir()} == undisturbed


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
def test_processes_that_create_the_same_pool_wait_for_each_other(tmp_path: Path) -> None:
    writers = [FORK.Process(target=create_until, args=(tmp_path / "pool", 0)) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    SyntheticPool.open(tmp_path / "pool").verify()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": 6}, "seed is 5, wanted 6"),
        ({"n": 21}, "n is 20, wanted 21"),
        ({"labels": 1}, "labels is 'in turn', wanted '1'"),
        ({"shard_size": 4}, "shard_size is 8, wanted 4"),
        ({"generator": toy_generator(level=0.5)}, "generator is"),
        ({"resume": False}, "resume is False"),
        ({"guidance": 2.0}, "guidance is None, wanted 2.0"),
    ],
)
def test_another_pool_is_never_written_over(tmp_path: Path, options, message: str) -> None:
    create(tmp_path)
    create(tmp_path)
    with pytest.raises(CheckpointError, match=message):
        create(tmp_path, **options)
    SyntheticPool.open(tmp_path).verify()


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(CheckpointError, match=r"'thesis\.tex'"):
        create(tmp_path)


@pytest.mark.parametrize("name", ["images-000001.npy", "labels-000001.npy"])
def test_verify_names_the_damaged_shard(tmp_path: Path, name: str) -> None:
    pool = create(tmp_path)
    pool.verify()
    file = tmp_path / name
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with pytest.raises(CheckpointError, match=f"damaged: {name};"):
        pool.verify()


@pytest.mark.parametrize("damage", ["truncated", "removed", "garbage", "another shape"])
def test_a_shard_that_cannot_be_read_is_named(tmp_path: Path, damage: str) -> None:
    create(tmp_path)
    file = tmp_path / "images-000001.npy"
    data = file.read_bytes()
    file.unlink()
    if damage == "truncated":
        file.write_bytes(data[:-1])
    elif damage == "garbage":
        file.write_bytes(b"PK" + data)
    elif damage == "another shape":
        np.save(file, np.zeros((8, 3, 5, 6), np.uint8))
    pool = SyntheticPool.open(tmp_path)
    pool[0]
    with pytest.raises(CheckpointError, match=r"images-000001\.npy"):
        pool[8]
    with pytest.raises(CheckpointError, match=r"damaged: images-000001\.npy"):
        pool.verify()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "there is no manifest.json"),
        ("{", "cannot be read"),
        ("[]", 'its "format" is not'),
        ('{"format": "augsynth-pool", "version": 99}', "version 99; this augsynth reads 1"),
        ('{"format": "augsynth-pool", "version": 1}', "incomplete or damaged"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_refused(tmp_path: Path, content: str | None, message: str) -> None:
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(CheckpointError, match=message):
        SyntheticPool.open(tmp_path)


@pytest.mark.parametrize("options", [{"n": 0}, {"shard_size": 0}, {"labels": [1, 2]}, {"labels": 9}])
def test_arguments_out_of_range_are_refused(tmp_path: Path, options) -> None:
    with pytest.raises(ArgumentError):
        create(tmp_path, **options)


def test_items_beyond_the_end_are_refused(tmp_path: Path) -> None:
    pool = create(tmp_path)
    for index in (-21, 20):
        with pytest.raises(IndexError, match="20 items"):
            pool[index]
    assert len(list(pool)) == 20
