"""Writing a pool shard by shard, so that a killed writer loses at most its current shard."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import torch

from augsynth.core.arrays import to_numpy, unwrapped
from augsynth.core.checks import check_integer, check_seed
from augsynth.core.files import is_data
from augsynth.data.pools.manifest import FILE, Classes, Manifest, Part, Shard, describe_generator, describe_labels
from augsynth.data.pools.shards import images_file, labels_file, write_array
from augsynth.errors import ArgumentError, ArgumentTypeError, CheckpointError, shown
from augsynth.generators import Generator, Samples
from augsynth.generators.labels import check_labels
from augsynth.progress import progress_bar

Labels = int | Sequence[int] | torch.Tensor | None


@dataclass(frozen=True, eq=False)
class PoolRequest:
    """Request for the samples of a pool: `n` samples of a generator, with these classes and this seed."""

    generator: Generator
    n: int
    classes: Classes
    seed: int

    @classmethod
    def of(cls, generator: Generator, n: int, labels: Labels, seed: int) -> PoolRequest:
        """Check the arguments of a user, before anything is written."""
        if not isinstance(generator, Generator):
            raise ArgumentTypeError(
                f"generator must be a fitted Generator, got {shown(generator)}; create_generator(name) makes one"
            )
        n = check_integer("n", n, 1)
        return cls(generator, n, _classes(generator, labels, n), check_seed(seed))

    @property
    def labelled(self) -> bool:
        """True if samples have labels."""
        return self.generator.num_classes is not None

    def part(self, first: int, start: int) -> Part:
        """Return the provenance of items from number `first` on, which start with sample number `start`."""
        labels = describe_labels(self.classes, self.labelled)
        return Part(describe_generator(self.generator), self.seed, labels, first, start)

    def samples(self, done: int, count: int, start: int) -> Samples:
        """Return `count` samples after the first `done` ones, of the samples from number `start` on."""
        labels = self.classes[done : done + count] if isinstance(self.classes, torch.Tensor) else self.classes
        return self.generator.sample(count, labels=labels, seed=self.seed, start=start + done)


def _classes(generator: Generator, labels: Any, n: int) -> Classes:
    given = unwrapped(labels)
    if given is None:
        return None
    if isinstance(given, Iterable) and not isinstance(given, (str, np.ndarray, torch.Tensor)):
        given = list(given)
    values = np.asarray(given) if isinstance(given, int) else to_numpy(given, "labels")
    if values.dtype.kind not in "iu":
        raise ArgumentTypeError(f"labels must be integers, got {values.dtype}: {shown(labels)}")
    count = 1 if isinstance(given, int) else n
    classes = check_labels(generator.name, torch.from_numpy(values.astype(np.int64)), count, 0, generator.num_classes)
    return given if isinstance(given, int) else classes


def create(folder: Path, request: PoolRequest, shard_size: int, resume: bool, progress: bool) -> Manifest:
    """Create a pool, or finish the pool of an equal request; see `SyntheticPool.create`."""
    part = request.part(first=0, start=0)
    with _only_writer(folder):
        if (folder / FILE).exists():
            manifest = _named(folder, _resumed(folder, part, request.n, shard_size, resume), request.generator)
        else:
            _require_empty(folder)
            kind = request.generator.image_kind
            manifest = Manifest(
                kind.image_shape, request.labelled, request.n, shard_size, (part,), (), class_names=kind.class_names
            )
        return _fill(folder, manifest, request, done=len(manifest), start=0, progress=progress)


def append(folder: Path, request: PoolRequest, progress: bool) -> Manifest:
    """Add samples that continue after those of the same generator and seed; see `SyntheticPool.append`."""
    with _only_writer(folder):
        manifest = Manifest.read(folder)
        manifest.require_finished(folder)
        if request.generator.image_shape != manifest.image_shape or request.labelled != manifest.labelled:
            raise ArgumentError(
                f"the pool holds {_kind(manifest.image_shape, manifest.labelled)}; "
                f"generator {request.generator.name!r} gives {_kind(request.generator.image_shape, request.labelled)}"
            )
        _require_same_names(manifest.class_names, request.generator)
        part = request.part(first=len(manifest), start=0)
        part = replace(part, start=_next_sample(manifest, part))
        extended = replace(manifest, parts=(*manifest.parts, part))
        return _fill(folder, extended, request, done=0, start=part.start, progress=progress)


def _named(folder: Path, manifest: Manifest, generator: Generator) -> Manifest:
    """Add the class names of the generator to a pool that has none, because an older version wrote it."""
    _require_same_names(manifest.class_names, generator)
    if manifest.class_names is not None or generator.class_names is None:
        return manifest
    named = replace(manifest, class_names=generator.class_names)
    named.write(folder)
    return named


def _require_same_names(names: tuple[str, ...] | None, generator: Generator) -> None:
    """Raise `ArgumentError` if a label would have two meanings."""
    if None not in (names, generator.class_names) and names != generator.class_names:
        raise ArgumentError(
            f"the classes of the pool are {shown(names)}, those of generator {generator.name!r} are "
            f"{shown(generator.class_names)}: a label would mean two things; make another pool"
        )


def _require_empty(folder: Path) -> None:
    strangers = [path.name for path in folder.iterdir() if is_data(path.name)]
    if strangers:
        raise CheckpointError(
            f"{folder} is not empty and holds no pool (it has {strangers[0]!r}); give a new or empty folder"
        )


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


def _fill(folder: Path, manifest: Manifest, request: PoolRequest, *, done: int, start: int, progress: bool) -> Manifest:
    _check_room(folder, (request.n - done) * prod(manifest.image_shape))
    with progress_bar("filling the pool", request.n, progress and done < request.n) as advance:
        advance(min(done, request.n))
        while done < request.n:
            count = min(manifest.shard_size, request.n - done)
            samples = request.samples(done, count, start)
            if not manifest.shards:  # only after the generator has drawn samples without an error
                manifest.write(folder)
            shard = _write_shard(folder, len(manifest.shards), samples)
            manifest = replace(manifest, shards=(*manifest.shards, shard))
            manifest.write(folder)
            done += count
            advance(count)
    return manifest


def _check_room(folder: Path, needed: int) -> None:
    disk = shutil.disk_usage(folder)
    if disk.total and needed > disk.free:  # some file systems give no numbers
        raise ArgumentError(
            f"the images need {needed / 1e9:.3g} GB, and the disk of {folder} has {disk.free / 1e9:.3g} GB left: "
            "ask for fewer, or give a folder on another disk"
        )


def _write_shard(folder: Path, number: int, samples: Samples) -> Shard:
    images_sha256 = write_array(folder / images_file(number), samples.images.numpy())
    labels_sha256 = None
    if samples.labels is not None:
        labels_sha256 = write_array(folder / labels_file(number), samples.labels.numpy())
    return Shard(len(samples), images_sha256, labels_sha256)


def _next_sample(manifest: Manifest, part: Part) -> int:
    """Return the number after the last sample of the pool with the generator and seed of a part."""
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
    """Lock a folder, so that several processes of a job that create the same pool wait for the first.

    The folder and its parents are created if they do not exist, and removed again if nothing was written.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        handle = _lock(folder)
        try:
            yield
        except BaseException:
            with suppress(OSError):  # of a folder that is not empty
                for path in made:
                    path.rmdir()
            raise
        finally:
            if handle is not None:
                os.close(handle)
    except OSError as cause:
        raise CheckpointError(f"the pool {folder} cannot be written: {cause}") from cause


def _lock(folder: Path) -> int | None:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        import fcntl
    except ImportError:  # on Windows, the caller must do this
        return None
    handle = os.open(folder, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    if folder.exists() and os.path.samestat(os.fstat(handle), os.stat(folder)):
        return handle
    os.close(handle)  # the process that had the lock wrote nothing, and removed the folder
    return _lock(folder)
