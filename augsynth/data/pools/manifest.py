"""`manifest.json` of a pool: its shards, their checksums, and the provenance of every sample."""

from __future__ import annotations

import hashlib
import json
import math
import sys
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from augsynth.core.files import replacing
from augsynth.core.json import read_versioned
from augsynth.data.pools.entries import Part, Shard, whole
from augsynth.data.pools.records import read_record
from augsynth.data.pools.targets import OFFSETS, Field
from augsynth.errors import CheckpointError, shown
from augsynth.generators import Generator

FILE = "manifest.json"
FORMAT = "augsynth-pool"
VERSION = 1
VIEWS_VERSION = 1
_STAMP = {"format": FORMAT, "version": VERSION}

Classes = int | torch.Tensor | None
"""Classes that a generator is asked for: one class, int64 (n,) on the CPU, or None for its own choice."""


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
        views: descriptions of views, JSON-ready; each has a "name".
        targets: fields of the targets of the images; none without targets.
    """

    image_shape: tuple[int, int, int]
    labelled: bool
    wanted: int
    shard_size: int
    parts: tuple[Part, ...]
    shards: tuple[Shard, ...]
    class_names: tuple[str, ...] | None = None
    views: tuple[dict[str, Any], ...] = ()
    targets: tuple[Field, ...] = ()

    def __len__(self) -> int:
        return sum(shard.count for shard in self.shards)

    def write(self, folder: Path) -> None:
        """Replace the manifest of a folder in one step; after the call, it is on the disk."""
        parts, shards = ([entry.as_json() for entry in entries] for entries in (self.parts, self.shards))
        content = {**_STAMP, **vars(self), "parts": parts, "shards": shards}
        content["views"] = {"version": VIEWS_VERSION, "entries": self.views} if self.views else None
        content["targets"] = [field.as_json() for field in self.targets] or None
        for name in ("class_names", "views", "targets"):  # as in pools from before they were kept
            if content[name] is None:
                del content[name]
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
        """Read the manifest of a folder, with the finished shards that it does not list yet.

        Raises `CheckpointError` if there is none, or one that cannot be used.
        """
        file = folder / FILE
        try:
            return _with_records(_manifest(read_versioned(file, "pool", _STAMP)), folder)
        except (FileNotFoundError, NotADirectoryError) as cause:
            raise CheckpointError(f"{folder} holds no pool: there is no {FILE}") from cause
        except CheckpointError:
            raise
        except (KeyError, TypeError, ValueError) as cause:
            raise CheckpointError(f"{file} is incomplete or damaged: {cause}") from cause


def _manifest(content: dict[str, Any]) -> Manifest:
    """Return the manifest from JSON; raise `KeyError`, `TypeError` or `ValueError` if it is not valid."""
    channels, height, width = content["image_shape"]
    shape = (whole(channels, "channels"), whole(height, "height"), whole(width, "width"))
    if type(content["labelled"]) is not bool:
        raise ValueError(f"labelled is {shown(content['labelled'])}, expected true or false")
    content |= {
        "class_names": _names(content.get("class_names")),
        "image_shape": shape,
        "wanted": whole(content["wanted"], "wanted"),
        "shard_size": whole(content["shard_size"], "shard_size"),
        "parts": tuple(map(Part.from_json, content["parts"])),
        "shards": tuple(map(Shard.from_json, content["shards"])),
        "views": _views(content.get("views")),
        "targets": tuple(map(Field.from_json, content.get("targets", ()))),
    }
    return _checked(Manifest(**content))


def _checked(manifest: Manifest) -> Manifest:
    """Return a manifest whose entries fit together; raise `ValueError` for another one."""
    held = sum(shard.count for shard in manifest.shards)  # perhaps more than `len` can be
    firsts = [part.first for part in manifest.parts]
    if not firsts or firsts[0] != 0 or firsts != sorted(set(firsts)) or firsts[-1] > held:
        raise ValueError(f"its parts begin at {shown(firsts)}, of {held} samples")
    if max(held, manifest.wanted) * math.prod(manifest.image_shape) > sys.maxsize:
        raise ValueError(f"no disk holds {max(held, manifest.wanted)} images of shape {manifest.image_shape}")
    files = {field.name for field in manifest.targets} | {OFFSETS for field in manifest.targets if field.of_objects}
    for shard in manifest.shards:
        if set(shard.targets_sha256 or ()) != files:
            raise ValueError(f"a shard of a pool with the targets {sorted(files)} is {shown(shard)}")
        if (shard.labels_sha256 is not None) != manifest.labelled:
            raise ValueError(f"a shard of a pool {'with' if manifest.labelled else 'without'} labels is {shown(shard)}")
    return manifest


def _with_records(manifest: Manifest, folder: Path) -> Manifest:
    """Add shards whose writer was killed before it could list them, or is still at work."""
    found: list[Shard] = []
    while (shard := read_record(folder, len(manifest.shards) + len(found))) is not None:
        found.append(shard)
    return _checked(replace(manifest, shards=(*manifest.shards, *found))) if found else manifest


def _views(section: Any) -> tuple[dict[str, Any], ...]:
    if section is None:
        return ()
    if not isinstance(section, dict) or section.get("version") != VIEWS_VERSION:
        raise ValueError(f"its views are {shown(section)}, expected those of version {VIEWS_VERSION}")
    entries = section["entries"]
    if not isinstance(entries, list) or not all(
        isinstance(e, dict) and isinstance(e.get("name"), str) for e in entries
    ):
        raise ValueError(f"its views are {shown(entries)}, expected entries with names")
    return tuple(entries)


def _names(names: Any) -> tuple[str, ...] | None:
    if names is not None and not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
        raise ValueError(f"class_names is {shown(names)}, expected a list of texts")
    return None if names is None else tuple(names)


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
