"""Data sets and pools from elsewhere: manifests, shards, archives and pictures with something wrong in them."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from fuzz_files import SHAPES, damaged
from fuzz_junk import Rng, any_array, json_junk, mutated, mutated_array, pick
from fuzz_trials import RAN, same_twice
from PIL import Image

from augsynth.data import SyntheticPool
from augsynth.data.loading.datasets import load_dataset
from augsynth.data.loading.encoded import EncodedImage
from augsynth.data.pools.manifest import Manifest, Part, Shard
from augsynth.data.pools.shards import images_file, labels_file, write_array

_COUNTS = (3, 2)
_FORMATS = ("png", "gif", "bmp", "tiff", "webp", "ppm", "jpeg")


def pools(rng: Rng) -> str:
    """A pool with faults in its manifest, or with other bytes in one of its files."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = dict(_pool_files())
        if rng.random() < 0.5:
            content = json.loads(files["manifest.json"])
            for _ in range(rng.integers(0, 4)):
                content = mutated(rng, content, json_junk)
            files["manifest.json"] = _as_json(content)
        else:
            file = pick(rng, list(files))
            files[file] = damaged(rng, files[file]) if rng.random() < 0.7 else _other_array(rng, files[file])
        for file, data in files.items():
            (folder / file).write_bytes(data)
        _read(SyntheticPool.open(folder))
    return RAN


def _as_json(content: Any) -> bytes:
    try:
        return json.dumps(content).encode()
    except RecursionError:  # Python reads what it cannot write
        return b'{"format": "augsynth-pool", "version": ' + b"[" * 5000


def _read(pool: SyntheticPool) -> None:
    for index in (0, len(pool) // 2, len(pool) - 1):
        assert pool[index][0].shape == pool.image_shape
    assert len(pool.labels) == len(pool)
    assert len(pool.take([0, len(pool) - 1])) == 2
    pool.verify()


@cache
def _pool_files() -> dict[str, bytes]:
    """A small pool, as a writer leaves it."""
    with tempfile.TemporaryDirectory() as name:
        folder, rng = Path(name), np.random.default_rng(0)
        shards = []
        for number, count in enumerate(_COUNTS):
            images = write_array(folder / images_file(number), rng.integers(0, 256, (count, 1, 3, 4), np.uint8))
            labels = write_array(folder / labels_file(number), rng.integers(0, 3, count))
            shards.append(Shard(count, images, labels))
        generator = {"name": "toy", "distribution": None, "version": None, "config": {"width": 4}, "sha256": "0" * 64}
        parts = (Part(generator, 7, "in turn", 0, 0), Part(generator, 7, "in turn", 3, 3))
        Manifest((1, 3, 4), True, sum(_COUNTS), _COUNTS[0], parts, tuple(shards)).write(folder)
        return {file.name: file.read_bytes() for file in folder.iterdir()}


def _other_array(rng: Rng, data: bytes) -> bytes:
    """Another array in the place of one, or the same under another header; an archive; nothing."""
    file, roll = io.BytesIO(), rng.random()
    if roll < 0.5 and data.startswith(b"\x93NUMPY"):
        np.save(file, np.asarray(mutated_array(rng, np.load(io.BytesIO(data)))))
    elif roll < 0.6:
        np.save(file, any_array(rng))
    elif roll < 0.8:
        return data.replace(b"'shape': (", b"'shape': (" + pick(rng, SHAPES))
    elif roll < 0.9:
        np.savez(file, images=any_array(rng))
    return file.getvalue()


def archives(rng: Rng) -> str:
    """An `.npz` of images and labels with other arrays, names or headers, or with other bytes."""
    count = int(rng.integers(1, 6))
    members = {"images": rng.integers(0, 256, (count, 4, 4), np.uint8), "labels": rng.integers(0, 3, count)}
    file, packing = io.BytesIO(), pick(rng, (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    with zipfile.ZipFile(file, "w", packing) as archive:
        for name, array in members.items():
            one = io.BytesIO()
            np.save(one, array)
            data = one.getvalue() if rng.random() < 0.8 else _other_array(rng, one.getvalue())
            name = name if rng.random() < 0.95 else pick(rng, (name[:-1], f"{name}.npy", f"../{name}", name.upper()))
            archive.writestr(f"{name}.npy", data)
    data = file.getvalue()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.npz"
        path.write_bytes(damaged(rng, data) if rng.random() < 0.3 else data)
        loaded = load_dataset(path, max_per_class=pick(rng, (None, 1)), image_size=pick(rng, (None, 3)))
    assert len(loaded.images) == len(loaded.labels)
    assert loaded.labels.max() < loaded.num_classes
    return RAN


def pictures(rng: Rng) -> str:
    """A picture in any format, cut off or with some bytes changed."""
    data = _picture(int(rng.integers(200)))
    if rng.random() < 0.9:
        data = damaged(rng, data)

    def decode() -> Any:
        return EncodedImage(data, mode=mode).decode()

    mode = pick(rng, ("RGB", "L"))
    same_twice(decode)
    return RAN


@cache
def _picture(number: int) -> bytes:
    """A small picture, of any mode and format that go together."""
    rng = np.random.default_rng(number)
    noise = Image.fromarray(rng.integers(0, 256, (*rng.integers(1, 20, 2).tolist(), 3), np.uint8))
    file = io.BytesIO()
    try:
        mode = pick(rng, ("RGB", "L", "1", "P", "LA", "RGBA", "CMYK", "I;16", "F", "LAB"))
        noise.convert("L" if mode == "I;16" else mode).convert(mode).save(file, pick(rng, _FORMATS))
    except (OSError, ValueError, KeyError):  # this format has no such mode
        noise.save(file := io.BytesIO(), "png")
    return file.getvalue()
