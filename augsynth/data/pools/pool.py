"""`SyntheticPool`: generated images on disk, memory-mapped, with their provenance and checksums."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Dataset

from augsynth.core.checks import check_integer
from augsynth.core.positions import as_positions
from augsynth.data.pools import mapping, writer
from augsynth.data.pools.cluster import Engine
from augsynth.data.pools.entries import Part
from augsynth.data.pools.exportable import Exportable
from augsynth.data.pools.exporting.items import ExportablePool
from augsynth.data.pools.gating import GatedPool
from augsynth.data.pools.importing import ImportRequest, Size
from augsynth.data.pools.manifest import Manifest
from augsynth.data.pools.reading.sources import SourceFormat, open_reader
from augsynth.data.pools.request import Labels, PoolRequest
from augsynth.data.pools.shards import images_file, is_intact, labels_file, map_array, read_labels
from augsynth.data.pools.targets import Field, ShardTargets, target_file
from augsynth.errors import CheckpointError
from augsynth.generators import Generator, Samples
from augsynth.generators.samples import item_of

SHARD_SIZE = 1024
# Linux allows a process 65,530 memory maps.
_MAPPED_SHARDS = 4096


class SyntheticPool(GatedPool, Exportable, Dataset[Any]):
    """Pool of generated images in a folder, as a map-style dataset of `(image uint8 (C, H, W), label)`.

    A pool without labels gives bare images. A pool with targets gives dicts with "image", "label" if there are labels,
    and the fields of the target ("boxes", "labels", "masks", "keypoints"), as transforms and mixes take them.

    Shards are `.npy` files. Each process memory-maps a shard when it first uses it, and keeps no file open. A pool is
    pickled as its path. A change of an image stays in memory.

    Args:
        path: folder of a finished pool. A relative path is made absolute at once.

    >>> pool = SyntheticPool.create("pool", generator, 10_000, seed=1)  # doctest: +SKIP
    >>> pool[0][0].shape, pool.labels.shape  # doctest: +SKIP
    (torch.Size([1, 28, 28]), (10000,))
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).absolute()
        self._load()

    def _load(self) -> None:
        self.manifest = Manifest.read(self.path)
        self._ends = np.cumsum([shard.count for shard in self.manifest.shards], dtype=np.int64)
        self._starts = np.concatenate(([0], self._ends))
        self.manifest.require_finished(self.path)
        self._images = lru_cache(_MAPPED_SHARDS)(partial(_map_shard, self.path, self.manifest))
        self._targets = lru_cache(_MAPPED_SHARDS)(partial(_read_targets, self.path, self.manifest))
        self._shard_labels = lru_cache(_MAPPED_SHARDS)(partial(_read_labels, self.path, self.manifest))
        self._labels: npt.NDArray[np.int64] | None = None
        self._range: mapping.ShardRange | None = None
        self._tried_range = False

    @classmethod
    def create(
        cls,
        path: str | os.PathLike[str],
        generator: Generator,
        n: int,
        *,
        labels: Labels = None,
        seed: int = 0,
        start: int = 0,
        shard_size: int = SHARD_SIZE,
        device: torch.device | str | None = None,
        guidance: float | None = None,
        engine: Engine | None = None,
        resume: bool = True,
        progress: bool = True,
    ) -> SyntheticPool:
        """Fill a folder with samples of a fitted generator, and open the pool.

        Item k is sample `start + k` of the generator for this seed, for every `shard_size`. A shard is written whole or
        not at all, so a killed writer loses at most `shard_size` samples. A second call with the same arguments
        continues, or opens the finished pool. Processes that call at the same time, under `torchrun` or on several
        machines with one file system, share the shards among them; the shard of one that is killed is made by another
        one. All return when the pool is finished. Raises `CheckpointError` if the folder has other content, or a pool
        and `resume` is False.

        Args:
            path: folder of the pool, new, empty, or with the same pool.
            generator: fitted generator.
            n: number of samples, at least 1.
            labels: one class, or one class for each sample; by default a conditional generator takes its classes in
                turn.
            seed: 64-bit integer, default 0.
            start: number of the generator's sample that becomes item 0, at least 0; default 0. Pools with other starts
                have other samples.
            shard_size: number of samples in a file, at least 1; default 1,024.
            device: a device or its name; None (default) leaves the generator where it is.
            guidance: strength of guidance, finite; None (default) for the default of the generator. It needs the
                capability "guide".
            engine: `RayEngine(…)` to draw the shards on a cluster; None (default) to draw them in this process.
            resume: continue an unfinished pool, and open a finished one. Default True.
            progress: show a progress bar. Default True.
        """
        request = PoolRequest.of(generator, n, labels, seed, guidance, device)
        shard_size = check_integer("shard_size", shard_size, 1)
        start = check_integer("start", start, 0)
        writer.create(Path(path).absolute(), request, shard_size, resume, progress, engine, start)
        return cls(path)

    @classmethod
    def temporary(
        cls, generator: Generator, n: int, *, labels: Labels = None, seed: int = 0, progress: bool = True
    ) -> SyntheticPool:
        """Create a pool in a temporary folder, which is removed when the pool is collected as garbage, or at exit.

        The arguments are those of `create`.
        """
        folder = tempfile.mkdtemp(prefix="augsynth-pool-")
        try:
            pool = cls.create(folder, generator, n, labels=labels, seed=seed, progress=progress)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        weakref.finalize(pool, _remove, folder, os.getpid())
        return pool

    @classmethod
    def import_images(
        cls,
        path: str | os.PathLike[str],
        source: Any,
        *,
        format: SourceFormat | None = None,
        images: str | os.PathLike[str] | None = None,
        size: Size = None,
        mode: str | None = None,
        class_names: Sequence[str] | None = None,
        shard_size: int = SHARD_SIZE,
        resume: bool = True,
        progress: bool = True,
    ) -> SyntheticPool:
        """Copy images that another program wrote into a pool, and open it.

        All images are looked at first, and then copied shard by shard; one shard is in memory. A killed import
        continues when it is called again, and several processes share it, as for `create`. Raises `DataError` for a
        source that cannot be read.

        Args:
            path: folder of the pool, new, empty, or with the same pool.
            source: a folder with one subfolder a class, or with images alone; a tar file, a folder of tar files or a
                list of them (WebDataset); a COCO file, or a folder with an `annotations.json`; an `.npy` file; an
                `.npz` file with `images` and perhaps `labels`; parquet files with a column `image`; an array uint8
                (N, H, W, C) or a tensor uint8 (N, C, H, W); or `(images, labels)`.
            format: "imagefolder", "webdataset", "coco", "arrays" or "huggingface"; None (default) to tell it from the
                source.
            images: folder of the images of a COCO file; None (default) for the folder of the file.
            size: height and width of all images, or one number for both. Images of another size are resized to cover
                it and cropped at the centre, with their boxes, masks and keypoints. Required if they differ in size;
                default None.
            mode: "L", "RGB" or "RGBA", to which image files are converted. None (default) for "L" if all are grey,
                else "RGB".
            class_names: names of the classes; None (default) for those of the source.
            shard_size: number of samples in a file, at least 1; default 1,024.
            resume: continue an unfinished pool, and open a finished one. Default True.
            progress: show progress bars. Default True.

        >>> import tempfile
        >>> images = np.zeros((10, 8, 8, 3), np.uint8)
        >>> folder = tempfile.mkdtemp()
        >>> len(SyntheticPool.import_images(folder, (images, np.arange(10)), progress=False))
        10
        """
        shard_size = check_integer("shard_size", shard_size, 1)
        reader = open_reader(source, format, images)
        name = Path(source).name if isinstance(source, (str, os.PathLike)) else reader.format
        request = ImportRequest(reader, name, size, mode, class_names, progress)
        writer.create(Path(path).absolute(), request, shard_size, resume, progress)
        return cls(path)

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> SyntheticPool:
        """Open a finished pool; raise `CheckpointError` if there is none, or an unfinished one.

        Args:
            path: folder of the pool.
        """
        return cls(path)

    def append(
        self,
        generator: Generator,
        n: int,
        *,
        labels: Labels = None,
        seed: int = 0,
        device: torch.device | str | None = None,
        guidance: float | None = None,
        progress: bool = True,
    ) -> None:
        """Add samples; they continue after the samples of the same generator and seed that the pool has.

        A killed append leaves the finished shards, as a valid pool; appending the rest gives the very pool that one
        call would have given. The generator must have the image shape of the pool, and labels if the pool has them. A
        mix that was made before uses only the earlier items.

        The arguments are those of `create`.
        """
        writer.append(self.path, PoolRequest.of(generator, n, labels, seed, guidance, device), progress)
        self._load()

    def verify(self) -> None:
        """Read every file and compare its SHA-256; raise `CheckpointError` with the names of damaged shards."""
        damaged = [name for name, sha256 in self._checksums() if not is_intact(self.path / name, sha256)]
        if damaged:
            raise CheckpointError(
                f"the pool {self.path} is damaged: {', '.join(damaged)}; create it again in a new folder"
            )

    def _exported(self) -> ExportablePool:
        return self.active

    @property
    def target_fields(self) -> tuple[Field, ...]:
        """Fields of the targets; none if the pool has images alone."""
        return self.manifest.targets

    @property
    def parts(self) -> tuple[Part, ...]:
        """Provenance of the items."""
        return self.manifest.parts

    @property
    def labels(self) -> npt.NDArray[np.int64] | None:
        """Label of every item, int64 (n,), or None."""
        if self._labels is None and self.manifest.labelled:
            shards = range(len(self.manifest.shards))
            self._labels = np.concatenate([_read_labels(self.path, self.manifest, number) for number in shards])
        return self._labels

    def largest_label(self) -> int:
        """Return the largest label of images and of objects; −1 if there is none."""
        largest = -1 if self.labels is None else int(self.labels.max())
        if any(field.name == "labels" for field in self.target_fields):
            shards = range(len(self.manifest.shards))
            largest = max([largest, *(self._targets(number).largest_label() for number in shards)])
        return largest

    def take(self, indices: Sequence[int] | npt.NDArray[np.integer[Any]]) -> Samples:
        """Return some of the items in memory.

        Args:
            indices: their numbers, in the order of the result; negative ones count from the end.
        """
        positions = as_positions(indices, len(self), f"the pool {self.path}")
        numbers = np.searchsorted(self._ends, positions, side="right")
        offsets = positions - self._starts[numbers]
        images = self._gathered(numbers, offsets)
        labels = None if self.labels is None else torch.from_numpy(self.labels[positions])
        targets = None
        if self.target_fields:
            rows = zip(numbers.tolist(), offsets.tolist(), strict=True)
            targets = [self._targets(number).target(offset) for number, offset in rows]
        return Samples(torch.from_numpy(images), labels, targets)

    def __len__(self) -> int:
        return int(self._starts[-1])

    def _gathered(self, numbers: npt.NDArray[np.int64], offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        shards = self._shard_range() if len(numbers) else None
        if shards is not None:
            return shards.take(numbers, offsets)
        images = np.empty((len(numbers), *self.image_shape), np.uint8)
        for row, number, offset in zip(images, numbers.tolist(), offsets.tolist(), strict=True):
            row[...] = self._images(number)[offset]
        return images

    def _shard_range(self) -> mapping.ShardRange | None:
        """Return the range of all shards, which is reserved when it is first used; None if the system has none."""
        if not self._tried_range:
            self._tried_range = True
            if mapping.SUPPORTED and len(self._ends) <= _MAPPED_SHARDS:
                counts = [shard.count for shard in self.manifest.shards]
                files = [self.path / images_file(number) for number in range(len(counts))]
                with suppress(OSError, OverflowError):  # as many addresses as this process may not have
                    self._range = mapping.ShardRange(files, counts, self.image_shape)
        return self._range

    def _item(self, position: int) -> Any:
        number = int(self._ends.searchsorted(position, side="right"))
        row = position - int(self._starts[number])
        image: npt.NDArray[np.uint8] = self._images(number)[row]
        if len(self._ends) > _MAPPED_SHARDS:
            image = image.copy()  # a map lasts as long as an image of it, and a process has 65,530
        label = self._label(position, number, row) if self.manifest.labelled else None
        return item_of(
            torch.from_numpy(image), label, self._targets(number).target(row) if self.target_fields else None
        )

    def _label(self, position: int, number: int, row: int) -> int:
        """Return a label; from its shard alone, as long as nothing needed the labels of all."""
        return int(self._shard_labels(number)[row] if self._labels is None else self._labels[position])

    def __reduce__(self) -> tuple[type[SyntheticPool], tuple[Path]]:
        return type(self), (self.path,)

    def _checksums(self) -> list[tuple[str, str]]:
        files: list[tuple[str, str]] = []
        for number, shard in enumerate(self.manifest.shards):
            files.append((images_file(number), shard.images_sha256))
            if shard.labels_sha256 is not None:
                files.append((labels_file(number), shard.labels_sha256))
            for name, sha256 in (shard.targets_sha256 or {}).items():
                files.append((target_file(name, number), sha256))
        return files


def _map_shard(folder: Path, manifest: Manifest, number: int) -> npt.NDArray[np.uint8]:
    shape = (manifest.shards[number].count, *manifest.image_shape)
    return map_array(folder / images_file(number), shape, np.dtype(np.uint8))


def _read_labels(folder: Path, manifest: Manifest, number: int) -> npt.NDArray[np.int64]:
    return read_labels(folder / labels_file(number), manifest.shards[number].count)


def _read_targets(folder: Path, manifest: Manifest, number: int) -> ShardTargets:
    return ShardTargets(folder, number, manifest.shards[number].count, manifest.targets)


def _remove(folder: str, owner: int) -> None:
    # A forked worker inherits the finalizer, but does not own the folder.
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)
