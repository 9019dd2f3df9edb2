"""A generator on disk: `config.json`, and safetensors files that it names by their SHA-256. Nothing is pickled.

`config.json` is replaced last and in one step, and the files it names never change, so a folder always holds one
whole checkpoint, whenever the writer is killed. Files that the new `config.json` no longer names are then removed.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from augsynth._native.layout import MAX_CHANNELS
from augsynth.core.files import open_file, replacing, sha256_of
from augsynth.core.json import read_versioned
from augsynth.errors import ArgumentTypeError, AugsynthError, CheckpointError, error_text, shown
from augsynth.generators.claims import Layout

FORMAT = "augsynth-generator"
FORMAT_VERSION = 1
CONFIG_FILE = "config.json"

_STAMP = {"format": FORMAT, "format_version": FORMAT_VERSION}
_MOST_BYTES = 2**26
_MOST_VALUES = 2**28
_MOST_CLASSES = 2**31
_DTYPES: dict[str, torch.dtype] = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U64": torch.uint64,
    "U32": torch.uint32,
    "U16": torch.uint16,
    "U8": torch.uint8,
    "BOOL": torch.bool,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "C64": torch.complex64,
}
_DAMAGE = (KeyError, TypeError, ValueError, AttributeError, OSError, safetensors.SafetensorError)


@dataclass(frozen=True)
class Description:
    """What `config.json` says of a generator; `class_path` is "module:class"."""

    name: str
    class_path: str
    api_version: int
    config: dict[str, Any]
    image_shape: tuple[int, int, int]
    num_classes: int | None
    class_names: tuple[str, ...] | None = None

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Description:
        """Read the fields, and check that they are possible. Raises `KeyError` or `ValueError`."""
        required = [field.name for field in dataclasses.fields(cls) if field.default is dataclasses.MISSING]
        fields = {name: content[name] for name in required}
        kinds: dict[str, type] = {"name": str, "class_path": str, "api_version": int, "config": dict}
        for name, kind in kinds.items():
            if type(fields[name]) is not kind:
                raise ValueError(f"{name} is {shown(fields[name])}")
        shape, classes = fields["image_shape"], fields["num_classes"]
        if not _is_shape(shape):
            raise ValueError(f"image_shape is {shown(shape)}")
        if classes is not None and not (type(classes) is int and 1 <= classes <= _MOST_CLASSES):
            raise ValueError(f"num_classes is {shown(classes)}")
        names = content.get("class_names")
        if names is not None and not (_are_texts(names) and len(names) == classes):
            raise ValueError(f"class_names is {shown(names)}, of {classes} classes")
        return cls(**{**fields, "image_shape": tuple(shape), "class_names": names and tuple(names)})

    def as_json(self) -> dict[str, Any]:
        """The same as JSON gives it back (tuples as lists); names that are not known are left out."""
        as_json: dict[str, Any] = json.loads(_as_json(dataclasses.asdict(self)))
        if self.class_names is None:  # as in checkpoints from before they were kept, whose digests stay the same
            del as_json["class_names"]
        return as_json


def _are_texts(names: Any) -> bool:
    return isinstance(names, list) and all(isinstance(name, str) for name in names)


def _is_shape(shape: Any) -> bool:
    if not isinstance(shape, list) or len(shape) != 3 or not all(type(side) is int and side >= 1 for side in shape):
        return False
    return shape[0] <= MAX_CHANNELS and math.prod(shape) <= _MOST_VALUES


@dataclass(frozen=True, eq=False)
class TrainingRecord:
    """What a run needs to go on: JSON-ready `settings` and `progress`, and tensors by name."""

    settings: dict[str, Any]
    progress: dict[str, Any]
    tensors: dict[str, Tensor]


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A checkpoint whose `config.json` was read; its tensors are read when they are asked for."""

    path: Path
    description: Description
    content: dict[str, Any]

    @classmethod
    def open(cls, path: Path) -> Checkpoint:
        """Read `config.json` alone. Raises `CheckpointError` if it is missing, damaged or of another version."""
        content, file = _content(path), path / CONFIG_FILE
        try:
            description = Description.from_json(content)
            unchanged = _digest(description, content["weights"]["sha256"]) == content["digest"]
            unchanged &= _names_digest(description) == content.get("class_names_digest")
        except _DAMAGE as cause:
            raise CheckpointError(f"{file} is incomplete or damaged: {error_text(cause)}") from cause
        if not unchanged:
            raise CheckpointError(f"{file} was changed after it was written: its digest does not match")
        return cls(path, description, content)

    def layout(self) -> tuple[Layout, int]:
        """Names, dtypes and shapes of the stored weights, and their size in bytes, from the head of their file."""
        with self._unharmed():
            return _layout(_file(self.path, self.content["weights"]))

    def weights(self) -> dict[str, Tensor]:
        """The verified weights. Raises `CheckpointError` if anything was changed since they were written."""
        with self._unharmed():
            return safetensors.torch.load(_read_file(self.path, self.content["weights"]))

    def training(self) -> TrainingRecord | None:
        """The verified training state; None where a generator was saved without it."""
        with self._unharmed():
            stored = self.content["training"]
            if stored is None:
                return None
            # Earlier checkpoints have no digest of their training state.
            if stored.get("digest", _training_digest(stored)) != _training_digest(stored):
                raise CheckpointError(
                    f"{self.path / CONFIG_FILE} was changed after it was written: the digest of its training state "
                    "does not match"
                )
            tensors = safetensors.torch.load(_read_file(self.path, stored["tensors"]))
            return TrainingRecord(stored["settings"], stored["progress"], tensors)

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Raise `CheckpointError` for whatever goes wrong while a generator is made of it."""
        try:
            yield
        except Exception as cause:
            if isinstance(cause, CheckpointError) and str(self.path) in str(cause):
                raise
            # torch adds the addresses of its own code to a message, in further lines.
            reason = str(cause) if isinstance(cause, AugsynthError) else error_text(cause).splitlines()[0]
            name = self.description.name
            raise CheckpointError(f"{self.path} does not fit the installed {name!r} generator: {reason}") from cause

    @contextmanager
    def _unharmed(self) -> Iterator[None]:
        try:
            yield
        except CheckpointError:
            raise
        except _DAMAGE as cause:
            raise CheckpointError(f"the checkpoint in {self.path} is incomplete or damaged: {cause!r}") from cause


def write(
    path: Path, description: Description, weights: Mapping[str, Tensor], training: TrainingRecord | None = None
) -> None:
    """Write a checkpoint into the folder `path`, in place of one that is already there."""
    weights_data = _serialised(weights)
    content: dict[str, Any] = {
        **_STAMP,
        **description.as_json(),
        "digest": _digest(description, hashlib.sha256(weights_data).hexdigest()),
    }
    if description.class_names is not None:
        content["class_names_digest"] = _names_digest(description)
    _as_json(content)  # raises before anything is written
    try:
        require_folder(path)
        path.mkdir(parents=True, exist_ok=True)
        content["weights"] = _write_tensors(path, "weights", weights_data)
        content["training"] = None if training is None else _write_training(path, training)
        _write(path / CONFIG_FILE, _as_json(content).encode())
        _remove_others(path, content)
    except OSError as cause:
        raise CheckpointError(f"no checkpoint can be written to {path}: {cause}") from cause


def require_folder(path: Path) -> None:
    """Raise `CheckpointError` if the path is, or leads through, what is no folder."""
    there = next((place for place in (path, *path.parents) if place.exists()), None)
    if there is not None and not there.is_dir():
        raise CheckpointError(f"{there} is a file; a generator is saved into a folder")


def exists(path: Path) -> bool:
    """Whether the folder holds a checkpoint."""
    return (path / CONFIG_FILE).is_file()


def digest(description: Description, weights: Mapping[str, Tensor]) -> str:
    """SHA-256 of a generator: of what `config.json` says and of its weights."""
    return _digest(description, hashlib.sha256(_serialised(weights)).hexdigest())


def _digest(description: Description, weights_sha256: str) -> str:
    described = {name: value for name, value in description.as_json().items() if name != "class_names"}
    head = json.dumps(described, sort_keys=True)
    return hashlib.sha256(head.encode() + b"\0" + bytes.fromhex(weights_sha256)).hexdigest()


def _names_digest(description: Description) -> str | None:
    """Digest the names of classes alone: the same weights stay the same generator, whatever its classes are called."""
    names = description.class_names
    return None if names is None else hashlib.sha256(json.dumps(names).encode()).hexdigest()


def _training_digest(stored: Mapping[str, Any]) -> str:
    covered = {name: stored[name] for name in ("settings", "progress", "tensors")}
    return hashlib.sha256(json.dumps(covered, sort_keys=True).encode()).hexdigest()


def _serialised(tensors: Mapping[str, Tensor]) -> bytes:
    # Cloned, because safetensors refuses tensors that share memory (tied weights).
    return safetensors.torch.save({name: t.detach().cpu().contiguous().clone() for name, t in tensors.items()})


def _as_json(content: Mapping[str, Any]) -> str:
    try:
        return json.dumps(content, indent=2, allow_nan=False) + "\n"
    except (TypeError, ValueError) as cause:
        raise ArgumentTypeError(f"a generator's Config must hold JSON-ready finite values: {cause}") from cause


def _write_training(path: Path, training: TrainingRecord) -> dict[str, Any]:
    stored = {
        "settings": training.settings,
        "progress": training.progress,
        "tensors": _write_tensors(path, "training", _serialised(training.tensors)),
    }
    return {**stored, "digest": _training_digest(json.loads(_as_json(stored)))}


def _write_tensors(path: Path, stem: str, data: bytes) -> dict[str, str]:
    sha256 = hashlib.sha256(data).hexdigest()
    file = f"{stem}-{sha256[:16]}.safetensors"
    _write(path / file, data)
    return {"file": file, "sha256": sha256}


def _write(path: Path, data: bytes) -> None:
    with replacing(path) as stream:
        stream.write(data)


def _remove_others(path: Path, content: dict[str, Any]) -> None:
    """Remove the files of earlier checkpoints, and what a killed writer has left."""
    named = {content["weights"]["file"]}
    if content["training"] is not None:
        named.add(content["training"]["tensors"]["file"])
    for stem in ("weights", "training"):
        for file in (*path.glob(f"{stem}-*.safetensors"), *path.glob(f".{stem}-*.safetensors.*")):
            if file.name not in named:
                file.unlink(missing_ok=True)


def _file(path: Path, entry: Mapping[str, str]) -> Path:
    file = path / Path(entry["file"]).name
    try:
        open_file(file).close()
    except FileNotFoundError:
        raise
    except OSError as cause:
        raise CheckpointError(f"{file} cannot be read: {cause}") from cause
    return file


def _layout(file: Path) -> tuple[Layout, int]:
    with safetensors.safe_open(file, framework="pt") as stored:
        slices = {name: stored.get_slice(name) for name in stored.keys()}  # noqa: SIM118 - it is no dict
        layout = {
            name: (_DTYPES.get(part.get_dtype(), part.get_dtype()), tuple(part.get_shape()))
            for name, part in slices.items()
        }
    return layout, file.stat().st_size


def _read_file(path: Path, entry: Mapping[str, str]) -> bytes:
    file = _file(path, entry)
    if sha256_of(file) != entry["sha256"]:  # before memory is spent on it
        raise CheckpointError(f"{file} is damaged: its SHA-256 is not the one in {CONFIG_FILE}")
    return file.read_bytes()


def _content(path: Path) -> dict[str, Any]:
    file = path / CONFIG_FILE
    try:
        return read_versioned(file, "generator", _STAMP, most_bytes=_MOST_BYTES)
    except FileNotFoundError as cause:
        raise CheckpointError(f"{path} holds no saved generator: there is no {CONFIG_FILE}") from cause
    except NotADirectoryError as cause:
        raise CheckpointError(f"{path} is a file; a saved generator is a folder with a {CONFIG_FILE}") from cause
