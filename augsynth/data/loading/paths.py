"""Paths of many files in one piece of memory."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from augsynth.core.positions import Positional


class FilePaths(Positional[str]):
    """Paths of files, as a sequence of texts that is kept in one piece of memory.

    A list of Python texts takes three times as much, and every DataLoader worker that is forked copies it while it
    reads, because reading a Python object writes its reference count.

    Args:
        paths: the paths, which need not be UTF-8.

    >>> paths = FilePaths(["a/1.png", "b/2.png"])
    >>> len(paths), paths[-1], list(paths)
    (2, 'b/2.png', ['a/1.png', 'b/2.png'])
    """

    _unit = "paths"

    def __init__(self, paths: Sequence[str]) -> None:
        self._joined = os.fsencode("\0".join(paths))  # no path has a NUL
        ends = np.flatnonzero(np.frombuffer(self._joined, np.uint8) == 0)
        self._bounds = np.concatenate(([-1], ends, [len(self._joined)] if paths else [])).astype(np.int64)

    def __len__(self) -> int:
        return len(self._bounds) - 1

    def _item(self, position: int) -> str:
        return os.fsdecode(self._joined[self._bounds[position] + 1 : self._bounds[position + 1]])
