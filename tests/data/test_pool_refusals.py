"""Refusals of pools, which leave nothing behind: wrong orders, and manifests and shards that claim too much."""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mixing_toys import ToyGenerator, toy_generator

from augsynth import SyntheticMixDataset
from augsynth.data import SyntheticPool
from augsynth.data.pools import shards
from augsynth.errors import AugsynthError, CheckpointError, PluginError


def create(path: Path, n: Any = 6, **options: Any) -> SyntheticPool:
    options = {"generator": toy_generator(), "shard_size": 4, "progress": False, **options}
    return SyntheticPool.create(path, options.pop("generator"), n, **options)


def failing(generator: ToyGenerator) -> ToyGenerator:
    def fails(*_: Any) -> None:
        raise PluginError("out of luck with these weights")

    generator.generate = fails  # type: ignore[method-assign, assignment]
    return generator


@pytest.mark.parametrize(
    "wrong",
    [
        {"n": 0},
        {"n": True},
        {"n": 2.0},
        {"n": "6"},
        {"n": 10**18},
        {"shard_size": 0},
        {"shard_size": 1.5},
        {"seed": 2**70},
        {"seed": None},
        {"labels": [0, 1]},
        {"labels": [0] * 5 + [4]},
        {"labels": -1},
        {"labels": 2**64},
        {"labels": 1.0},
        {"labels": True},
        {"labels": "cat"},
        {"labels": [0.0] * 6},
        {"labels": ["a"] * 6},
        {"labels": [[0], [1, 2]]},
        {"generator": "toy"},
        {"generator": ToyGenerator.configure()},
        {"generator": toy_generator(classes=None), "labels": 0},
        {"generator": failing(toy_generator())},
    ],
)
def test_a_refused_pool_leaves_nothing_that_blocks_the_right_call(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(AugsynthError):
        create(tmp_path / "pool", **wrong)
    assert not (tmp_path / "pool").exists()
    (tmp_path / "pool").mkdir()
    with pytest.raises(AugsynthError):
        create(tmp_path / "pool", **wrong)
    assert list((tmp_path / "pool").iterdir()) == []
    assert len(create(tmp_path / "pool")) == 6


def test_a_pool_that_the_disk_cannot_hold_is_refused_before_it_is_begun(tmp_path: Path, monkeypatch) -> None:
    pool = create(tmp_path / "first")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(500, 400, 100))  # type: ignore[attr-defined]
    with pytest.raises(AugsynthError, match=r"need 5.4e-07 GB, and the disk of .* has 1e-07 GB left"):
        create(tmp_path / "second")
    with pytest.raises(AugsynthError, match="need"):
        pool.append(toy_generator(), 2, progress=False)
    assert not (tmp_path / "second").exists()
    assert len(SyntheticPool.open(tmp_path / "first")) == 6


def test_a_place_where_no_folder_can_be_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in ("file", "file/pool"):
        with pytest.raises(CheckpointError, match="cannot be written"):
            create(tmp_path / path)


def test_an_unfinished_pool_is_not_appended_to(tmp_path: Path) -> None:
    pool = create(tmp_path)
    edit_manifest(tmp_path, lambda content: content.update(wanted=9))
    with pytest.raises(CheckpointError, match="unfinished: it holds 6 of 9"):
        pool.append(toy_generator(), 2, progress=False)


def test_no_temporary_folder_outlives_a_refusal(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(PluginError):
        SyntheticPool.temporary(failing(toy_generator()), 5, progress=False)
    assert list(tmp_path.iterdir()) == []
    real = [(np.zeros((9, 9, 3), np.uint8), i % 4) for i in range(8)]
    # The error is held, and with it all that the refused call had: a pool would stay until it is let go.
    with pytest.raises(AugsynthError, match="real images have 3 channels, synthetic ones 1") as held:
        SyntheticMixDataset(real, toy_generator((1, 9, 9)), ratio=0.5)
    assert list(tmp_path.iterdir()) == [], held


@pytest.mark.parametrize("wrap", [np.int64, np.asarray, torch.tensor, np.uint8, np.array])
def test_numbers_out_of_arrays_are_numbers(tmp_path: Path, wrap: Any) -> None:
    options = {"seed": 3, "shard_size": 2, "labels": 2}
    expected = create(tmp_path / "a", 5, **options)
    found = create(tmp_path / "b", wrap(5), **{name: wrap(value) for name, value in options.items()})
    assert (tmp_path / "a/manifest.json").read_bytes() == (tmp_path / "b/manifest.json").read_bytes()
    assert torch.equal(found[4][0], expected[4][0])
    found.append(toy_generator(), wrap(2), labels=wrap(1), seed=wrap(3), progress=False)
    assert found.labels.tolist() == [2, 2, 2, 2, 2, 1, 1]


@pytest.mark.parametrize(
    "wrap", [tuple, np.array, torch.tensor, lambda ls: np.array(ls, np.uint8), lambda ls: map(int, ls)]
)
def test_labels_in_any_form_make_the_same_pool(tmp_path: Path, wrap: Any) -> None:
    labels = [3, 0, 0, 1, 2, 3]
    create(tmp_path / "a", labels=labels)
    assert create(tmp_path / "b", labels=wrap(labels)).labels.tolist() == labels
    assert (tmp_path / "a/manifest.json").read_bytes() == (tmp_path / "b/manifest.json").read_bytes()


# Manifests ------------------------------------------------------------------------------------------------------


def edit_manifest(folder: Path, edit: Any) -> None:
    content = json.loads((folder / "manifest.json").read_text())
    edit(content)
    (folder / "manifest.json").write_text(json.dumps(content))


def nested(depth: int) -> Any:
    return [nested(depth - 1)] if depth else 0


WRONG_MANIFESTS: dict[str, Any] = {
    "10^12 samples in a shard of the largest images": lambda m: (
        m["shards"][0].update(count=10**12),
        m.update(image_shape=[3, 10**5, 10**5]),
    ),
    "10^30 samples wanted": lambda m: m.update(wanted=10**30),
    "more samples than an index can count": lambda m: [shard.update(count=2**62) for shard in m["shards"]],
    "a negative count": lambda m: m["shards"][0].update(count=-1),
    "no samples": lambda m: m["shards"][0].update(count=0),
    "a count that is true": lambda m: m["shards"][0].update(count=True),
    "a count that is a float": lambda m: m["shards"][0].update(count=4.0),
    "a shard size of text": lambda m: m.update(shard_size="4"),
    "a seed that is infinite": lambda m: m["parts"][0].update(seed=float("inf")),
    "NaN in a config": lambda m: m["parts"][0]["generator"].update(config={"level": float("nan")}),
    "a config that is deeper than Python prints": lambda m: m["parts"][0]["generator"].update(config=nested(900)),
    "labelled by a text": lambda m: m.update(labelled="no"),
    "labels without a checksum": lambda m: m["shards"][0].update(labels_sha256=None),
    "checksums that are numbers": lambda m: m["shards"][0].update(images_sha256=7),
    "two sides": lambda m: m.update(image_shape=[6, 5]),
    "an empty side": lambda m: m.update(image_shape=[3, 0, 5]),
    "a shape that is an object": lambda m: m.update(image_shape={"0": 3, "1": 6, "2": 5}),
    "no parts": lambda m: m.update(parts=[]),
    "a part that is a number": lambda m: m.update(parts=[3]),
    "a part behind the end": lambda m: m["parts"].append({**m["parts"][0], "first": 7}),
    "parts out of order": lambda m: m["parts"].append(m["parts"][0]),
    "a generator that is a list": lambda m: m["parts"][0].update(generator=[]),
    "shards that are null": lambda m: m.update(shards=None),
    "shards that are a text": lambda m: m.update(shards="ab"),
    "a field too many": lambda m: m.update(extra=1),
    "a version that is a list": lambda m: m.update(version=[1]),
    "a format that is a list": lambda m: m.update(format=["augsynth-pool"]),
}


@pytest.mark.parametrize("edit", WRONG_MANIFESTS.values(), ids=WRONG_MANIFESTS)
def test_a_manifest_that_claims_what_cannot_be_is_refused(tmp_path: Path, edit: Any) -> None:
    create(tmp_path)
    edit_manifest(tmp_path, edit)
    with pytest.raises(CheckpointError, match=r"manifest\.json"):
        SyntheticPool.open(tmp_path)
    with pytest.raises(CheckpointError):
        create(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"3",
        b"[" * 200_000,
        b'{"format": "augsynth-pool", "version": 1, "wanted": ' + b"[" * 200_000,
        b'{"a": ' * 100_000,
        b'{"format": "augsynth-pool", "format": "augsynth-pool"}',
        b'{"format": "augsynth-pool", "version": ' + b"9" * 6000 + b"}",
        b'{"format": "augsynth-pool", "version": 1e999}',
        b'{"format": "augsynth-pool\xff"}',
        b'{"format": "augsynth-pool", "version": 1}\x00',
        b"\xff\xfe{\x00}\x00",
        b"PK\x03\x04" + bytes(1000),
    ],
    ids=lambda content: str(content[:20]),
)
def test_a_manifest_that_is_no_sound_json_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"manifest\.json") as caught:
        SyntheticPool.open(tmp_path)
    assert len(str(caught.value)) < 1000


# Shards ---------------------------------------------------------------------------------------------------------


def as_zip(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez(file, array)
    return file.getvalue()


def as_npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def claiming(data: bytes, count: bytes) -> bytes:
    """The same file with another number of entries in its header, which keeps its length."""
    start = data.index(b"(") + 1
    end = data.index(b",", start)
    longer = data[:start] + count + data[end:]
    at = longer.index(b" \n") - (len(count) - (end - start))
    return longer[:at] + longer[at + len(count) - (end - start) :]


IMAGES = np.zeros((4, 3, 6, 5), np.uint8)
WRONG_SHARDS: dict[str, bytes] = {
    "a zip": as_zip(IMAGES),
    "a pickle": pickle.dumps(IMAGES),
    "objects": as_npy(np.array([{}] * 4, object)),
    "another dtype": as_npy(IMAGES.astype(np.int8)),
    "columns first": as_npy(np.asfortranarray(IMAGES)),
    "fewer images": as_npy(IMAGES[:3]),
    "a header that claims more than there is": as_npy(IMAGES)[:-5],
    "a header without an end": as_npy(IMAGES)[:60],
    "a header of 4 GB": b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + bytes(1000),
    "nothing": b"",
}


@pytest.mark.parametrize("data", WRONG_SHARDS.values(), ids=WRONG_SHARDS)
@pytest.mark.parametrize("name", ["images-000000.npy", "labels-000000.npy"])
def test_a_shard_of_another_kind_is_refused(tmp_path: Path, name: str, data: bytes) -> None:
    create(tmp_path)
    (tmp_path / name).write_bytes(data)
    pool = SyntheticPool.open(tmp_path)
    with pytest.raises(CheckpointError, match=f"{name} cannot be read"):
        pool[0]
    with pytest.raises(CheckpointError, match=f"damaged: {name}"):
        pool.verify()


@pytest.mark.parametrize("name", ["images-000000.npy", "labels-000000.npy"])
def test_a_shard_that_claims_a_terabyte_is_refused_before_memory(tmp_path: Path, name: str) -> None:
    create(tmp_path)
    edit_manifest(tmp_path, lambda content: content["shards"][0].update(count=10**10))
    for file in ("images-000000.npy", "labels-000000.npy"):
        (tmp_path / file).write_bytes(claiming((tmp_path / file).read_bytes(), b"10000000000"))
    pool = SyntheticPool.open(tmp_path)
    assert len(pool) == 10**10 + 2
    with pytest.raises(CheckpointError, match="its header says"):
        pool.labels if name.startswith("labels") else pool._images(0)


def test_negative_labels_are_refused(tmp_path: Path) -> None:
    create(tmp_path)
    np.save(tmp_path / "labels-000000.npy", np.array([0, 1, -2, 3]))
    with pytest.raises(CheckpointError, match="holds the label -2"):
        SyntheticPool.open(tmp_path)[0]


# The system -----------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
@pytest.mark.parametrize("kind", ["FIFO", "folder", "device", "socket"])
@pytest.mark.parametrize("name", ["manifest.json", "images-000000.npy", "labels-000000.npy"])
def test_what_is_no_file_is_neither_waited_for_nor_read(tmp_path: Path, name: str, kind: str, monkeypatch) -> None:
    create(tmp_path)
    monkeypatch.chdir(tmp_path)  # the address of a socket is short
    Path(name).unlink()
    match kind:
        case "FIFO":
            os.mkfifo(name)
        case "folder":
            Path(name).mkdir()
        case "device":
            Path(name).symlink_to("/dev/zero")
        case "socket":
            socket.socket(socket.AF_UNIX).bind(name)
    with pytest.raises(CheckpointError, match=name):
        SyntheticPool.open(tmp_path)[0]
    with pytest.raises(CheckpointError, match=name):
        SyntheticPool.open(tmp_path).verify()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts in /proc")
@pytest.mark.parametrize("read_up_to", [0, 2**14])
def test_a_pool_keeps_no_file_open(tmp_path: Path, monkeypatch, read_up_to: int) -> None:
    import resource

    monkeypatch.setattr(shards, "_READ_UP_TO", read_up_to)
    pool = create(tmp_path, 60, shard_size=1)
    opened = len(os.listdir("/proc/self/fd"))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (opened + 20, hard))
    try:
        items = [pool[index] for index in range(60)]
        assert len(pool.labels) == 60
        pool.verify()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(os.listdir("/proc/self/fd")) == opened
    assert torch.equal(torch.stack([image for image, _ in items]), pool.take(range(60)).images)


@pytest.mark.parametrize("read_up_to", [0, 2**14])
def test_a_pool_of_more_shards_than_it_maps_at_once(tmp_path: Path, monkeypatch, read_up_to: int) -> None:
    monkeypatch.setattr(shards, "_READ_UP_TO", read_up_to)
    monkeypatch.setattr("augsynth.data.pools.pool._MAPPED_SHARDS", 3)
    pool = create(tmp_path, 20, shard_size=2)
    expected = toy_generator().sample(20).images
    kept = [pool[index][0] for index in [*range(20), *reversed(range(20))]]
    assert torch.equal(torch.stack(kept), torch.cat([expected, expected.flip(0)]))
    maps = Path("/proc/self/maps")
    if maps.exists():
        assert (str(tmp_path) in maps.read_text()) == (read_up_to == 0)
    kept[0].zero_()
    assert torch.equal(SyntheticPool.open(tmp_path)[0][0], expected[0])


def test_a_relative_path_means_what_it_meant(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    created = create(Path("pool"))
    opened = SyntheticPool.open("pool")
    data = pickle.dumps(opened)
    monkeypatch.chdir("/")
    for pool in (created, opened, pickle.loads(data)):
        assert torch.equal(pool[5][0], toy_generator().sample(6).images[5])
        pool.verify()
    created.append(toy_generator(), 2, progress=False)
    assert len(SyntheticPool.open(tmp_path / "pool")) == 8


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="needs a folder that cannot be written to")
def test_a_finished_pool_in_a_folder_that_is_read_only(tmp_path: Path) -> None:
    create(tmp_path)
    tmp_path.chmod(0o500)
    try:
        create(tmp_path).verify()
        with pytest.raises(CheckpointError, match="cannot be written"):
            create(tmp_path / "other")
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="file names there are Unicode")
def test_a_path_that_is_not_utf_8(tmp_path: Path) -> None:
    pool = create(tmp_path / os.fsdecode(b"caf\xe9"))
    pool.append(toy_generator(), 2, progress=False)
    assert len([*pool]) == 8
    pool.verify()


def test_hidden_files_are_no_strangers(tmp_path: Path) -> None:
    (tmp_path / ".DS_Store").touch()
    assert len(create(tmp_path)) == 6
