"""Pools on disks that fill up, in folders without rights or locks, and of very many shards: nothing is lost."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mixing_toys import ToyGenerator, toy_generator

from augsynth.data import SyntheticPool
from augsynth.data.pools import locks, writer
from augsynth.data.pools.manifest import Manifest
from augsynth.errors import CheckpointError

FORK: Any = multiprocessing.get_context("fork" if hasattr(os, "fork") else None)
linux = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="limits and counts of Linux")


def create(path: Path, n: int = 20, **options: Any) -> SyntheticPool:
    options = {"seed": 5, "shard_size": 4, "progress": False, **options}
    return SyntheticPool.create(path, toy_generator(), n, **options)


def contents(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.iterdir()}


# Very many shards ---------------------------------------------------------------------------------------------------


@linux
@pytest.mark.parametrize("count", [1200, pytest.param(100_000, marks=pytest.mark.slow)])
def test_a_pool_of_many_shards_needs_few_open_files(tmp_path: Path, monkeypatch: Any, count: int) -> None:
    import resource

    monkeypatch.setattr(os, "fsync", lambda _: None)  # of 3,000 files and more
    monkeypatch.setattr(ToyGenerator, "tile", 1)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        create(tmp_path / "pool", count, shard_size=1)
        monkeypatch.chdir(tmp_path)
        pool = SyntheticPool.open("pool")
        monkeypatch.chdir("/")
        order = np.random.default_rng(0).permutation(count)[:1000]
        kept = [pool[index] for index in order]
        assert pool.labels.tolist() == [index % 4 for index in range(count)]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    expected = toy_generator().sample(int(order.max()) + 1, seed=5)
    assert all(torch.equal(image, expected.images[index]) for (image, _), index in zip(kept, order, strict=True))
    assert torch.equal(pool.take(order).images, expected.images[order])


def test_images_of_more_shards_than_it_maps_keep_no_map(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("augsynth.data.pools.shards._READ_UP_TO", 0)
    monkeypatch.setattr("augsynth.data.pools.pool._MAPPED_SHARDS", 2)
    pool = create(tmp_path)
    kept = [pool[index] for index in range(20)]
    if Path("/proc/self/maps").exists():
        assert Path("/proc/self/maps").read_text().count(str(tmp_path)) <= 2
    assert torch.equal(torch.stack([image for image, _ in kept]), pool.take(range(20)).images)


# Disks and folders --------------------------------------------------------------------------------------------------


def fill_small_disk(path: Path, allowed: int, message: Any) -> None:
    import resource

    torch.set_num_threads(1)
    resource.setrlimit(resource.RLIMIT_FSIZE, (allowed, resource.RLIM_INFINITY))
    try:
        create(path)
    except CheckpointError as error:
        message.put(str(error))
    else:
        message.put("no error")


@linux
@pytest.mark.parametrize("allowed", [100, 300, 900])
def test_a_disk_that_fills_up_loses_nothing(tmp_path: Path, allowed: int) -> None:
    """A limit of the size of files stands for the disk: 100 bytes fit no shard, 300 fit no images, 900 no manifest."""
    path = tmp_path / "pool"
    message = FORK.SimpleQueue()
    process = FORK.Process(target=fill_small_disk, args=(path, allowed, message))
    process.start()
    process.join()
    assert "File too large; what is finished is kept, and the same call continues" in message.get()
    create(path).verify()
    create(tmp_path / "other")
    assert contents(path) == contents(tmp_path / "other")


@pytest.mark.parametrize("full_after", range(8))
def test_no_space_left_at_any_moment_of_an_append_loses_nothing(
    tmp_path: Path, monkeypatch: Any, full_after: int
) -> None:
    pool = create(tmp_path)
    calls = iter(range(100))

    def fsync(handle: int) -> None:
        if next(calls) >= full_after:
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fsync)
        with pytest.raises(CheckpointError, match="No space left on device; what is finished is kept"):
            pool.append(toy_generator(), 12, seed=5, progress=False)
    pool = SyntheticPool.open(tmp_path)
    pool.verify()
    assert len(pool) in (20, 24)
    pool.append(toy_generator(), 32 - len(pool), seed=5, progress=False)
    assert torch.equal(pool.take(range(32)).images, toy_generator().sample(32, seed=5).images)
    assert [(part.first, part.start) for part in pool.parts] == [(0, 0)]


def test_a_folder_that_may_not_be_written_is_refused_in_words(tmp_path: Path, monkeypatch: Any) -> None:
    """Root may write anywhere, so that the system's refusal is imitated."""

    def mkdir(self: Path, *_: Any, **__: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", mkdir)
    with pytest.raises(CheckpointError, match=r"cannot be written: .*Permission denied: '.*pool'$"):
        create(tmp_path / "pool")


def test_a_finished_pool_is_opened_without_writing(tmp_path: Path, monkeypatch: Any) -> None:
    create(tmp_path)
    monkeypatch.setattr(locks.FolderLock, "_acquire", lambda *_, **__: pytest.fail("it took the lock"))
    create(tmp_path).verify()


# Locks --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def without_locks(monkeypatch: Any) -> None:
    def flock(handle: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    fcntl = pytest.importorskip("fcntl")
    monkeypatch.setattr(fcntl, "flock", flock)


@pytest.mark.usefixtures("without_locks")
def test_without_locks_writers_take_turns(tmp_path: Path) -> None:
    pools = [threading.Thread(target=create, args=(tmp_path / "pool",)) for _ in range(3)]
    for thread in pools:
        thread.start()
    for thread in pools:
        thread.join()
    pool = create(tmp_path / "pool")
    pool.verify()
    pool.append(toy_generator(), 4, seed=5, progress=False)
    assert torch.equal(pool.take(range(24)).images, toy_generator().sample(24, seed=5).images)
    assert not list((tmp_path / "pool").glob(".*"))


def _ended() -> int:
    process = FORK.Process(target=int)
    process.start()
    process.join()
    assert process.pid is not None
    return process.pid


@pytest.mark.usefixtures("without_locks")
def test_the_lock_file_of_a_killed_writer_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".lock").write_text(f"{socket.gethostname()} {_ended()}")
    create(tmp_path).verify()
    assert not (tmp_path / ".lock").exists()


@pytest.mark.usefixtures("without_locks")
@pytest.mark.parametrize(("content", "writer"), [("mars 12", "process 12 on mars"), ("", "an unknown process")])
def test_the_lock_file_of_another_machine_is_named(tmp_path: Path, content: str, writer: str) -> None:
    (tmp_path / ".lock").write_text(content)
    os.utime(tmp_path / ".lock", (0, 0))
    with pytest.raises(CheckpointError, match=rf"is being written by {writer}; if that has ended, remove .*\.lock"):
        create(tmp_path)
    assert (tmp_path / ".lock").read_text() == content


@pytest.mark.usefixtures("without_locks")
def test_without_locks_a_refusal_leaves_nothing_behind(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("augsynth.data.pools.writer._check_room", _refuse)
    with pytest.raises(RuntimeError, match="no room"):
        create(tmp_path / "new" / "pool")
    assert list(tmp_path.iterdir()) == []


def _refuse(*_: Any) -> None:
    raise RuntimeError("no room")


# Records ------------------------------------------------------------------------------------------------------------


def interrupted(path: Path, monkeypatch: Any, number: int) -> None:
    """Create a pool, and fail at the shard of a number."""
    write = writer.write_shard

    def failing(folder: Path, shard: int, samples: Any) -> Any:
        if shard == number:
            raise KeyboardInterrupt
        return write(folder, shard, samples)

    with monkeypatch.context() as patched:
        patched.setattr(writer, "write_shard", failing)
        with pytest.raises(KeyboardInterrupt):
            create(path)


DAMAGES: dict[str, Callable[[Path], Any]] = {
    "an empty record": lambda file: file.write_bytes(b""),
    "half a record": lambda file: file.write_bytes(file.read_bytes()[:20]),
    "a record without its last byte": lambda file: file.write_bytes(file.read_bytes()[:-1]),
    "zeros, as after a power cut": lambda file: file.write_bytes(bytes(200)),
    "no record": lambda file: file.unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_record_that_was_not_finished_counts_for_nothing(tmp_path: Path, monkeypatch: Any, damage: Any) -> None:
    interrupted(tmp_path / "pool", monkeypatch, 3)
    with pytest.raises(CheckpointError, match="holds 12 of 20"):
        SyntheticPool.open(tmp_path / "pool")
    damage(tmp_path / "pool/.shard-000001.json")
    with pytest.raises(CheckpointError, match="holds 4 of 20"):
        SyntheticPool.open(tmp_path / "pool")
    create(tmp_path / "pool").verify()
    create(tmp_path / "other")
    assert contents(tmp_path / "pool") == contents(tmp_path / "other")


@pytest.mark.parametrize(
    "entry",
    [{}, [], {"count": -1, "images_sha256": "", "labels_sha256": ""}, {"count": 4, "images_sha256": "a"}, {"extra": 1}],
)
def test_a_record_that_claims_what_cannot_be_is_refused(tmp_path: Path, monkeypatch: Any, entry: Any) -> None:
    interrupted(tmp_path, monkeypatch, 3)
    (tmp_path / ".shard-000001.json").write_text(json.dumps({"x": entry} if entry == [] else entry) + "\n")
    for call in (SyntheticPool.open, create):
        with pytest.raises(CheckpointError, match=r"\.shard-000001\.json is damaged: .*; remove it"):
            call(tmp_path)


@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="needs links")
def test_a_record_that_is_a_link_is_not_followed(tmp_path: Path, monkeypatch: Any) -> None:
    interrupted(tmp_path / "pool", monkeypatch, 3)
    (tmp_path / "precious").write_text("data")
    (tmp_path / "pool/.shard-000003.json").unlink()
    (tmp_path / "pool/.shard-000003.json").symlink_to(tmp_path / "precious")
    with pytest.raises(CheckpointError, match="cannot be written"):
        create(tmp_path / "pool")
    assert (tmp_path / "precious").read_text() == "data"


def test_records_of_a_pool_that_was_removed_are_not_used(tmp_path: Path, monkeypatch: Any) -> None:
    interrupted(tmp_path, monkeypatch, 3)
    for file in [*tmp_path.glob("*.npy"), tmp_path / "manifest.json"]:
        file.unlink()
    assert len(create(tmp_path, 6, seed=6).labels) == 6
    SyntheticPool.open(tmp_path).verify()


# The manifest -------------------------------------------------------------------------------------------------------


def test_views_are_kept_by_all_writers(tmp_path: Path) -> None:
    pool = create(tmp_path)
    view = {"name": "best", "items": [1, 2]}
    writer.change(tmp_path, lambda manifest: Manifest(**{**vars(manifest), "views": (view,)}))
    pool.append(toy_generator(), 4, seed=5, progress=False)
    create(tmp_path)
    assert SyntheticPool.open(tmp_path).manifest.views == (view,)
    assert json.loads((tmp_path / "manifest.json").read_text())["views"] == {"version": 1, "entries": [view]}


@pytest.mark.parametrize("views", [{"version": 2, "entries": []}, [], {"version": 1, "entries": [{}]}, {"entries": []}])
def test_views_of_another_version_are_refused(tmp_path: Path, views: Any) -> None:
    create(tmp_path)
    content = json.loads((tmp_path / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps({**content, "views": views}))
    with pytest.raises(CheckpointError, match="its views are"):
        SyntheticPool.open(tmp_path)


# Batches ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ranged", [True, False])
@pytest.mark.parametrize("shape", [(3, 6, 5), (1, 64, 64), (3, 7, 13)])
def test_a_batch_is_the_same_items_whatever_reads_it(
    tmp_path: Path, monkeypatch: Any, ranged: bool, shape: tuple[int, int, int]
) -> None:
    if not ranged:
        monkeypatch.setattr("augsynth.data.pools.mapping.SUPPORTED", False)
    pool = SyntheticPool.create(tmp_path, toy_generator(shape), 21, shard_size=8, progress=False)
    pool.append(toy_generator(shape), 9, progress=False)  # after a shard of 5
    rng = np.random.default_rng(1)
    for count in (0, 1, 7, 100):
        positions = rng.integers(-30, 30, count)
        taken = pool.take(positions)
        assert taken.images.shape == (count, *shape)
        for row, position in zip(taken.images, positions, strict=True):
            assert torch.equal(row, pool[position][0])
    taken.images.zero_()
    assert pool.take([3]).images.any()


@linux
def test_a_batch_needs_no_more_addresses_than_there_are(tmp_path: Path, monkeypatch: Any) -> None:
    import resource

    pool = create(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    monkeypatch.setattr("augsynth.data.pools.mapping.math.lcm", lambda *_: 2**50)
    resource.setrlimit(resource.RLIMIT_AS, (2**45, hard))
    try:
        assert torch.equal(pool.take([3]).images[0], pool[3][0])
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def test_a_batch_of_a_damaged_shard_is_refused(tmp_path: Path) -> None:
    create(tmp_path)
    file = tmp_path / "images-000001.npy"
    file.write_bytes(file.read_bytes()[:-1])
    pool = SyntheticPool.open(tmp_path)
    pool.take([0, 1])
    with pytest.raises(CheckpointError, match=r"images-000001\.npy cannot be read"):
        pool.take([0, 5])
