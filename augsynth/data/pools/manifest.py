"""`manifest.json` of a pool: which shards it has, their checksums, and what every sample came from."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch

from augsynth.errors import CheckpointError
from augsynth.generators import Generator

FILE = "manifest.json"
FORMAT = "augsynth-pool"
VERSION = 1

Labels = int | Sequence[int] | torch.Tensor | None


@dataclass(frozen=True)
class Shard:
    """`count` samples in two files, `images-NNNNNN.npy` and `labels-NNNNNN.npy`, with their SHA-256."""

    count: int
    images_sha256: str
    labels_sha256: str | None


@dataclass(frozen=True)
class Part:
    """The provenance of the pool's items from `first` to the next part: item k is sample `start + k − first`.

    `generator` names it, its distribution and version, its config, and the SHA-256 of its weights; `labels` says
    what was asked for: "none", "in turn" (the generator's default), one class, or the SHA-256 of a list.
    """

    generator: dict[str, Any]
    seed: int
    labels: str
    first: int
    start: int

    def same_stream(self, other: Part) -> bool:
        """Whether both draw from the same numbered samples."""
        return self.generator == other.generator and self.seed == other.seed


@dataclass(frozen=True)
class Manifest:
    """`wanted` is what `create` was asked for; a pool with fewer samples is unfinished."""

    image_shape: tuple[int, int, int]
    labelled: bool
    wanted: int
    shard_size: int
    parts: tuple[Part, ...]
    shards: tuple[Shard, ...]

    def __len__(self) -> int:
        return sum(shard.count for shard in self.shards)

    def write(self, folder: Path) -> None:
        """Replace the manifest in one step; on return it is on the disk."""
        content = {"format": FORMAT, "version": VERSION, **dataclasses.asdict(self)}
        temporary = folder / f".{FILE}.partial"
        with open(temporary, "w", encoding="utf-8") as stream:
            json.dump(content, stream, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, folder / FILE)
        sync_folder(folder)

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Raises `CheckpointError` where there is no manifest, or one that cannot be used."""
        file = folder / FILE
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError) as cause:
            raise CheckpointError(f"{folder} holds no pool: there is no {FILE}") from cause
        except (OSError, ValueError) as cause:
            raise CheckpointError(f"{file} cannot be read: {cause}") from cause
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise CheckpointError(f'{file} is not of a pool: its "format" is not "{FORMAT}"')
        if content.get("version") != VERSION:
            raise CheckpointError(f"{file} has version {content.get('version')}; this augsynth reads {VERSION}")
        try:
            return cls._from_json(content)
        except (KeyError, TypeError, ValueError) as cause:
            raise CheckpointError(f"{file} is incomplete or damaged: {cause!r}") from cause

    @classmethod
    def _from_json(cls, content: dict[str, Any]) -> Manifest:
        channels, height, width = content["image_shape"]
        return cls(
            image_shape=(int(channels), int(height), int(width)),
            labelled=bool(content["labelled"]),
            wanted=int(content["wanted"]),
            shard_size=int(content["shard_size"]),
            parts=tuple(Part(**part) for part in content["parts"]),
            shards=tuple(Shard(**shard) for shard in content["shards"]),
        )


def sync_folder(folder: Path) -> None:
    """Make renames in a folder last through a power cut, where the system can do that."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def describe_generator(generator: Generator) -> dict[str, Any]:
    """The provenance of a generator's samples, JSON-ready."""
    module = type(generator).__module__.partition(".")[0]
    owners = metadata.packages_distributions().get(module, [])
    distribution = owners[0] if owners else None
    description = generator.description().as_json()
    return {
        "name": generator.name,
        "distribution": distribution,
        "version": metadata.version(distribution) if distribution else None,
        "class": description["class_path"],
        "config": description["config"],
        "sha256": generator.digest(),
    }


def describe_labels(labels: Labels, labelled: bool) -> str:
    """What `Part.labels` says for the argument `labels`."""
    if labels is None:
        return "in turn" if labelled else "none"
    if isinstance(labels, int):
        return str(labels)
    return hashlib.sha256(np.asarray(labels, np.int64).tobytes()).hexdigest()
