"""WebDataset: tar files whose members are grouped by the first part of their names, read in the order of the tars."""

from __future__ import annotations

import io
import tarfile
from array import array
from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from augsynth.core.files import open_file
from augsynth.core.json import read_json
from augsynth.core.typing import Array
from augsynth.data.loading.walk import is_image
from augsynth.data.pools.reading.entries import Entry, digest_of
from augsynth.errors import DataError, shown
from augsynth.generators.targets import NAMES

_FIELDS = {f"{name}.npy": name for name in NAMES}
_NONE = -1


class TarReader:
    """Reader of tar files, of which it holds the places of the members: 48 bytes an image with a label.

    Args:
        files: the tar files, in order.
    """

    format = "webdataset"

    def __init__(self, files: list[Path]) -> None:
        self._files = files
        self._suffixes: list[str] = []
        self._places: dict[str, array[int]] = {}
        self._count = 0
        for number, file in enumerate(files):
            self._index(number, file)
        if not self._count:
            raise DataError(f"there are no images in {', '.join(map(str, files[:3]))}")
        images = [suffix for suffix in self._places if is_image(f"x.{suffix}")]
        if not images:
            raise DataError(f"the tar files hold no images, but members that end with {', '.join(self._places)}")
        self._images = images
        self.labelled = "cls" in self._places
        self.class_names = _names_beside(files[0])

    def __len__(self) -> int:
        return self._count

    def digest(self) -> str:
        """Return the SHA-256 of the names of the files and the places of all members."""
        places = (f"{suffix} {sha256(column).hexdigest()}" for suffix, column in sorted(self._places.items()))
        return digest_of([*(file.name for file in self._files), *places])

    def entries(self, first: int, count: int) -> Iterator[Entry]:
        """Return `count` entries from number `first` on."""
        opened: tuple[int, Any] | None = None
        try:
            for number in range(first, first + count):
                suffix = next((s for s in self._images if self._place(s, number)[0] != _NONE), None)
                if suffix is None:
                    raise DataError(f"item {number} of the tar files has no image")
                tar = self._place(suffix, number)[0]
                if opened is None or opened[0] != tar:
                    if opened is not None:
                        opened[1].close()
                    opened = tar, open_file(self._files[tar])
                yield self._entry(opened[1], suffix, number)
        finally:
            if opened is not None:
                opened[1].close()

    def _entry(self, stream: Any, suffix: str, number: int) -> Entry:
        name = f"item {number}, in {self._files[self._place(suffix, number)[0]].name}"
        label = None
        if self.labelled:
            text = self._data(stream, "cls", number, name).strip()
            if not text.isdigit():
                raise DataError(f"the label of {name} must be a number, got {shown(text)}")
            label = int(text)
        fields = {
            field: self._data(stream, ending, number, name)
            for ending, field in _FIELDS.items()
            if ending in self._places
        }
        target = partial(_arrays, fields, name) if fields else None
        return Entry(name, self._data(stream, suffix, number, name), label, target)

    def _data(self, stream: Any, suffix: str, number: int, name: str) -> bytes:
        tar, offset, size = self._place(suffix, number)
        if tar == _NONE:
            raise DataError(f"{name} has no .{suffix}, which other items have")
        stream.seek(offset)
        data: bytes = stream.read(size)
        if len(data) < size:
            raise DataError(f"{self._files[tar]} ends before {name} does")
        return data

    def _place(self, suffix: str, number: int) -> tuple[int, int, int]:
        tar, offset, size = self._places[suffix][3 * number : 3 * number + 3]
        return tar, offset, size

    def _index(self, number: int, file: Path) -> None:
        before = None
        try:
            with open_file(file) as stream, tarfile.open(fileobj=stream, mode="r:") as archive:
                while (member := archive.next()) is not None:
                    archive.members = []  # type: ignore[attr-defined]  # tarfile keeps all
                    if member.isfile():
                        folder, _, name = member.name.rpartition("/")
                        key, _, suffix = name.partition(".")
                        if key:  # no hidden file
                            self._add((folder, key) != before, suffix.lower(), number, member)
                            before = (folder, key)
                stream.seek(archive.offset)
                if stream.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):  # tarfile does not mind
                    raise DataError(f"{file} is cut off: it has no mark at its end")
        except (tarfile.TarError, OSError) as cause:
            raise DataError(f"{file} is no plain tar file: {cause}; unpack it if it is compressed") from cause

    def _add(self, new: bool, suffix: str, tar: int, member: tarfile.TarInfo) -> None:
        if new:
            self._count += 1
        for column in (*self._places.values(), self._places.setdefault(suffix, array("q"))):
            column.extend([_NONE] * (3 * self._count - len(column)))
        self._places[suffix][-3:] = array("q", (tar, member.offset_data, member.size))


def _arrays(fields: dict[str, bytes], name: str) -> dict[str, Array]:
    try:
        return {field: np.load(io.BytesIO(data), allow_pickle=False) for field, data in fields.items()}
    except Exception as cause:
        raise DataError(f"the targets of {name} cannot be read: {cause}") from cause


def _names_beside(file: Path) -> tuple[str, ...] | None:
    """Return the names of the classes, which an export writes beside its tar files."""
    path = file.with_name("class_names.json")
    if not path.exists():
        return None
    try:
        names = read_json(path)
    except (OSError, ValueError) as cause:
        raise DataError(f"{path} cannot be read: {cause}") from cause
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DataError(f"{path} must hold a list of names, got {shown(names)}")
    return tuple(names)
