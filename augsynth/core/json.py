"""JSON files: content with one meaning only, and the format and version that a file of augsynth names."""

from __future__ import annotations

import json
import math
import os
import sys
from collections import Counter
from collections.abc import Iterable
from typing import Any, BinaryIO

from augsynth.core.files import open_file
from augsynth.errors import CheckpointError, shown

_DEEPEST = 100


def read_json(path: str | os.PathLike[str]) -> Any:
    """Return the content of a JSON file in UTF-8, as `parse_json` returns it; `OSError` or `ValueError`.

    Args:
        path: the file.
    """
    with open_file(path) as stream:
        return _content(stream)


def parse_json(text: str) -> Any:
    """Return the content of a JSON text.

    More than 100 lists and objects within each other are refused: Python reads up to 1,000, but cannot print them.

    Args:
        text: JSON.

    Raises `ValueError` for a key given twice, and for values that only Python accepts (NaN, infinity).

    >>> parse_json('{"a": 1, "a": 2}')
    Traceback (most recent call last):
    ValueError: the key 'a' is given twice
    """
    try:
        content = json.loads(text, object_pairs_hook=_unique, parse_constant=_finite, parse_float=_finite)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    layer = [content]
    for _ in range(_DEEPEST):
        layer = [part for whole in layer for part in _parts(whole)]
    if layer:
        raise ValueError("it is nested too deeply")
    return content


def read_versioned(
    path: str | os.PathLike[str], what: str, stamp: dict[str, Any], *, most_bytes: int = sys.maxsize
) -> dict[str, Any]:
    """Return the content of a JSON file that names its format and version, without these two.

    Args:
        path: the file.
        what: the thing that such a file describes, for messages: "pool".
        stamp: the two fields that the file must have, the format and then the version.
        most_bytes: the size above which a file is refused.

    Raises `CheckpointError` for everything that is no such file. Where there is no file, the error is Python's own.
    """
    content = _read_plain(path, most_bytes)
    (format_key, format_name), (version_key, version) = stamp.items()
    if not isinstance(content, dict) or content.get(format_key) != format_name:
        raise CheckpointError(f'{path} is not of a {what}: its "{format_key}" is not "{format_name}"')
    if content.get(version_key) != version:
        found = f"{version_key.replace('_', ' ')} {shown(content.get(version_key))}"
        raise CheckpointError(f"{path} has {found}; this augsynth reads {version}")
    return {key: value for key, value in content.items() if key not in stamp}


def _read_plain(path: str | os.PathLike[str], most_bytes: int) -> Any:
    try:
        with open_file(path) as stream:
            if os.fstat(stream.fileno()).st_size > most_bytes:
                limit = f"the {most_bytes // 2**20} MiB that a {os.path.basename(path)} may have"
                raise CheckpointError(f"{path} is larger than {limit}")
            return _content(stream)
    except (CheckpointError, FileNotFoundError, NotADirectoryError):
        raise
    except (OSError, ValueError) as cause:
        raise CheckpointError(f"{path} cannot be read: {str(cause)[:200]}") from cause


def _content(stream: BinaryIO) -> Any:
    return parse_json(stream.read().decode("utf-8-sig"))


def _parts(whole: Any) -> Iterable[Any]:
    return whole.values() if isinstance(whole, dict) else whole if isinstance(whole, list) else ()


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        [(twice, _)] = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"the key {twice!r} is given twice")
    return content


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is no finite number")
    return value
