"""All shards of a pool in one range of addresses, so that a batch of random images is one operation of NumPy."""

from __future__ import annotations

import ctypes
import math
import mmap
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from augsynth.core.files import open_file
from augsynth.data.pools.shards import extent
from augsynth.errors import CheckpointError

SUPPORTED = sys.platform == "linux"
_MAP_FIXED = 0x10
_FAILED = ctypes.c_void_p(-1).value


class ShardRange:
    """Images of many files at equal distances in memory; a file is mapped when it is first read. Linux alone has it.

    Python reserves the range, which stays reserved while an array of it lives, and maps the files over it.

    Args:
        files: the files.
        counts: number of images in each file.
        image_shape: (C, H, W).
    """

    def __init__(self, files: Sequence[Path], counts: Sequence[int], image_shape: tuple[int, int, int]) -> None:
        self._files, self._counts, self._shape = files, counts, image_shape
        self._start, _ = self._extent(0)
        row = math.prod(image_shape)
        unit = math.lcm(row, mmap.PAGESIZE)  # so that one index leads to every image of every file
        distance = -(-(self._start + max(counts) * row) // unit) * unit
        # Memory that can only be read takes nothing, however long it is.
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        self._bytes = np.frombuffer(mmap.mmap(-1, len(files) * distance, flags=flags, prot=mmap.PROT_READ), np.uint8)
        rows = (len(self._bytes) - self._start) // row
        self._rows = self._bytes[self._start : self._start + rows * row].reshape(rows, row)
        self._distance, self._rows_apart = distance, distance // row
        self._mapped = np.zeros(len(files), np.bool_)
        self._map_file: Any = ctypes.CDLL(None, use_errno=True).mmap
        self._map_file.restype = ctypes.c_void_p
        self._map_file.argtypes = (ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long)

    def take(self, numbers: npt.NDArray[np.int64], rows: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        """Return a copy of images, uint8 (n, C, H, W).

        Args:
            numbers: number of the file of each image.
            rows: number of each image in its file.
        """
        known = self._mapped[numbers]
        if not known.all():
            for number in np.unique(numbers[~known]).tolist():
                self._map(number)
        images: npt.NDArray[np.uint8] = self._rows.take(numbers * self._rows_apart + rows, axis=0)
        return images.reshape(len(rows), *self._shape)

    def _map(self, number: int) -> None:
        start, size = self._extent(number)
        file = self._files[number]
        if start != self._start:
            raise CheckpointError(f"shard {file} cannot be read: its images begin at byte {start}, not {self._start}")
        place = self._bytes.ctypes.data + number * self._distance
        with open_file(file) as stream:
            found = self._map_file(
                place, start + size, mmap.PROT_READ, mmap.MAP_PRIVATE | _MAP_FIXED, stream.fileno(), 0
            )
        if found == _FAILED:
            cause = os.strerror(ctypes.get_errno())
            raise CheckpointError(f"shard {file} cannot be mapped: {cause}")
        self._mapped[number] = True

    def _extent(self, number: int) -> tuple[int, int]:
        file = self._files[number]
        try:
            with open_file(file) as stream:
                return extent(stream, (self._counts[number], *self._shape), np.dtype(np.uint8))
        except (OSError, ValueError) as cause:
            raise CheckpointError(f"shard {file} cannot be read: {cause}") from cause
