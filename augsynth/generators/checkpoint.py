"""A generator on disk: `config.json`, and safetensors files that it names by their SHA-256. Nothing is pickled.

`config.json` is replaced last and in one step, and the files it names never change, so a folder always holds one
whole checkpoint, whenever the writer is killed. Files that the new `config.json` no longer names are then removed.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor

from augsynth.errors import ArgumentTypeError, CheckpointError

FORMAT = "augsynth-generator"
FORMAT_VERSION = 1
CONFIG_FILE = "config.json"


@dataclass(frozen=True)
class Description:
    """What `config.json` says of a generator; `class_path` is "module:class"."""

    name: str
    class_path: str
    api_version: int
    config: dict[str, Any]
    image_shape: tuple[int, int, int]
    num_classes: int | None

    def as_json(self) -> dict[str, Any]:
        """The same as JSON gives it back (tuples as lists)."""
        as_json: dict[str, Any] = json.loads(_as_json(dataclasses.asdict(self)))
        return as_json


@dataclass(frozen=True, eq=False)
class TrainingRecord:
    """What a run needs to go on: JSON-ready `settings` and `progress`, and tensors by name."""

    settings: dict[str, Any]
    progress: dict[str, Any]
    tensors: dict[str, Tensor]


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """What was read; `training` is None where a generator was saved without its training state."""

    description: Description
    weights: dict[str, Tensor]
    training: TrainingRecord | None


def write(
    path: Path, description: Description, weights: Mapping[str, Tensor], training: TrainingRecord | None = None
) -> None:
    """Write a checkpoint into the folder `path`, in place of one that is already there."""
    if path.exists() and not path.is_dir():
        raise CheckpointError(f"{path} is a file; a generator is saved into a folder")
    path.mkdir(parents=True, exist_ok=True)
    weights_data = _serialised(weights)
    content: dict[str, Any] = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        **dataclasses.asdict(description),
        "digest": _digest(description, weights_data),
        "weights": _write_tensors(path, "weights", weights_data),
        "training": None,
    }
    if training is not None:
        content["training"] = {
            "settings": training.settings,
            "progress": training.progress,
            "tensors": _write_tensors(path, "training", _serialised(training.tensors)),
        }
    _replace(path / CONFIG_FILE, _as_json(content).encode())
    _remove_others(path, content)


def exists(path: Path) -> bool:
    """Whether the folder holds a checkpoint."""
    return (path / CONFIG_FILE).is_file()


def describe(path: Path) -> Description:
    """Read `config.json` alone. Raises `CheckpointError` if it is missing, damaged or of another version."""
    return _description(path, _content(path))


def read(path: Path) -> Checkpoint:
    """Read a checkpoint and verify every digest. Raises `CheckpointError`."""
    content = _content(path)
    description = _description(path, content)
    try:
        weights_data = _read_file(path, content["weights"])
        if _digest(description, weights_data) != content["digest"]:
            raise CheckpointError(f"{path / CONFIG_FILE} was changed after it was written: its digest does not match")
        training = None
        if content["training"] is not None:
            stored = content["training"]
            tensors = safetensors.torch.load(_read_file(path, stored["tensors"]))
            training = TrainingRecord(stored["settings"], stored["progress"], tensors)
        return Checkpoint(description, safetensors.torch.load(weights_data), training)
    except (KeyError, TypeError, OSError, safetensors.SafetensorError) as cause:
        raise CheckpointError(f"the checkpoint in {path} is incomplete or damaged: {cause!r}") from cause


def digest(description: Description, weights: Mapping[str, Tensor]) -> str:
    """SHA-256 of a generator: of what `config.json` says and of its weights."""
    return _digest(description, _serialised(weights))


def _digest(description: Description, weights_data: bytes) -> str:
    head = json.dumps(description.as_json(), sort_keys=True)
    return hashlib.sha256(head.encode() + b"\0" + hashlib.sha256(weights_data).digest()).hexdigest()


def _serialised(tensors: Mapping[str, Tensor]) -> bytes:
    # Cloned, because safetensors refuses tensors that share memory (tied weights).
    return safetensors.torch.save({name: t.detach().cpu().contiguous().clone() for name, t in tensors.items()})


def _as_json(content: dict[str, Any]) -> str:
    try:
        return json.dumps(content, indent=2, allow_nan=False) + "\n"
    except (TypeError, ValueError) as cause:
        raise ArgumentTypeError(f"a generator's Config must hold JSON-ready finite values: {cause}") from cause


def _write_tensors(path: Path, stem: str, data: bytes) -> dict[str, str]:
    sha256 = hashlib.sha256(data).hexdigest()
    file = f"{stem}-{sha256[:16]}.safetensors"
    _replace(path / file, data)
    return {"file": file, "sha256": sha256}


def _replace(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    temporary = path.with_name(f".{path.name}.tmp")
    with open(temporary, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(temporary, path)


def _remove_others(path: Path, content: dict[str, Any]) -> None:
    named = {content["weights"]["file"]}
    if content["training"] is not None:
        named.add(content["training"]["tensors"]["file"])
    for stem in ("weights", "training"):
        for file in path.glob(f"{stem}-*.safetensors"):
            if file.name not in named:
                file.unlink(missing_ok=True)


def _read_file(path: Path, entry: dict[str, str]) -> bytes:
    file = path / Path(entry["file"]).name
    data = file.read_bytes()
    if hashlib.sha256(data).hexdigest() != entry["sha256"]:
        raise CheckpointError(f"{file} is damaged: its SHA-256 is not the one in {CONFIG_FILE}")
    return data


def _content(path: Path) -> dict[str, Any]:
    file = path / CONFIG_FILE
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as cause:
        raise CheckpointError(f"{path} holds no saved generator: there is no {CONFIG_FILE}") from cause
    except (OSError, ValueError) as cause:
        raise CheckpointError(f"{file} cannot be read: {cause}") from cause
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise CheckpointError(f'{file} is not of a generator: its "format" is not "{FORMAT}"')
    if content.get("format_version") != FORMAT_VERSION:
        version = content.get("format_version")
        raise CheckpointError(f"{file} has format version {version}; this augsynth reads {FORMAT_VERSION}")
    return content


def _description(path: Path, content: dict[str, Any]) -> Description:
    try:
        channels, height, width = content["image_shape"]
        fields = {field.name: content[field.name] for field in dataclasses.fields(Description)}
    except (KeyError, TypeError, ValueError) as cause:
        raise CheckpointError(f"{path / CONFIG_FILE} is incomplete: {cause!r}") from cause
    return Description(**{**fields, "image_shape": (channels, height, width)})
