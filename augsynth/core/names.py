"""Names of files and classes in messages."""

from __future__ import annotations

import os
from collections.abc import Sequence


def printable(name: str | os.PathLike[str]) -> str:
    """Return a file's name or path as text that can be printed: bytes that are no UTF-8 are shown as `\\xNN`.

    >>> printable(os.fsdecode(b"caf\\xe9"))
    'caf\\\\xe9'
    """
    text = os.fspath(name)
    return text if text.isprintable() else os.fsencode(text).decode("utf-8", "backslashreplace")


def listed(names: Sequence[str], most: int = 3) -> str:
    """Return names in a row, the first few of many.

    Args:
        names: the names.
        most: number of names that are given; default 3.

    >>> listed(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    row = ", ".join(printable(name) for name in names[:most])
    return row + (f" and {len(names) - most} more" if len(names) > most else "")
