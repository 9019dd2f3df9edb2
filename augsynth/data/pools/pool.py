"""`SyntheticPool`: generated images on disk, memory-mapped, with their provenance and checksums."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import weakref
from collections.abc import Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Dataset

from augsynth.core.checks import check_integer
from augsynth.core.positions import Positional, as_positions
from augsynth.data.pools import export as exporting
from augsynth.data.pools import gated, selecting, writer
from augsynth.data.pools.entries import Part
from augsynth.data.pools.manifest import Manifest
from augsynth.data.pools.request import Labels, PoolRequest
from augsynth.data.pools.shards import images_file, is_intact, labels_file, map_array, read_labels
from augsynth.data.pools.targets import Field, ShardTargets, target_file
from augsynth.data.pools.view import PoolView
from augsynth.errors import ArgumentError, CheckpointError, shown
from augsynth.gates.selection import Features
from augsynth.generators import Generator, Samples
from augsynth.generators.samples import item_of

SHARD_SIZE = 1024
# Linux allows a process 65,530 memory maps.
_MAPPED_SHARDS = 4096


class SyntheticPool(Positional[Any], Dataset[Any]):
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
        device: torch.device | str | None = None,
        guidance: float | None = None,
        resume: bool = True,
        progress: bool = True,
    ) -> SyntheticPool:
        """Fill a folder with samples of a fitted generator, and open the pool.

        Item k is sample k of the generator for this seed, for every `shard_size`. A shard is written whole or not at
        all, so a killed writer loses at most `shard_size` samples. A second call with the same arguments continues, or
        opens the finished pool. Processes that call at the same time, under `torchrun` or on several machines with one
        file system, share the shards among them; the shard of one that is killed is made by another one. All return
        when the pool is finished. Raises `CheckpointError` if the folder has other content, or a pool and `resume` is
        False.

        Args:
            path: folder of the pool, new, empty, or with the same pool.
            generator: fitted generator.
            n: number of samples, at least 1.
            labels: one class, or one class for each sample; by default a conditional generator takes its classes in
                turn.
            seed: 64-bit integer, default 0.
            shard_size: number of samples in a file, at least 1; default 1,024.
            device: a device or its name; None (default) leaves the generator where it is.
            guidance: strength of guidance, finite; None (default) for the default of the generator. It needs the
                capability "guide".
            resume: continue an unfinished pool, and open a finished one. Default True.
            progress: show a progress bar. Default True.
        """
        request = PoolRequest.of(generator, n, labels, seed, guidance, device)
        shard_size = check_integer("shard_size", shard_size, 1)
        writer.create(Path(path).absolute(), request, shard_size, resume, progress)
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

    def export(
        self,
        path: str | os.PathLike[str],
        format: exporting.Format = "imagefolder",
        *,
        class_names: Sequence[str] | None = None,
        progress: bool = True,
    ) -> None:
        """Write the pool as PNG files into a folder, in a layout of other tools.

        An export that is refused or fails leaves nothing behind. All formats need Pillow, and images of 1, 3 or 4
        channels.

        Args:
            path: new or empty folder.
            format: "imagefolder" writes `<class>/<item>.png`, and refuses names that no folder can have, hidden names,
                and names that differ only in case or in the form of accented letters. "webdataset" writes tar files of
                `<item>.png` and `<item>.cls`, and known class names to `class_names.json`. "huggingface" saves a
                `datasets.Dataset`, and needs the package `datasets`. Default "imagefolder".
            class_names: names of the classes; by default those of the pool, or else numbers with leading zeros.
            progress: show a progress bar. Default True.
        """
        names = self.class_names if class_names is None else class_names
        exporting.export(self.active, Path(path), format, names, progress)

    def select(
        self,
        recipe: str,
        real: Any = None,
        *,
        keep: float = 0.75,
        features: Features | None = None,
        seed: int = 0,
    ) -> PoolView:
        """Choose items by a recipe, record the choice in the manifest, and return a view of the chosen items.

        The same call on the same pool and real images finds the recorded choice. `docs/audit.md` says when which
        recipe is worth trying. Items in quarantine are left out.

        Args:
            recipe: "confidence" drops the items that a classifier of the real images is least sure of; "covariance"
                matches the scatter of each real class; "diverse" takes items that are far apart; "targeted" takes
                items like real ones that are not learned early; "random" is the control.
            real: map-style dataset of real `(image, label)`, of the pool's image shape; "random", and "diverse" with
                `features`, need none.
            keep: share to keep, in (0, 1], of each class; of the whole pool for "targeted". Default 0.75.
            features: function of images, uint8 (n, C, H, W), that returns (n, D), such as
                `augsynth.gates.TimmFeatures`; by default those of a classifier that is trained on one half of the real
                images, and compares the pool with the other half.
            seed: 64-bit seed; default 0.
        """
        items = self._active_items()
        name, chosen = selecting.select(
            self.path, self.manifest, self, items, recipe, real=real, keep=keep, features=features, seed=seed
        )
        self.manifest = Manifest.read(self.path)
        return PoolView(self, chosen, name)

    @property
    def selections(self) -> dict[str, dict[str, Any]]:
        """Recorded selections by name: recipe, parameters and number of items."""
        return {entry["name"]: entry for entry in gated.entries(self.manifest, "selection")}

    def selection(self, name: str) -> PoolView:
        """Return a recorded selection, without items that are in quarantine now.

        Args:
            name: name of the selection.
        """
        if name not in self.selections:
            raise ArgumentError(f"the pool has no selection {shown(name)}; it has {shown(list(self.selections))}")
        chosen = gated.read_items(self.path, self.selections[name])
        return PoolView(self, np.intersect1d(chosen, self._active_items()), name)

    def quarantine(self, items: Sequence[int] | npt.NDArray[np.integer[Any]], reason: str) -> None:
        """Put items into quarantine: mixes, selections and exports leave them out, until they are released.

        Nothing is removed or renumbered: `pool[k]` stays sample k, and `active` is the view without the items. Mixes
        that exist already go on as they are.

        Args:
            items: numbers of the items; negative ones count from the end. They are added to those with this reason.
            reason: text, by which they are released again.
        """
        numbers = as_positions(items, len(self), f"the pool {self.path}")
        self.manifest = gated.record_quarantine(self.path, reason, numbers)

    def release(self, reason: str) -> None:
        """Release the items that are in quarantine for a reason; those that are there for others too stay.

        Args:
            reason: text that `quarantine` was given.
        """
        name = gated.quarantine_name(reason)
        if reason not in self.quarantined:
            raise ArgumentError(
                f"nothing is in quarantine for {shown(reason)}; the reasons are {shown(list(self.quarantined))}"
            )
        self.manifest = gated.remove(self.path, name)

    @property
    def quarantined(self) -> dict[str, npt.NDArray[np.int64]]:
        """Numbers of the items in quarantine, in rising order, by reason."""
        found = gated.entries(self.manifest, "quarantine")
        return {entry["reason"]: gated.read_items(self.path, entry) for entry in found}

    @property
    def active(self) -> SyntheticPool | PoolView:
        """View of the items that are not in quarantine; the pool itself if none is."""
        items = selecting.active_items(self.path, self.manifest)
        return self if items is None else PoolView(self, items, "active")

    def _active_items(self) -> npt.NDArray[np.int64]:
        items = selecting.active_items(self.path, self.manifest)
        return np.arange(len(self)) if items is None else items

    def content_digest(self) -> str:
        """Return the SHA-256 of the checksums of the shards, which identifies the items."""
        digest = hashlib.sha256()
        for shard in self.manifest.shards:
            digest.update(f"{shard.count} {shard.images_sha256} {shard.labels_sha256}\n".encode())
        return digest.hexdigest()

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Shape (C, H, W) of the images."""
        return self.manifest.image_shape

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """Names of the classes, from the data set of the generator; None if they are not known."""
        return self.manifest.class_names

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
            shards = enumerate(self.manifest.shards)
            self._labels = np.concatenate([read_labels(self.path / labels_file(i), shard.count) for i, shard in shards])
        return self._labels

    def take(self, indices: Sequence[int] | npt.NDArray[np.integer[Any]]) -> Samples:
        """Return some of the items in memory.

        Args:
            indices: their numbers, in the order of the result; negative ones count from the end.
        """
        positions = as_positions(indices, len(self), f"the pool {self.path}")
        images = np.empty((len(positions), *self.image_shape), np.uint8)
        numbers = np.searchsorted(self._ends, positions, side="right")
        offsets = positions - self._starts[numbers]
        shard = self._images
        for row, number, offset in zip(images, numbers.tolist(), offsets.tolist(), strict=True):
            row[...] = shard(number)[offset]
        labels = None if self.labels is None else torch.from_numpy(self.labels[positions])
        targets = None
        if self.target_fields:
            rows = zip(numbers.tolist(), offsets.tolist(), strict=True)
            targets = [self._targets(number).target(offset) for number, offset in rows]
        return Samples(torch.from_numpy(images), labels, targets)

    def __len__(self) -> int:
        return int(self._starts[-1])

    def _item(self, position: int) -> Any:
        number = int(self._ends.searchsorted(position, side="right"))
        row = position - int(self._starts[number])
        image: npt.NDArray[np.uint8] = self._images(number)[row]
        if len(self._ends) > _MAPPED_SHARDS:
            image = image.copy()  # a map lasts as long as an image of it, and a process has 65,530
        label = None if self.labels is None else int(self.labels[position])
        return item_of(
            torch.from_numpy(image), label, self._targets(number).target(row) if self.target_fields else None
        )

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


def _read_targets(folder: Path, manifest: Manifest, number: int) -> ShardTargets:
    return ShardTargets(folder, number, manifest.shards[number].count, manifest.targets)


def _remove(folder: str, owner: int) -> None:
    # A forked worker inherits the finalizer, but does not own the folder.
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)
