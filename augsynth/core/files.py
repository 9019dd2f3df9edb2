"""Files that users name: opened only if they are files, JSON that means one thing only, and names that are no data."""

from __future__ import annotations

import errno
import json
import math
import os
import stat
from collections import Counter
from collections.abc import Iterable
from typing import Any, BinaryIO

_LEFT_BEHIND = frozenset(
    {"thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "@eadir"}
    | {"$recycle.bin", "system volume information", "lost+found"}
)
_DEEPEST = 100
_KINDS = {stat.S_IFIFO: "FIFO", stat.S_IFSOCK: "socket", stat.S_IFCHR: "device", stat.S_IFBLK: "device"}
_DO_NOT_WAIT = getattr(os, "O_NONBLOCK", 0)


def open_file(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a file for reading, in binary; `OSError` for what is no regular file.

    A FIFO would be waited for, and `/dev/zero` never ends.

    >>> open_file("/dev/null")
    Traceback (most recent call last):
    OSError: [Errno 22] expected a file, found a device: '/dev/null'
    """
    stream = open(os.fspath(path), "rb", opener=_without_waiting)  # noqa: SIM115 - the caller closes it
    kind = stat.S_IFMT(os.fstat(stream.fileno()).st_mode)
    if kind != stat.S_IFREG:
        stream.close()
        raise OSError(errno.EINVAL, f"expected a file, found a {_KINDS.get(kind, 'thing of another kind')}", str(path))
    return stream


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | _DO_NOT_WAIT)


def read_json(path: str | os.PathLike[str]) -> Any:
    """The content of a JSON file in UTF-8, as `parse_json` gives it; `OSError` or `ValueError`."""
    with open_file(path) as stream:
        return parse_json(stream.read().decode("utf-8-sig"))


def parse_json(text: str) -> Any:
    """The content of JSON; `ValueError` also for what only Python accepts (NaN, infinity), and for a key given twice.

    More than 100 lists and objects within each other are refused: Python reads up to 1,000, but cannot print them.

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


def is_data(name: str) -> bool:
    """True for the name of a file or folder that may be data: hidden ones, and what systems leave behind, are none.

    >>> [name for name in ("cat.png", "._cat.png", ".ipynb_checkpoints", "Thumbs.db", "__MACOSX") if is_data(name)]
    ['cat.png']
    """
    return not name.startswith(".") and name.lower() not in _LEFT_BEHIND
