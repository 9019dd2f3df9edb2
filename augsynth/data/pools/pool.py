"""`SyntheticPool`: generated images on disk, memory-mapped, with their provenance and checksums."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache, partial
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Dataset

from augsynth.core.checks import check_integer
from augsynth.core.positions import Positional, as_positions
from augsynth.data.pools import export as exporting
from augsynth.data.pools import writer
from augsynth.data.pools.manifest import Manifest, Part
from augsynth.data.pools.shards import images_file, is_intact, labels_file, map_images, read_labels
from augsynth.data.pools.writer import Labels, PoolRequest
from augsynth.errors import CheckpointError
from augsynth.generators import Generator, Samples

SHARD_SIZE = 1024
# Of the 65,530 memory maps that Linux allows a process.
_MAPPED_SHARDS = 4096


class SyntheticPool(Positional[Any], Dataset[Any]):
    """Generated images in a folder, and a map-style dataset of `(image uint8 (C, H, W), label)`.

    A pool without labels gives bare images. Shards are `.npy` files that are memory-mapped when they are first
    used, in each process for itself, and none is kept open; a pool is pickled as its path. A relative path means what
    it meant when it was given, wherever the process goes. What is changed in an image stays in memory.

    >>> pool = SyntheticPool.create("pool", generator, 10_000, seed=1)  # doctest: +SKIP
    >>> pool[0][0].shape, pool.labels.shape  # doctest: +SKIP
    (torch.Size([1, 28, 28]), (10000,))
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).absolute()
        self._load()

    def _load(self) -> None:
        self.manifest = Manifest.read(self.path)
        self._ends = list(accumulate(shard.count for shard in self.manifest.shards))
        self.manifest.require_finished(self.path)
        self._images = lru_cache(_MAPPED_SHARDS)(partial(_map_shard, self.path, self.manifest))
        self._labels: npt.NDArray[np.int64] | None = None

    @classmethod
    def create(
        cls,
        path: str | os.PathLike[str],
        generator: Generator,
        n: int,
        *,
        labels: Labels = None,
        seed: int = 0,
        shard_size: int = SHARD_SIZE,
        resume: bool = True,
        progress: bool = True,
    ) -> SyntheticPool:
        """Fill a folder with `n` samples of a fitted generator, and open it.

        Item k is the generator's sample k for `seed`, whatever `shard_size` is. `labels` is one class, or one for
        each sample; by default a conditional generator goes round its classes. A shard is written whole or not at
        all, so a killed writer loses at most `shard_size` samples; calling again with the same arguments goes on
        where it stopped, or opens the finished pool. Processes that call at the same time wait for the first.
        Raises `CheckpointError` if the folder holds anything else, or a pool and `resume` is False.
        """
        request = PoolRequest.of(generator, n, labels, seed)
        shard_size = check_integer("shard_size", shard_size, 1)
        writer.create(Path(path).absolute(), request, shard_size, resume, progress)
        return cls(path)

    @classmethod
    def temporary(
        cls, generator: Generator, n: int, *, labels: Labels = None, seed: int = 0, progress: bool = True
    ) -> SyntheticPool:
        """`create` in a temporary folder, which is removed when the returned pool is garbage, or at exit."""
        folder = tempfile.mkdtemp(prefix="augsynth-pool-")
        try:
            pool = cls.create(folder, generator, n, labels=labels, seed=seed, progress=progress)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        weakref.finalize(pool, _remove, folder, os.getpid())
        return pool

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> SyntheticPool:
        """Open a finished pool. Raises `CheckpointError` if there is none, or an unfinished one."""
        return cls(path)

    def append(
        self, generator: Generator, n: int, *, labels: Labels = None, seed: int = 0, progress: bool = True
    ) -> None:
        """Add `n` samples; they go on from those that the pool has of the same generator and seed.

        A killed append leaves the shards that were finished, as a valid pool. The image shape, and whether there
        are labels, must be the pool's. A mix that was made before keeps to the items it knows.
        """
        writer.append(self.path, PoolRequest.of(generator, n, labels, seed), progress)
        self._load()

    def verify(self) -> None:
        """Read every file and compare its SHA-256; raises `CheckpointError` naming the damaged shards."""
        damaged = [name for name, sha256 in self._checksums() if not is_intact(self.path / name, sha256)]
        if damaged:
            raise CheckpointError(
                f"the pool {self.path} is damaged: {', '.join(damaged)}; create it again in a new folder"
            )

    def export(
        self,
        path: str | os.PathLike[str],
        format: exporting.Format = "imagefolder",
        *,
        class_names: Sequence[str] | None = None,
        progress: bool = True,
    ) -> None:
        """Write the pool as PNG files into a new or empty folder, in a layout that other tools read.

        "imagefolder": `<class>/<item>.png`, classes being `class_names`, by default the pool's own, or else numbers
        (with leading zeros). "webdataset": tar files of `<item>.png` and `<item>.cls`, and the names of the classes, if
        they are known, in `class_names.json`. "huggingface": a `datasets.Dataset` saved to
        disk; needs the package `datasets`. All need Pillow, and images of 1, 3 or 4 channels. An export that is refused
        or fails leaves nothing behind. "imagefolder" refuses names that no folder can have, hidden ones, and those that
        differ from another in nothing but case or the form of accented letters.
        """
        exporting.export(self, Path(path), format, self.class_names if class_names is None else class_names, progress)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        return self.manifest.image_shape

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """The names of the classes, which came with the generator from its data set; None where they are not known."""
        return self.manifest.class_names

    @property
    def parts(self) -> tuple[Part, ...]:
        """Where the items come from."""
        return self.manifest.parts

    @property
    def labels(self) -> npt.NDArray[np.int64] | None:
        """The label of every item, int64 (n,), or None."""
        if self._labels is None and self.manifest.labelled:
            shards = enumerate(self.manifest.shards)
            self._labels = np.concatenate([read_labels(self.path / labels_file(i), one.count) for i, one in shards])
        return self._labels

    def take(self, indices: Sequence[int] | npt.NDArray[np.integer[Any]]) -> Samples:
        """Some of the items, in memory."""
        positions = as_positions(indices, len(self), f"the pool {self.path}")
        images = np.empty((len(positions), *self.image_shape), np.uint8)
        for row, position in zip(images, positions, strict=True):
            row[...] = self._image(int(position))
        labels = None if self.labels is None else torch.from_numpy(self.labels[positions])
        return Samples(torch.from_numpy(images), labels)

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def _item(self, position: int) -> tuple[torch.Tensor, int] | torch.Tensor:
        image = torch.from_numpy(self._image(position))
        return image if self.labels is None else (image, int(self.labels[position]))

    def __reduce__(self) -> tuple[type[SyntheticPool], tuple[Path]]:
        return type(self), (self.path,)

    def _image(self, index: int) -> npt.NDArray[np.uint8]:
        number = bisect_right(self._ends, index)
        images = self._images(number)
        image: npt.NDArray[np.uint8] = images[index - self._ends[number] + len(images)]
        return image

    def _checksums(self) -> list[tuple[str, str]]:
        files: list[tuple[str, str]] = []
        for number, shard in enumerate(self.manifest.shards):
            files.append((images_file(number), shard.images_sha256))
            if shard.labels_sha256 is not None:
                files.append((labels_file(number), shard.labels_sha256))
        return files


def _map_shard(folder: Path, manifest: Manifest, number: int) -> npt.NDArray[np.uint8]:
    return map_images(folder / images_file(number), (manifest.shards[number].count, *manifest.image_shape))


def _remove(folder: str, owner: int) -> None:
    # A forked worker inherits the finalizer, but not the folder.
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)
