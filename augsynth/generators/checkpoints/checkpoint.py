"""A generator on disk: `config.json`, and safetensors files that it names by their SHA-256. Nothing is pickled.

`config.json` is replaced last and in one step, and the files that it names never change. So a folder always holds one
complete checkpoint, even if the writer is killed. Files that it no longer names are then removed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from augsynth.core.files import open_file, replacing, sha256_of
from augsynth.core.json import read_versioned
from augsynth.errors import AugsynthError, CheckpointError, error_text, shown
from augsynth.generators.checkpoints.description import Description, as_json
from augsynth.generators.checkpoints.layouts import Layout

FORMAT = "augsynth-generator"
FORMAT_VERSION = 1
CONFIG_FILE = "config.json"

# Names of the tensors that are no weights begin with it. No network has such a name.
_DIRECTION = "direction of "

_STAMP = {"format": FORMAT, "format_version": FORMAT_VERSION}
_CONFIG_BYTES = 2**26
_LONGEST_NAME = 255
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


@dataclass(frozen=True, eq=False)
class TrainingRecord:
    """State of a run, which a later run needs to continue.

    Args:
        settings: settings that the later run must share, JSON-ready.
        progress: number of steps, history and state of optimisers, JSON-ready.
        tensors: tensors by name.
    """

    settings: dict[str, Any]
    progress: dict[str, Any]
    tensors: dict[str, Tensor]


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A checkpoint whose `config.json` was read. Its tensors are read on request.

    Args:
        path: folder of the checkpoint.
        description: facts about the generator.
        content: content of `config.json`.
    """

    path: Path
    description: Description
    content: dict[str, Any]

    @classmethod
    def open(cls, path: Path) -> Checkpoint:
        """Read `config.json` alone. Raises `CheckpointError` if it is missing, damaged or of another version.

        Args:
            path: folder of the checkpoint.
        """
        content, file = _content(path), path / CONFIG_FILE
        try:
            description = Description.from_json(content)
            unchanged = description.digest(content["weights"]["sha256"]) == content["digest"]
            unchanged &= description.names_digest() == content.get("class_names_digest")
        except _DAMAGE as cause:
            raise CheckpointError(f"{file} is incomplete or damaged: {error_text(cause)}") from cause
        if not unchanged:
            raise CheckpointError(f"{file} was changed after it was written: its digest does not match")
        return cls(path, description, content)

    def layout(self) -> tuple[Layout, int]:
        """Return names, dtypes and shapes of the stored weights, and their size in bytes; only the head is read."""
        layout, size = self._head()
        return {name: form for name, form in layout.items() if not name.startswith(_DIRECTION)}, size

    def weights(self) -> dict[str, Tensor]:
        """Return the weights, verified. Raises `CheckpointError` if the file was changed after it was written."""
        return {name: value for name, value in self._tensors().items() if not name.startswith(_DIRECTION)}

    def directions(self) -> dict[str, Tensor]:
        """Return the directions of attributes, by name; verified, as `weights` are."""
        if not any(name.startswith(_DIRECTION) for name in self._head()[0]):  # the file is not read twice for nothing
            return {}
        named = {name: value for name, value in self._tensors().items() if name.startswith(_DIRECTION)}
        if not all(value.dtype == torch.float32 and bool(value.isfinite().all()) for value in named.values()):
            raise CheckpointError(f"{self.path} holds directions of attributes that are not finite float32 numbers")
        return {name.removeprefix(_DIRECTION): value for name, value in named.items()}

    def _head(self) -> tuple[Layout, int]:
        with self._unharmed():
            return _layout(_file(self.path, self.content["weights"]))

    def _tensors(self) -> dict[str, Tensor]:
        with self._unharmed():
            return safetensors.torch.load(_read_file(self.path, self.content["weights"]))

    def training(self) -> TrainingRecord | None:
        """Return the state of the run, verified; None for a generator that was saved without it."""
        with self._unharmed():
            stored = self.content["training"]
            if stored is None:
                return None
            # Older checkpoints have no digest of their training state.
            if stored.get("digest", _training_digest(stored)) != _training_digest(stored):
                raise CheckpointError(
                    f"{self.path / CONFIG_FILE} was changed after it was written: the digest of its training state "
                    "does not match"
                )
            tensors = safetensors.torch.load(_read_file(self.path, stored["tensors"]))
            return TrainingRecord(stored["settings"], stored["progress"], tensors)

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Raise `CheckpointError` for every error in a block that makes a generator from this checkpoint."""
        try:
            yield
        except Exception as cause:
            if isinstance(cause, CheckpointError) and str(self.path) in str(cause):
                raise
            # The further lines of torch's messages are addresses of its own code.
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
    """Write a checkpoint into a folder, and replace the checkpoint that is in it.

    Args:
        path: the folder, which is created if it does not exist.
        description: facts about the generator.
        weights: tensors by name.
        training: state of the run; None (default) stores none.
    """
    weights_data = _serialised(weights)
    content: dict[str, Any] = {
        **_STAMP,
        **description.as_json(),
        "digest": description.digest(hashlib.sha256(weights_data).hexdigest()),
    }
    if description.class_names is not None:
        content["class_names_digest"] = description.names_digest()
    as_json(content)  # raises before anything is written
    try:
        require_folder(path)
        path.mkdir(parents=True, exist_ok=True)
        content["weights"] = _write_tensors(path, "weights", weights_data)
        content["training"] = None if training is None else _write_training(path, training)
        _write(path / CONFIG_FILE, as_json(content).encode())
        _remove_others(path, content)
    except OSError as cause:
        raise CheckpointError(f"no checkpoint can be written to {path}: {cause}") from cause


def require_folder(path: Path) -> None:
    """Raise `CheckpointError` if a file has the path of the folder, or of a folder that contains it.

    Args:
        path: the folder, which need not exist.
    """
    existing = next((folder for folder in (path, *path.parents) if folder.exists()), None)
    if existing is not None and not existing.is_dir():
        raise CheckpointError(f"{existing} is a file; a generator is saved into a folder")


def require_new(path: Path, advice: str = "name another folder") -> None:
    """Raise `CheckpointError` if a folder cannot take a new checkpoint.

    Args:
        path: the folder, which need not exist.
        advice: end of the message.
    """
    require_folder(path)
    if exists(path):
        raise CheckpointError(f"{path} already holds a checkpoint: {advice}")


def exists(path: Path) -> bool:
    """Return True if a folder holds a checkpoint.

    Args:
        path: the folder.
    """
    return (path / CONFIG_FILE).is_file()


def named_directions(directions: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return directions of attributes by the names that they have among the weights.

    Args:
        directions: directions by the names of the attributes.
    """
    return {f"{_DIRECTION}{name}": direction for name, direction in directions.items()}


def digest(description: Description, weights: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of a generator, as its `config.json` stores it.

    Args:
        description: everything that `config.json` says about it.
        weights: tensors by name.
    """
    return description.digest(hashlib.sha256(_serialised(weights)).hexdigest())


def _training_digest(stored: Mapping[str, Any]) -> str:
    covered = {name: stored[name] for name in ("settings", "progress", "tensors")}
    return hashlib.sha256(json.dumps(covered, sort_keys=True).encode()).hexdigest()


def _serialised(tensors: Mapping[str, Tensor]) -> bytes:
    # Cloned, because safetensors refuses tensors that share memory (tied weights).
    return safetensors.torch.save({name: t.detach().cpu().contiguous().clone() for name, t in tensors.items()})


def _write_training(path: Path, training: TrainingRecord) -> dict[str, Any]:
    stored = {
        "settings": training.settings,
        "progress": training.progress,
        "tensors": _write_tensors(path, "training", _serialised(training.tensors)),
    }
    return {**stored, "digest": _training_digest(json.loads(as_json(stored)))}


def _write_tensors(path: Path, stem: str, data: bytes) -> dict[str, str]:
    sha256 = hashlib.sha256(data).hexdigest()
    file = f"{stem}-{sha256[:16]}.safetensors"
    _write(path / file, data)
    return {"file": file, "sha256": sha256}


def _write(path: Path, data: bytes) -> None:
    with replacing(path) as stream:
        stream.write(data)


def _remove_others(path: Path, content: dict[str, Any]) -> None:
    """Remove files of earlier checkpoints, and files that a killed writer has left."""
    named = {content["weights"]["file"]}
    if content["training"] is not None:
        named.add(content["training"]["tensors"]["file"])
    for stem in ("weights", "training"):
        for file in (*path.glob(f"{stem}-*.safetensors"), *path.glob(f".{stem}-*.safetensors.*")):
            if file.name not in named:
                file.unlink(missing_ok=True)


def _file(path: Path, entry: Mapping[str, str]) -> Path:
    name = Path(entry["file"]).name
    if len(name) > _LONGEST_NAME:
        raise ValueError(f"the name of a file is {shown(name)}")
    file = path / name
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
    if sha256_of(file) != entry["sha256"]:  # before memory is spent on its content
        raise CheckpointError(f"{file} is damaged: its SHA-256 is not the one in {CONFIG_FILE}")
    return file.read_bytes()


def _content(path: Path) -> dict[str, Any]:
    file = path / CONFIG_FILE
    try:
        return read_versioned(file, "generator", _STAMP, most_bytes=_CONFIG_BYTES)
    except FileNotFoundError as cause:
        raise CheckpointError(f"{path} holds no saved generator: there is no {CONFIG_FILE}") from cause
    except NotADirectoryError as cause:
        raise CheckpointError(f"{path} is a file; a saved generator is a folder with a {CONFIG_FILE}") from cause
