"""Files of a shard: `.npy` arrays that are written whole, and mapped into memory without an open file."""

from __future__ import annotations

import hashlib
import io
import math
import os
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import torch

from augsynth.core.files import open_file, replacing, sha256_of
from augsynth.core.npy import read_npy_header
from augsynth.errors import CheckpointError

_READ_UP_TO = 2**14


def images_file(number: int) -> str:
    """Return the name of the file with the images of a shard."""
    return f"images-{number:06d}.npy"


def labels_file(number: int) -> str:
    """Return the name of the file with the labels of a shard."""
    return f"labels-{number:06d}.npy"


def map_array(file: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Return an array of a shard, memory-mapped; changes of it do not reach the file.

    torch maps the file: Python's `mmap` keeps a file descriptor for each map, and a process has only 256 or 1024. Small
    arrays are read instead, because the number of maps of a process is limited too, and pools of many shards have small
    ones.

    Args:
        file: path of the file.
        shape: shape that it must have.
        dtype: dtype that it must have.
    """
    try:
        with open_file(file) as stream:
            start, size = extent(stream, shape, dtype)
            if size <= _READ_UP_TO:
                return np.fromfile(stream, np.uint8, size).view(dtype).reshape(shape)
        name: Any = os.fsencode(file)  # as text, torch refuses a name that is not UTF-8
        whole = torch.from_file(name, shared=False, size=start + size, dtype=torch.uint8, device="cpu")
    except (OSError, ValueError, RuntimeError) as cause:
        raise CheckpointError(f"shard {file} cannot be read: {cause}") from cause
    return whole.numpy()[start:].view(dtype).reshape(shape)


def read_array(file: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Return an array of a shard, in memory; raise `CheckpointError` if it is not of this shape and dtype.

    Args:
        file: path of the file.
        shape: shape that it must have.
        dtype: dtype that it must have.
    """
    try:
        with open_file(file) as stream:
            _, size = extent(stream, shape, dtype)
            return np.fromfile(stream, np.uint8, size).view(dtype).reshape(shape)
    except (OSError, ValueError) as cause:
        raise CheckpointError(f"shard {file} cannot be read: {cause}") from cause


def read_labels(file: Path, count: int) -> npt.NDArray[np.int64]:
    """Return the labels (n,) of a shard, in memory; raise `CheckpointError` if there are not `count` of them."""
    labels = read_array(file, (count,), np.dtype(np.int64))
    if labels.min() < 0:
        raise CheckpointError(f"shard {file} cannot be read: it holds the label {labels.min()}, expected 0 or more")
    return labels


def extent(stream: BinaryIO, shape: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[int, int]:
    """Return the offset and the number of bytes of a file's values; raise `ValueError` for other values or fewer.

    Args:
        stream: the file, at its beginning.
        shape: shape that its array must have.
        dtype: dtype that its array must have.
    """
    expected, size = _header(shape, dtype), math.prod(shape) * dtype.itemsize
    if stream.read(len(expected)) != expected:  # NumPy's reader of headers takes longer than all the rest
        stream.seek(0)
        header = read_npy_header(stream)
        if header.shape != shape or header.dtype != dtype or header.fortran:
            raise ValueError(f"it holds {header.dtype} {header.shape}, expected {dtype} {shape}")
    held = os.fstat(stream.fileno()).st_size - stream.tell()
    if held < size:
        raise ValueError(f"it holds {held} bytes of values, its header says {size}")
    return stream.tell(), size


@lru_cache(64)
def _header(shape: tuple[int, ...], dtype: np.dtype[Any]) -> bytes:
    """Return the header that NumPy writes for an array."""
    stream = io.BytesIO()
    description = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, description)
    return stream.getvalue()


class _HashingFile:
    """File that computes the SHA-256 of its content while it is written."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.sha256 = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.sha256.update(data)
        return self._stream.write(data)


def write_array(file: Path, array: npt.NDArray[np.generic]) -> str:
    """Write an .npy file whole or not at all; returns its SHA-256."""
    with replacing(file) as stream:
        hashing = _HashingFile(stream)
        np.save(hashing, np.ascontiguousarray(array), allow_pickle=False)
    return hashing.sha256.hexdigest()


def is_intact(file: Path, sha256: str) -> bool:
    """Return whether a file can be read and has this SHA-256."""
    try:
        return sha256_of(file) == sha256
    except OSError:
        return False
