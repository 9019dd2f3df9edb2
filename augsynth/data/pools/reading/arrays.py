"""Arrays: in memory, in `.npy` files and in `.npz` archives, which are read row by row and never as a whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any
from zipfile import ZipFile

import numpy as np

from augsynth.core.arrays import to_numpy
from augsynth.core.files import open_file
from augsynth.core.npy import NpyHeader, read_npy_header
from augsynth.core.typing import Array
from augsynth.data.pools.reading.entries import Entry, digest_of
from augsynth.errors import AugsynthError, DataError, shown

_CHUNK = 2**24


class ArrayReader:
    """Reader of arrays in memory, or of an `.npy` file.

    Args:
        images: uint8 (N, H, W) or (N, H, W, C); a torch tensor is (N, C, H, W).
        labels: integers (N,), or None.
        name: name of the source.
    """

    format = "arrays"
    class_names: tuple[str, ...] | None = None

    def __init__(self, images: Any, labels: Any = None, name: str = "arrays") -> None:
        given = to_numpy(images, "images") if not isinstance(images, np.memmap) else images
        if not isinstance(images, np.ndarray) and given.ndim == 4:
            given = given.transpose(0, 2, 3, 1)
        _require_images(given.dtype, given.shape, name)
        self._images = given[..., None] if given.ndim == 3 else given
        self._labels = None if labels is None else _checked_labels(to_numpy(labels, "labels"), len(given), name)
        self._name = name
        self.labelled = self._labels is not None

    def __len__(self) -> int:
        return len(self._images)

    def digest(self) -> str:
        """Return the SHA-256 of the arrays."""
        digest = hashlib.sha256(f"{self._images.shape}".encode())
        for first in range(0, len(self), 256):
            digest.update(np.ascontiguousarray(self._images[first : first + 256]).tobytes())
        if self._labels is not None:
            digest.update(self._labels.tobytes())
        return digest.hexdigest()

    def entries(self, first: int, count: int) -> Iterator[Entry]:
        """Return `count` entries from number `first` on."""
        for number in range(first, first + count):
            label = None if self._labels is None else int(self._labels[number])
            yield Entry(f"image {number} of {self._name}", np.asarray(self._images[number]), label)


class NpzReader:
    """Reader of the images of an archive, compressed or not, which unpacks them row by row.

    Args:
        file: archive with `images`, and perhaps `labels`, as integers or names.
    """

    format = "arrays"

    def __init__(self, file: Path) -> None:
        self._file = file
        try:
            with open_file(file) as stream, ZipFile(stream) as archive:
                members = {name.removesuffix(".npy"): archive.getinfo(name) for name in archive.namelist()}
                if "images" not in members:
                    raise DataError(f"{file} has no array 'images', found {', '.join(map(repr, members)) or 'nothing'}")
                self._digest = digest_of(f"{name} {info.CRC} {info.file_size}" for name, info in members.items())
                self._member = members["images"].filename
                with archive.open(self._member) as opened:
                    self._header = read_npy_header(opened)
                labels = _read(archive, members["labels"].filename) if "labels" in members else None
        except DataError:
            raise
        except Exception as cause:  # a damaged archive makes zipfile and NumPy raise nearly anything
            raise DataError(f"{file} is no readable .npz of plain arrays: {cause}") from cause
        _require_images(self._header.dtype, self._header.shape, str(file))
        if self._header.fortran:
            raise DataError(f"the images of {file} are stored by columns: save numpy.ascontiguousarray(images)")
        self.class_names, self._labels = _named(labels, self._header.shape[0], str(file))
        self.labelled = self._labels is not None
        self._opened: tuple[ZipFile, IO[bytes]] | None = None
        self._next = 0

    def __len__(self) -> int:
        return int(self._header.shape[0])

    def digest(self) -> str:
        """Return the SHA-256 of the checksums in the archive."""
        return self._digest

    def entries(self, first: int, count: int) -> Iterator[Entry]:
        """Return `count` entries from number `first` on."""
        shape = self._header.shape[1:] if len(self._header.shape) == 4 else (*self._header.shape[1:], 1)
        try:
            stream = self._stream_at(first)
            for number in range(first, first + count):
                row = np.frombuffer(_exactly(stream, int(np.prod(shape))), np.uint8).reshape(shape)
                self._next = number + 1
                label = None if self._labels is None else int(self._labels[number])
                yield Entry(f"image {number} of {self._file.name}", row, label)
        except AugsynthError:
            raise
        except Exception as cause:
            raise DataError(f"the images of {self._file} cannot be unpacked: {cause}") from cause

    def _stream_at(self, row: int) -> IO[bytes]:
        if self._opened is None or row < self._next:
            archive = ZipFile(self._file)
            self._opened = archive, archive.open(self._member)
            read_npy_header(self._opened[1])
            self._next = 0
        stream = self._opened[1]
        skipped = (row - self._next) * int(np.prod(self._header.shape[1:]))
        while skipped:
            skipped -= len(_exactly(stream, min(skipped, _CHUNK)))
        self._next = row
        return stream


def npy_reader(file: Path) -> ArrayReader:
    """Return a reader of an `.npy` file, which is memory-mapped.

    Args:
        file: the file.
    """
    try:
        images = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as cause:
        raise DataError(f"{file} is no .npy file of a plain array: {cause}") from cause
    return ArrayReader(images, None, file.name)


def _exactly(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size)
    while len(data) < size:
        more = stream.read(size - len(data))
        if not more:
            raise ValueError("it ends too early")
        data += more
    return data


def _read(archive: ZipFile, member: str) -> Array:
    """Return a small member, the labels; raise `ValueError` if its header claims more than there is."""
    with archive.open(member) as stream:
        header: NpyHeader = read_npy_header(stream)
        held = archive.getinfo(member).file_size - stream.tell()
        if header.dtype.hasobject or header.nbytes != held:
            raise ValueError(f"{member} says it holds {header.dtype} {header.shape}, and has {held} bytes of it")
        values: Array = np.frombuffer(_exactly(stream, held), header.dtype).reshape(header.shape)
        return values


def _require_images(dtype: np.dtype[Any], shape: tuple[int, ...], name: str) -> None:
    if dtype != np.uint8 or len(shape) not in (3, 4) or 0 in shape or (len(shape) == 4 and shape[-1] > 16):
        raise DataError(
            f"images of {name} must be uint8 (N, H, W) or (N, H, W, C) with C up to 16, got {dtype} {shape}"
        )


def _checked_labels(labels: Array, count: int, name: str) -> Array:
    if labels.shape != (count,) or labels.dtype.kind not in "iu" or labels.min() < 0:
        raise DataError(f"labels of {name} must be integers of at least 0 ({count},), got {shown(labels.tolist())}")
    return labels.astype(np.int64)


def _named(labels: Array | None, count: int, name: str) -> tuple[tuple[str, ...] | None, Array | None]:
    """Return the names of classes, if labels are texts, and the labels as integers."""
    if labels is None or labels.dtype.kind not in "SU":
        return None, None if labels is None else _checked_labels(labels, count, name)
    names, codes = np.unique(labels, return_inverse=True)
    text = tuple(n.decode(errors="backslashreplace") if isinstance(n, bytes) else str(n) for n in names.tolist())
    return text, _checked_labels(codes, count, name)
