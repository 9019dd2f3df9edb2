"""`SyntheticPool`: generated images on disk, memory-mapped, with their provenance and checksums."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import weakref
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Dataset

from augsynth.data.pools import export as exporting
from augsynth.data.pools import writer
from augsynth.data.pools.manifest import Labels, Manifest, Part
from augsynth.data.pools.writer import Order, images_file, labels_file
from augsynth.errors import CheckpointError
from augsynth.generators import Generator, Samples
from augsynth.positions import Positional, as_positions

SHARD_SIZE = 1024


class SyntheticPool(Positional[Any], Dataset[Any]):
    """Generated images in a folder, and a map-style dataset of `(image uint8 (C, H, W), label)`.

    A pool without labels gives bare images. Shards are `.npy` files that are memory-mapped when they are first
    used, in each process for itself; a pool is pickled as its path. What is changed in an image stays in memory.

    >>> pool = SyntheticPool.create("pool", generator, 10_000, seed=1)  # doctest: +SKIP
    >>> pool[0][0].shape, pool.labels.shape  # doctest: +SKIP
    (torch.Size([1, 28, 28]), (10000,))
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._load()

    def _load(self) -> None:
        self.manifest = Manifest.read(self.path)
        self._ends = list(accumulate(shard.count for shard in self.manifest.shards))
        if len(self) < self.manifest.wanted:
            raise CheckpointError(
                f"the pool {self.path} is unfinished: it holds {len(self)} of {self.manifest.wanted} samples; "
                "call SyntheticPool.create with the same arguments to finish it"
            )
        self._images: dict[int, npt.NDArray[np.uint8]] = {}
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
        order = Order(generator, n, labels, seed)
        writer.create(Path(path), order, shard_size, resume, progress)
        return cls(path)

    @classmethod
    def temporary(
        cls, generator: Generator, n: int, *, labels: Labels = None, seed: int = 0, progress: bool = True
    ) -> SyntheticPool:
        """`create` in a temporary folder, which is removed when the returned pool is garbage, or at exit."""
        folder = tempfile.mkdtemp(prefix="augsynth-pool-")
        pool = cls.create(folder, generator, n, labels=labels, seed=seed, progress=progress)
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
        writer.append(self.path, Order(generator, n, labels, seed), progress)
        self._load()

    def verify(self) -> None:
        """Read every file and compare its SHA-256; raises `CheckpointError` naming the damaged shards."""
        damaged = [name for name, sha256 in self._checksums() if _sha256(self.path / name) != sha256]
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

        "imagefolder": `<class>/<item>.png`, classes being numbers (with leading zeros) or `class_names`.
        "webdataset": tar files of `<item>.png` and `<item>.cls`. "huggingface": a `datasets.Dataset` saved to
        disk; needs the package `datasets`. All need Pillow, and images of 1, 3 or 4 channels.
        """
        exporting.export(self, Path(path), format, class_names, progress)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        return self.manifest.image_shape

    @property
    def parts(self) -> tuple[Part, ...]:
        """Where the items come from."""
        return self.manifest.parts

    @property
    def labels(self) -> npt.NDArray[np.int64] | None:
        """The label of every item, int64 (n,), or None."""
        if self._labels is None and self.manifest.labelled:
            shards = enumerate(self.manifest.shards)
            parts = [self._map(labels_file(i), (shard.count,), np.int64) for i, shard in shards]
            self._labels = np.concatenate(parts)
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
        shard = self.manifest.shards[number]
        if number not in self._images:
            shape = (shard.count, *self.image_shape)
            self._images[number] = self._map(images_file(number), shape, np.uint8)
        image: npt.NDArray[np.uint8] = self._images[number][index - self._ends[number] + shard.count]
        return image

    def _map(self, name: str, shape: tuple[int, ...], dtype: type[np.generic]) -> npt.NDArray[Any]:
        # Copy-on-write: torch takes no read-only arrays, and nothing may reach the file.
        try:
            array: npt.NDArray[Any] = np.load(self.path / name, mmap_mode="c", allow_pickle=False)
        except (OSError, ValueError, EOFError) as cause:
            raise CheckpointError(f"shard {self.path / name} cannot be read: {cause}") from cause
        if array.shape != shape or array.dtype != dtype:
            raise CheckpointError(
                f"shard {self.path / name} is damaged: it holds {array.dtype} {array.shape}, "
                f"expected {np.dtype(dtype)} {shape}"
            )
        return np.asarray(array)

    def _checksums(self) -> list[tuple[str, str]]:
        files: list[tuple[str, str]] = []
        for number, shard in enumerate(self.manifest.shards):
            files.append((images_file(number), shard.images_sha256))
            if shard.labels_sha256 is not None:
                files.append((labels_file(number), shard.labels_sha256))
        return files


def _sha256(file: Path) -> str | None:
    try:
        with open(file, "rb") as stream:
            digest = hashlib.sha256()
            while chunk := stream.read(1 << 20):
                digest.update(chunk)
            return digest.hexdigest()
    except OSError:
        return None


def _remove(folder: str, owner: int) -> None:
    # A forked worker inherits the finalizer, but not the folder.
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)
