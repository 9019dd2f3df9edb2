"""Records of finished shards, from which the manifest is written at the end: a small hidden file for each shard.

The file of a shard is also the lock of the process that makes it. So any number of processes fill a pool together, and
the shard of a killed process is made again by another one. A record that was not written to its end counts for nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from augsynth.core.json import parse_json
from augsynth.data.pools.entries import Shard
from augsynth.data.pools.locks import locked_file
from augsynth.errors import CheckpointError

_PREFIX, _SUFFIX = ".shard-", ".json"
_END = "}\n"
_MOST_BYTES = 2**16


class Claim:
    """The record of a shard, locked by this process."""

    def __init__(self, handle: int, file: Path) -> None:
        self._handle = handle
        self._file = file

    def read(self) -> Shard | None:
        """Return the shard, or None if it is not finished."""
        os.lseek(self._handle, 0, os.SEEK_SET)
        return _parsed(os.read(self._handle, _MOST_BYTES), self._file)

    def write(self, shard: Shard) -> None:
        """Record that a shard is finished; after the call, the record is on the disk."""
        os.ftruncate(self._handle, 0)
        os.lseek(self._handle, 0, os.SEEK_SET)
        with open(self._handle, "wb", closefd=False) as stream:
            stream.write((json.dumps(shard.as_json()) + "\n").encode())
        os.fsync(self._handle)


@contextmanager
def claimed(folder: Path, number: int, *, wait: bool) -> Iterator[Claim | None]:
    """Claim a shard for a block; yield None if another process makes it now.

    Args:
        folder: folder of the pool.
        number: number of the shard.
        wait: wait for the other process.
    """
    file = _file(folder, number)
    with locked_file(file, wait=wait) as handle:
        yield None if handle is None else Claim(handle, file)


def read_record(folder: Path, number: int) -> Shard | None:
    """Return a finished shard that the manifest does not list yet; None if there is no record of it."""
    file = _file(folder, number)
    try:
        return _parsed(file.read_bytes(), file)
    except FileNotFoundError:
        return None
    except OSError as cause:
        raise CheckpointError(f"{file} cannot be read: {cause}") from cause


def remove_records(folder: Path) -> None:
    """Remove all records of a folder."""
    for file in record_files(folder):
        with suppress(FileNotFoundError):
            file.unlink()


def record_files(folder: Path) -> list[Path]:
    """Return the records of a folder."""
    with os.scandir(folder) as entries:
        return [Path(entry) for entry in entries if entry.name.startswith(_PREFIX) and entry.name.endswith(_SUFFIX)]


def _file(folder: Path, number: int) -> Path:
    return folder / f"{_PREFIX}{number:06d}{_SUFFIX}"


def _parsed(data: bytes, file: Path) -> Shard | None:
    text = data.decode("utf-8", "replace")
    if not text.endswith(_END):
        return None
    try:
        return Shard.from_json(parse_json(text))
    except (KeyError, TypeError, ValueError) as cause:
        raise CheckpointError(f"{file} is damaged: {cause}; remove it, and the shard is made again") from cause
