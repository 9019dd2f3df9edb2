"""Writing a pool shard by shard, so that a killed writer loses at most the one it was at."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import torch

from augsynth.data.pools.manifest import FILE, Labels, Manifest, Part, Shard, describe_generator, describe_labels
from augsynth.errors import ArgumentError, CheckpointError
from augsynth.generators import Generator
from augsynth.progress import progress_bar


@dataclass(frozen=True, eq=False)
class Order:
    """What a pool is asked to hold: `n` samples of a generator, with these labels and this seed."""

    generator: Generator
    n: int
    labels: Labels
    seed: int

    def __post_init__(self) -> None:
        if self.n < 1:
            raise ArgumentError(f"n must be at least 1 sample, got {self.n}")
        if self.labels is not None and not isinstance(self.labels, int) and len(self.labels) != self.n:
            raise ArgumentError(f"labels must be one class or {self.n} of them, got {len(self.labels)}")

    @property
    def labelled(self) -> bool:
        return self.generator.num_classes is not None

    def part(self, first: int, start: int) -> Part:
        labels = describe_labels(self.labels, self.labelled)
        return Part(describe_generator(self.generator), int(self.seed), labels, first, start)

    def labels_of(self, done: int, count: int) -> Labels:
        """The labels of `count` samples after the first `done`."""
        if self.labels is None or isinstance(self.labels, int):
            return self.labels
        return torch.as_tensor(self.labels[done : done + count], device="cpu")


def create(folder: Path, order: Order, shard_size: int, resume: bool, progress: bool) -> Manifest:
    """Make a pool, or finish one that was asked for in the same way."""
    if shard_size < 1:
        raise ArgumentError(f"shard_size must be at least 1, got {shard_size}")
    part = order.part(first=0, start=0)
    folder.mkdir(parents=True, exist_ok=True)
    with _only_writer(folder):
        if (folder / FILE).exists():
            manifest = _resumed(folder, part, order.n, shard_size, resume)
        else:
            manifest = _fresh(folder, order, part, shard_size)
        return _fill(folder, manifest, order, done=len(manifest), start=0, progress=progress)


def append(folder: Path, order: Order, progress: bool) -> Manifest:
    """Add samples that go on from those which the pool has of the same generator and seed."""
    with _only_writer(folder):
        manifest = Manifest.read(folder)
        if order.generator.image_shape != manifest.image_shape or order.labelled != manifest.labelled:
            raise ArgumentError(
                f"the pool holds {_kind(manifest.image_shape, manifest.labelled)}; "
                f"generator {order.generator.name!r} gives {_kind(order.generator.image_shape, order.labelled)}"
            )
        part = order.part(first=len(manifest), start=0)
        part = replace(part, start=_next_sample(manifest, part))
        extended = replace(manifest, parts=(*manifest.parts, part))
        return _fill(folder, extended, order, done=0, start=part.start, progress=progress)


def _fresh(folder: Path, order: Order, part: Part, shard_size: int) -> Manifest:
    strangers = [path.name for path in folder.iterdir() if not path.name.endswith(".partial")]
    if strangers:
        raise CheckpointError(
            f"{folder} is not empty and holds no pool (it has {strangers[0]!r}); give a new or empty folder"
        )
    manifest = Manifest(order.generator.image_shape, order.labelled, order.n, shard_size, (part,), ())
    manifest.write(folder)
    return manifest


def _resumed(folder: Path, part: Part, n: int, shard_size: int, resume: bool) -> Manifest:
    if not resume:
        raise CheckpointError(f"{folder} already holds a pool, and resume is False; give another folder")
    manifest = Manifest.read(folder)
    found = manifest.parts[0]
    compared = {
        "generator": (found.generator, part.generator),
        "seed": (found.seed, part.seed),
        "labels": (found.labels, part.labels),
        "n": (manifest.wanted, n),
        "shard_size": (manifest.shard_size, shard_size),
    }
    differing = [f"{name} is {a!r}, wanted {b!r}" for name, (a, b) in compared.items() if a != b]
    if differing:
        raise CheckpointError(
            f"{folder} already holds another pool: {'; '.join(differing)}. Give another folder, or open and append"
        )
    return manifest


def _fill(folder: Path, manifest: Manifest, order: Order, *, done: int, start: int, progress: bool) -> Manifest:
    with progress_bar("filling the pool", order.n, progress and done < order.n) as advance:
        advance(min(done, order.n))
        while done < order.n:
            count = min(manifest.shard_size, order.n - done)
            shard = _write_shard(folder, len(manifest.shards), order, done, count, start)
            manifest = replace(manifest, shards=(*manifest.shards, shard))
            manifest.write(folder)
            done += count
            advance(count)
    return manifest


def _write_shard(folder: Path, number: int, order: Order, done: int, count: int, start: int) -> Shard:
    labels = order.labels_of(done, count)
    samples = order.generator.sample(count, labels=labels, seed=order.seed, start=start + done)
    images_sha256 = _write_array(folder / images_file(number), samples.images.numpy())
    labels_sha256 = None
    if samples.labels is not None:
        labels_sha256 = _write_array(folder / labels_file(number), samples.labels.numpy())
    return Shard(count, images_sha256, labels_sha256)


def images_file(number: int) -> str:
    return f"images-{number:06d}.npy"


def labels_file(number: int) -> str:
    return f"labels-{number:06d}.npy"


class _HashingFile:
    """A file that computes the SHA-256 of what is written to it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.sha256 = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.sha256.update(data)
        return self._stream.write(data)


def _write_array(file: Path, array: npt.NDArray[np.generic]) -> str:
    """Write an .npy file so that it is there whole or not at all; returns its SHA-256."""
    temporary = file.with_name(f".{file.name}.partial")
    with open(temporary, "wb") as stream:
        hashing = _HashingFile(stream)
        np.save(hashing, np.ascontiguousarray(array), allow_pickle=False)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(temporary, file)
    return hashing.sha256.hexdigest()


def _next_sample(manifest: Manifest, part: Part) -> int:
    """The number after the last sample that the pool has of the part's generator and seed."""
    ends = [*(other.first for other in manifest.parts[1:]), len(manifest)]
    used = [
        other.start + end - other.first
        for other, end in zip(manifest.parts, ends, strict=True)
        if other.same_stream(part)
    ]
    return max(used, default=0)


def _kind(shape: tuple[int, int, int], labelled: bool) -> str:
    return f"{'labelled' if labelled else 'unlabelled'} images of shape {shape}"


@contextmanager
def _only_writer(folder: Path) -> Iterator[None]:
    """Let the processes of one job that all create the same pool wait for the first, and find it finished."""
    try:
        import fcntl
    except ImportError:  # Windows: the caller sees to it
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
