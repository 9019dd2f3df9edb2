"""Writing a pool shard by shard: any number of processes share the work, and a killed one loses at most its shard."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path

from augsynth.core.files import is_data
from augsynth.data.pools.cluster import Engine
from augsynth.data.pools.entries import Part, Shard
from augsynth.data.pools.locks import FolderLock
from augsynth.data.pools.manifest import FILE, Manifest
from augsynth.data.pools.records import claimed, read_record, record_files, remove_records
from augsynth.data.pools.request import Request
from augsynth.data.pools.shards import images_file, labels_file, write_array
from augsynth.data.pools.targets import fields_of, require_fields, write_targets
from augsynth.errors import ArgumentError, CheckpointError, shown
from augsynth.generators import Samples
from augsynth.progress import Advance, progress_bar

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True)
class Shards:
    """Shards of a request: numbers from `first` on, of `size` samples each; the last one may have fewer.

    Args:
        request: the request.
        first: number of the first shard in the pool.
        size: number of samples in a shard.
        start: number of the first sample.
    """

    request: Request
    first: int
    size: int
    start: int = 0

    @property
    def numbers(self) -> range:
        """Numbers of the shards in the pool."""
        return range(self.first, self.first - (-self.request.n // self.size))

    def count(self, number: int) -> int:
        """Return the number of samples in a shard."""
        return min(self.size, self.request.n - (number - self.first) * self.size)

    def samples(self, number: int) -> Samples:
        """Return the samples of a shard."""
        return self.request.samples((number - self.first) * self.size, self.count(number), self.start)


def create(
    folder: Path,
    request: Request,
    shard_size: int,
    resume: bool,
    progress: bool,
    engine: Engine | None = None,
    start: int = 0,
) -> None:
    """Create a pool, or finish the pool of an equal request; see `SyntheticPool.create`."""
    part = request.part(first=0, start=start)
    shards = Shards(request, 0, shard_size, start)
    if (folder / FILE).exists() and not record_files(folder):
        manifest = _resumed(folder, part, request, shard_size, resume)
        if len(manifest) >= manifest.wanted and manifest.class_names == request.class_names:
            return  # without a lock: the folder may be read-only
    with _writing(folder) as lock:
        lock.share()
        if not (folder / FILE).exists():
            lock.take()
            if not (folder / FILE).exists():
                _begin(folder, shards, part)
            lock.share()
        _resumed(folder, part, request, shard_size, resume)
        with progress_bar("filling the pool", request.n, progress) as advance:
            _fill(folder, shards, advance, engine)
        lock.take()
        _finish(folder, request)


def append(folder: Path, request: Request, progress: bool) -> None:
    """Add samples that continue after those of the same generator and seed; see `SyntheticPool.append`."""
    with _writing(folder) as lock:
        lock.take()
        manifest = _settled(folder)
        manifest.require_finished(folder)
        if request.image_shape != manifest.image_shape or request.labelled != manifest.labelled:
            raise ArgumentError(
                f"the pool holds {_kind(manifest.image_shape, manifest.labelled)}; "
                f"{request.source} gives {_kind(request.image_shape, request.labelled)}"
            )
        _require_same_names(manifest.class_names, request)
        part = request.part(first=len(manifest), start=0)
        part = replace(part, start=_next_sample(manifest, part))
        if not manifest.parts[-1].continued_by(part):
            manifest = replace(manifest, parts=(*manifest.parts, part))
        shards = Shards(request, len(manifest.shards), manifest.shard_size, part.start)
        _check_room(folder, request)
        with progress_bar("filling the pool", request.n, progress) as advance:
            first = shards.samples(shards.first)
            require_fields(manifest.targets, first.targets)
            manifest.write(folder)  # only after samples were drawn without an error
            _fill(folder, shards, advance, None, first)
        _settled(folder)


def change(folder: Path, edit: Callable[[Manifest], Manifest]) -> Manifest:
    """Replace the manifest of a pool by an edited one, while no other process writes; return it.

    Args:
        folder: folder of the pool.
        edit: function from the manifest, with all finished shards, to another one.
    """
    with _writing(folder) as lock:
        lock.take()
        edited = edit(_settled(folder))
        edited.write(folder)
        return edited


def _begin(folder: Path, shards: Shards, part: Part) -> None:
    """Write the first shard and the manifest, after samples were drawn without an error."""
    strangers = [path.name for path in folder.iterdir() if is_data(path.name)]
    if strangers:
        raise CheckpointError(
            f"{folder} is not empty and holds no pool (it has {strangers[0]!r}); give a new or empty folder"
        )
    request = shards.request
    _check_room(folder, request)
    first = shards.samples(0)
    remove_records(folder)
    Manifest(
        request.image_shape,
        request.labelled,
        request.n,
        shards.size,
        (part,),
        (),
        class_names=request.class_names,
        targets=fields_of(first.targets),
    ).write(folder)
    with claimed(folder, 0, wait=True) as claim:
        if claim is not None:
            claim.write(write_shard(folder, 0, first))


def _fill(
    folder: Path, shards: Shards, advance: Advance, engine: Engine | None = None, first: Samples | None = None
) -> None:
    """Make the shards that are missing, those that others make now at the end: they may be killed meanwhile.

    `first` has the samples of the first shard, if they were drawn already.
    """
    manifest = Manifest.read(folder)

    def samples(number: int) -> Samples:
        drawn = first if first is not None and number == shards.first else shards.samples(number)
        require_fields(manifest.targets, drawn.targets)
        return drawn

    pending = [number for number in shards.numbers if number >= len(manifest.shards)]
    advance(shards.request.n - sum(map(shards.count, pending)))
    if engine is not None:
        unmade = [number for number in pending if read_record(folder, number) is None]
        for number, drawn in engine.draw(shards.samples, unmade):
            require_fields(manifest.targets, drawn.targets)
            _made(folder, number, lambda _, drawn=drawn: drawn, wait=True)  # type: ignore[misc]
    for wait in (False, True):
        numbers, pending = pending, []
        for number in numbers:
            if _made(folder, number, samples, wait=wait):
                advance(shards.count(number))
            else:
                pending.append(number)


def write_shard(folder: Path, number: int, samples: Samples) -> Shard:
    """Write the files of a shard; after the call, they are on the disk."""
    images_sha256 = write_array(folder / images_file(number), samples.images.numpy())
    labels_sha256 = targets_sha256 = None
    if samples.labels is not None:
        labels_sha256 = write_array(folder / labels_file(number), samples.labels.numpy())
    if samples.targets is not None:
        targets_sha256 = write_targets(folder, number, samples.targets)
    return Shard(len(samples), images_sha256, labels_sha256, targets_sha256)


def _made(folder: Path, number: int, samples: Callable[[int], Samples], *, wait: bool) -> bool:
    """Make a shard unless it is finished; return False if another process makes it now."""
    with claimed(folder, number, wait=wait) as claim:
        if claim is None:
            return False
        if claim.read() is None:
            claim.write(write_shard(folder, number, samples(number)))
        return True


def _finish(folder: Path, request: Request) -> None:
    """List all shards in the manifest, and the class names if an older version did not write them."""
    manifest = _settled(folder)
    _require_same_names(manifest.class_names, request)
    if manifest.class_names is None and request.class_names is not None:
        replace(manifest, class_names=request.class_names).write(folder)
    manifest.require_finished(folder)


def _settled(folder: Path) -> Manifest:
    """Return the manifest, with all finished shards listed in the file, and no records beside it."""
    manifest = Manifest.read(folder)
    # A part without samples is of an append that was killed before its first shard.
    begun = tuple(part for part in manifest.parts if part.first == 0 or part.first < len(manifest))
    if not record_files(folder) and begun == manifest.parts:
        return manifest
    manifest = replace(manifest, parts=begun)
    manifest.write(folder)
    remove_records(folder)
    return manifest


def _resumed(folder: Path, part: Part, request: Request, shard_size: int, resume: bool) -> Manifest:
    if not resume:
        raise CheckpointError(f"{folder} already holds a pool, and resume is False; give another folder")
    manifest = Manifest.read(folder)
    found = manifest.parts[0]
    compared = {
        "generator": (found.generator, part.generator),
        "seed": (found.seed, part.seed),
        "labels": (found.labels, part.labels),
        "guidance": (found.guidance, part.guidance),
        "start": (found.start, part.start),
        "n": (manifest.wanted, request.n),
        "shard_size": (manifest.shard_size, shard_size),
    }
    differing = [f"{name} is {a!r}, wanted {b!r}" for name, (a, b) in compared.items() if a != b]
    if differing:
        raise CheckpointError(
            f"{folder} already holds another pool: {'; '.join(differing)}. Give another folder, or open and append"
        )
    _require_same_names(manifest.class_names, request)
    return manifest


def _require_same_names(names: tuple[str, ...] | None, request: Request) -> None:
    """Raise `ArgumentError` if a label would have two meanings."""
    if None not in (names, request.class_names) and names != request.class_names:
        raise ArgumentError(
            f"the classes of the pool are {shown(names)}, those of {request.source} are "
            f"{shown(request.class_names)}: a label would mean two things; make another pool"
        )


def _check_room(folder: Path, request: Request) -> None:
    needed, disk = request.n * prod(request.image_shape), shutil.disk_usage(folder)
    if disk.total and needed > disk.free:  # some file systems give no numbers
        raise ArgumentError(
            f"the images need {needed / 1e9:.3g} GB, and the disk of {folder} has {disk.free / 1e9:.3g} GB left: "
            "ask for fewer, or give a folder on another disk"
        )


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
def _writing(folder: Path) -> Iterator[FolderLock]:
    """Yield the lock of a folder.

    The folder and its parents are created if they do not exist, and removed again if nothing was written.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    lock = FolderLock(folder)
    try:
        try:
            yield lock
        except BaseException:
            lock.release(made)
            raise
        lock.release()
    except OSError as cause:
        full = "; what is finished is kept, and the same call continues" if cause.errno in _FULL else ""
        raise CheckpointError(f"the pool {folder} cannot be written: {cause}{full}") from cause
