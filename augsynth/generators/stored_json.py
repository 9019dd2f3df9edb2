"""JSON that came from a file of someone else: whole, plain and small, or refused in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from augsynth.core.files import open_file, parse_json
from augsynth.errors import CheckpointError

_LARGEST = 2**26


def read_json(file: Path) -> Any:
    """The content of a JSON file of a checkpoint. Raises `CheckpointError` for what is no JSON or more than JSON.

    Where there is no file, the error is Python's own.
    """
    try:
        with open_file(file) as stream:
            content = stream.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise CheckpointError(f"{file} is larger than the {_LARGEST // 2**20} MiB that a {file.name} may have")
        return parse_json(content.decode("utf-8"))
    except (CheckpointError, FileNotFoundError, NotADirectoryError):
        raise
    except (OSError, ValueError) as cause:
        raise CheckpointError(f"{file} cannot be read: {str(cause)[:200]}") from cause
