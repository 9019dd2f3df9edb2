"""Images and labels from an `.npz` archive, whose sizes are checked before memory is allocated."""

from __future__ import annotations

import os
from pathlib import Path
from zipfile import ZipFile, ZipInfo

import numpy as np

from augsynth.core.files import open_file
from augsynth.core.npy import read_npy_header
from augsynth.core.typing import Array
from augsynth.errors import DataError

_ALWAYS = 2**30
_PACKED = 200


def read_npz(path: Path) -> tuple[Array, Array | None]:
    """Return `images` and `labels` of an archive, with None for labels if only `images` exist; raise `DataError`."""
    try:
        with open_file(path) as file, ZipFile(file) as archive:
            members = {name.removesuffix(".npy"): archive.getinfo(name) for name in archive.namelist()}
            missing = [key for key in ("images", "labels") if key not in members]
            if missing and list(members) != ["images"]:
                raise DataError(
                    f"{path.name} has no array {' or '.join(map(repr, missing))}; expected 'images' and 'labels' "
                    f"(or 'images' alone), found {', '.join(map(repr, members)) or 'nothing'}"
                )
            size = os.fstat(file.fileno()).st_size
            images = _array(archive, members["images"], size)
            return images, _array(archive, members["labels"], size) if "labels" in members else None
    except DataError:
        raise
    except Exception as error:  # a damaged archive makes zipfile and NumPy raise nearly anything
        raise DataError(f"{path.name} is no readable .npz of plain arrays: {error}") from error


def _array(archive: ZipFile, member: ZipInfo, size: int) -> Array:
    """Return a member of an archive of `size` bytes; raise `ValueError` for a false header or for too high compression.

    Compressed images rarely have a hundredth of their size. A few bytes that become gigabytes are an attack.
    """
    with archive.open(member) as stream:
        header = read_npy_header(stream)
        held = member.file_size - stream.tell()
    if header.dtype.hasobject or header.nbytes != held:
        raise ValueError(f"{member.filename} says it holds {header.dtype} {header.shape}, and has {held} bytes of it")
    if header.nbytes > max(_ALWAYS, _PACKED * min(member.compress_size, size)):
        raise ValueError(
            f"{member.filename} would take {header.nbytes / 1e9:.3g} GB, from a file of {size / 1e9:.3g} GB: if you "
            "trust it, save it again with numpy.savez, which does not compress"
        )
    with archive.open(member) as stream:
        array: Array = np.lib.format.read_array(stream, allow_pickle=False)
    return array
