"""A classifier on disk: `config.json`, and a safetensors file that it names by its SHA-256. Nothing is pickled."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor

from augsynth.core.files import open_file, replacing
from augsynth.core.json import read_versioned
from augsynth.errors import CheckpointError, error_text

CONFIG_FILE = "config.json"
_STAMP = {"format": "augsynth-classifier", "format_version": 1}
_CONFIG_BYTES = 2**24


def write(path: Path, description: Mapping[str, Any], weights: Mapping[str, Tensor]) -> None:
    """Write a classifier into a folder. `config.json` is replaced last, so a reader never sees half of it.

    Args:
        path: the folder, which is created if it does not exist.
        description: facts about the classifier, JSON-ready.
        weights: tensors by name.
    """
    data = serialised(weights)
    sha256 = hashlib.sha256(data).hexdigest()
    file = f"weights-{sha256[:16]}.safetensors"
    content = {**_STAMP, **description, "weights": {"file": file, "sha256": sha256}}
    try:
        path.mkdir(parents=True, exist_ok=True)
        _write(path / file, data)
        _write(path / CONFIG_FILE, (json.dumps(content, indent=2) + "\n").encode())
        for other in path.glob("weights-*.safetensors"):
            if other.name != file:
                other.unlink(missing_ok=True)
    except OSError as cause:
        raise CheckpointError(f"no classifier can be written to {path}: {cause}") from cause


def read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return the description and the weights in a folder; raise `CheckpointError` if they are missing or damaged.

    Args:
        path: the folder.
    """
    try:
        content = read_versioned(path / CONFIG_FILE, "classifier", _STAMP, most_bytes=_CONFIG_BYTES)
    except (FileNotFoundError, NotADirectoryError) as cause:
        raise CheckpointError(f"{path} holds no saved classifier: there is no {CONFIG_FILE}") from cause
    try:
        entry = content.pop("weights")
        with open_file(path / Path(entry["file"]).name) as stream:
            data = stream.read()
        if hashlib.sha256(data).hexdigest() != entry["sha256"]:
            raise ValueError(f"the SHA-256 of its weights is not the one in {CONFIG_FILE}")
        return content, safetensors.torch.load(data)
    except (KeyError, TypeError, ValueError, AttributeError, OSError, safetensors.SafetensorError) as cause:
        raise CheckpointError(f"the classifier in {path} is incomplete or damaged: {error_text(cause)}") from cause


def serialised(weights: Mapping[str, Tensor]) -> bytes:
    """Return tensors as a safetensors file has them.

    Args:
        weights: tensors by name.
    """
    data: bytes = safetensors.torch.save({name: value.contiguous() for name, value in weights.items()})
    return data


def _write(file: Path, data: bytes) -> None:
    with replacing(file) as stream:
        stream.write(data)
