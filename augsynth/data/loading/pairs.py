"""Files of two folders that belong together by their names."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from augsynth.core.names import listed
from augsynth.data.loading.listing import class_name, left_out
from augsynth.data.loading.walk import Found, images_below, is_image
from augsynth.errors import DataError


class Keyed(NamedTuple):
    """Files of a folder by their keys, sorted, and notes of what was left out.

    A key is the path below the folder without the suffix, in Unicode's composed form, so that files of two folders
    match whatever system wrote their names.
    """

    files: dict[str, str]
    notes: list[str]


def check_folder(folder: str | Path, what: str) -> Path:
    """Return the absolute path of a folder; `DataError` if there is none.

    Args:
        folder: its path.
        what: what messages call it.
    """
    path = Path(folder).absolute()
    if not path.is_dir():
        raise DataError(f"no folder {str(folder)!r} of {what}")
    return path


def keyed_files(folder: Path, accepts: Callable[[str], bool] = is_image) -> Keyed:
    """Return the files below a folder by their keys; `DataError` for two files of one key.

    Args:
        folder: the folder.
        accepts: tells by its name whether a file is one of those that are looked for; default image files.
    """
    try:
        found: Found = images_below(folder, accepts=accepts)
    except OSError as error:
        raise DataError(f"cannot read {str(folder)!r}: {error}") from error
    files: dict[str, str] = {}
    for path in found.images:
        key = class_name(os.path.splitext(os.path.relpath(path, folder))[0])
        if key in files:
            first, second = (os.path.basename(one) for one in (files[key], path))
            raise DataError(
                f"two files of {folder.name!r} have one name, {first} and {second}: which of them is meant?"
            )
        files[key] = path
    return Keyed(files, left_out(folder.name, found))


def unmatched(keys: Sequence[str], others: dict[str, str], what: str) -> list[str]:
    """Return a note about keys that are not among others.

    Args:
        keys: the keys.
        others: files by their keys.
        what: words for such files, as in "2 images without a mask".
    """
    alone = [key for key in keys if key not in others]
    return [f"{len(alone)} {what} were left out: {listed(alone)}"] if alone else []
