"""Results on disk by what they depend on, so that a sweep that was killed continues where it ended."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from augsynth.core.files import replacing
from augsynth.core.json import read_json


def content_key(parts: Mapping[str, Any]) -> str:
    """Return 32 hexadecimal digits that identify JSON-ready values.

    Args:
        parts: the values by name.
    """
    text = json.dumps(parts, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def read_stored(path: Path) -> dict[str, float] | None:
    """Return stored numbers by name, or None if there are none, or if the file was damaged.

    Args:
        path: path of the file.
    """
    try:
        content = read_json(path)
    except (OSError, ValueError):
        return None
    whole = isinstance(content, dict) and all(isinstance(value, (int, float)) for value in content.values())
    return {name: float(value) for name, value in content.items()} if whole else None


def store(path: Path, numbers: Mapping[str, float]) -> None:
    """Write numbers; a reader never sees half a file.

    Args:
        path: path of the file; its folder is created.
        numbers: the numbers by name.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as stream:
        stream.write(json.dumps(dict(numbers)).encode())
