"""`manifest.json` of a pool: its shards, their checksums, and the provenance of every sample."""

from __future__ import annotations

import hashlib
import json
import math
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from augsynth.core.files import replacing
from augsynth.core.json import read_versioned
from augsynth.errors import CheckpointError, shown
from augsynth.generators import Generator

FILE = "manifest.json"
FORMAT = "augsynth-pool"
VERSION = 1
_STAMP = {"format": FORMAT, "version": VERSION}

Classes = int | torch.Tensor | None
"""Classes that a generator is asked for: one class, int64 (n,) on the CPU, or None for its own choice."""


@dataclass(frozen=True)
class Shard:
    """Shard with `count` samples in the files `images-NNNNNN.npy` and `labels-NNNNNN.npy`, with their SHA-256."""

    count: int
    images_sha256: str
    labels_sha256: str | None


@dataclass(frozen=True)
class Part:
    """Provenance of the items of a pool from number `first` to the next part: item k is sample `start + k − first`.

    Args:
        generator: name, distribution, version, class and config of the generator, and the SHA-256 of its weights.
        seed: seed of the samples.
        labels: classes that were asked for: "none", "in turn" (the default), one class, or the SHA-256 of a list.
        first: number of the first item.
        start: number of its sample.
    """

    generator: dict[str, Any]
    seed: int
    labels: str
    first: int
    start: int

    def same_stream(self, other: Part) -> bool:
        """Return whether both parts have samples of one generator and seed."""
        return self.generator == other.generator and self.seed == other.seed


@dataclass(frozen=True)
class Manifest:
    """Manifest of a pool.

    Args:
        image_shape: (C, H, W) of all images.
        labelled: whether items have labels.
        wanted: number of samples that `create` was asked for; a pool with fewer samples is unfinished.
        shard_size: number of samples in a shard.
        parts: provenance of the items.
        shards: shards in the order of the items.
        class_names: names of the classes of the generator; None if they are not known.
    """

    image_shape: tuple[int, int, int]
    labelled: bool
    wanted: int
    shard_size: int
    parts: tuple[Part, ...]
    shards: tuple[Shard, ...]
    class_names: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return sum(shard.count for shard in self.shards)

    def write(self, folder: Path) -> None:
        """Replace the manifest of a folder in one step; after the call, it is on the disk."""
        parts, shards = ([vars(entry) for entry in entries] for entries in (self.parts, self.shards))
        content = {**_STAMP, **vars(self), "parts": parts, "shards": shards}
        if self.class_names is None:  # as in pools from before they were kept
            del content["class_names"]
        with replacing(folder / FILE) as stream:
            stream.write(json.dumps(content, indent=1).encode())

    def require_finished(self, folder: Path) -> None:
        """Raise `CheckpointError` if samples are missing."""
        if len(self) < self.wanted:
            raise CheckpointError(
                f"the pool {folder} is unfinished: it holds {len(self)} of {self.wanted} samples; "
                "call SyntheticPool.create with the same arguments to finish it"
            )

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read the manifest of a folder; raise `CheckpointError` if there is none, or one that cannot be used."""
        file = folder / FILE
        try:
            return _manifest(read_versioned(file, "pool", _STAMP))
        except (FileNotFoundError, NotADirectoryError) as cause:
            raise CheckpointError(f"{folder} holds no pool: there is no {FILE}") from cause
        except CheckpointError:
            raise
        except (KeyError, TypeError, ValueError) as cause:
            raise CheckpointError(f"{file} is incomplete or damaged: {cause}") from cause


def _manifest(content: dict[str, Any]) -> Manifest:
    """Return the manifest from JSON; raise `KeyError`, `TypeError` or `ValueError` if it is not valid."""
    channels, height, width = content["image_shape"]
    shape = (_whole(channels, "channels"), _whole(height, "height"), _whole(width, "width"))
    if type(content["labelled"]) is not bool:
        raise ValueError(f"labelled is {shown(content['labelled'])}, expected true or false")
    content |= {
        "class_names": _names(content.get("class_names")),
        "image_shape": shape,
        "wanted": _whole(content["wanted"], "wanted"),
        "shard_size": _whole(content["shard_size"], "shard_size"),
        "parts": tuple(_part(Part(**part)) for part in content["parts"]),
        "shards": tuple(_shard(Shard(**shard), content["labelled"]) for shard in content["shards"]),
    }
    manifest, held = Manifest(**content), sum(shard.count for shard in content["shards"])
    firsts = [part.first for part in manifest.parts]
    if not firsts or firsts[0] != 0 or firsts != sorted(set(firsts)) or firsts[-1] > held:
        raise ValueError(f"its parts begin at {shown(firsts)}, of {held} samples")
    if max(held, manifest.wanted) * math.prod(shape) > sys.maxsize:
        raise ValueError(f"no disk holds {max(held, manifest.wanted)} images of shape {shape}")
    return manifest


def _names(names: Any) -> tuple[str, ...] | None:
    if names is not None and not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
        raise ValueError(f"class_names is {shown(names)}, expected a list of texts")
    return None if names is None else tuple(names)


def _part(part: Part) -> Part:
    if not isinstance(part.generator, dict) or not isinstance(part.labels, str) or type(part.seed) is not int:
        raise ValueError(f"a part has no generator, seed or labels: {shown(part)}")
    _whole(part.first, "first", 0)
    _whole(part.start, "start", 0)
    return part


def _shard(shard: Shard, labelled: bool) -> Shard:
    _whole(shard.count, "count")
    if not isinstance(shard.images_sha256, str) or not isinstance(shard.labels_sha256, str if labelled else type(None)):
        raise ValueError(f"a shard has no checksums: {shown(shard)}")
    return shard


def _whole(value: Any, name: str, least: int = 1) -> int:
    """A whole number of the manifest, as JSON has it; `ValueError` for all else, Booleans and 3.0 included."""
    if type(value) is not int or not least <= value <= sys.maxsize:
        raise ValueError(f"{name} is {shown(value)}, expected a whole number of at least {least}")
    return value


def describe_generator(generator: Generator) -> dict[str, Any]:
    """Return the provenance of the samples of a generator, JSON-ready."""
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


def describe_labels(labels: Classes, labelled: bool) -> str:
    """Return the text of `Part.labels` for the classes that were asked for."""
    if labels is None:
        return "in turn" if labelled else "none"
    if isinstance(labels, int):
        return str(labels)
    return hashlib.sha256(labels.numpy().tobytes()).hexdigest()
