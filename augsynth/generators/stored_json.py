"""JSON that came from a file of someone else: whole, plain and small, or refused in words."""

from __future__ import annotations

import json
import math
import stat
from pathlib import Path
from typing import Any

from augsynth.errors import CheckpointError, shown

_LARGEST = 2**26
_DEEPEST = 50


def read_json(file: Path) -> Any:
    """The content of a JSON file. Raises `CheckpointError` for what is no JSON or more than JSON.

    Where there is no file, the error is Python's own. Refused are names that come twice, NaN and infinities, and what
    is nested deeper than any checkpoint is.
    """
    try:
        require_regular(file)
        if file.stat().st_size > _LARGEST:
            raise CheckpointError(f"{file} is larger than the {_LARGEST // 2**20} MiB that a {file.name} may have")
        content = json.loads(
            file.read_bytes().decode("utf-8"),
            object_pairs_hook=_distinct,
            parse_constant=_no_number,
            parse_float=_finite,
        )
    except (CheckpointError, FileNotFoundError, NotADirectoryError):
        raise
    except (OSError, ValueError, RecursionError) as cause:
        raise CheckpointError(f"{file} cannot be read: {str(cause)[:200]}") from cause
    _check_depth(file, content)
    return content


def require_regular(file: Path) -> None:
    """Raise `CheckpointError` if it is a folder, a pipe or a device; the latter two would never end."""
    if not stat.S_ISREG(file.stat().st_mode):
        raise CheckpointError(f"{file} cannot be read: it is no regular file")


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{shown(next(name for name in names if names.count(name) > 1))} is there twice")
    return content


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")


def _finite(text: str) -> float:
    if not math.isfinite(float(text)):
        raise ValueError(f"{text[:40]} is too large a number")
    return float(text)


def _check_depth(file: Path, content: Any) -> None:
    layer = [content]
    for _ in range(_DEEPEST):
        layer = [part for whole in layer for part in _parts(whole)]
    if layer:
        raise CheckpointError(f"{file} cannot be read: it is nested more than {_DEEPEST} deep")


def _parts(whole: Any) -> list[Any]:
    if isinstance(whole, dict):
        return list(whole.values())
    return whole if isinstance(whole, list) else []
