"""Folder of images: one subfolder a class, or images alone, which then have no labels."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from augsynth.core.files import is_data
from augsynth.data.loading.walk import is_image
from augsynth.data.pools.reading.entries import Entry, digest_of
from augsynth.errors import DataError


class FolderReader:
    """Reader of a folder of images, sorted by class and then by path. Hidden files are left out.

    Args:
        root: the folder.
    """

    format = "imagefolder"

    def __init__(self, root: Path) -> None:
        self._root = root
        folders = [name for name in _sorted(root) if os.path.isdir(root / name)]
        self.labelled = bool(folders)
        self.class_names = tuple(folders) if folders else None
        self._files: list[str] = []
        self._firsts: list[int] = []
        for folder in folders or ["."]:
            self._firsts.append(len(self._files))
            self._files += _images(root, folder, deep=bool(folders))
            if len(self._files) == self._firsts[-1]:
                raise DataError(f"there are no images in {root / folder}")
        beside = [name for name in _sorted(root) if is_image(name) and not (root / name).is_dir()]
        if folders and beside:
            raise DataError(
                f"{root} has images beside its class folders, {beside[0]!r} for example: move them into one"
            )

    def __len__(self) -> int:
        return len(self._files)

    def digest(self) -> str:
        """Return the SHA-256 of the names and sizes of the files."""
        sizes = (os.path.getsize(self._root / name) for name in self._files)
        return digest_of(f"{name} {size}" for name, size in zip(self._files, sizes, strict=True))

    def entries(self, first: int, count: int) -> Iterator[Entry]:
        """Return `count` entries from number `first` on."""
        from bisect import bisect_right

        for number in range(first, first + count):
            label = bisect_right(self._firsts, number) - 1 if self.labelled else None
            yield Entry(self._files[number], self._root / self._files[number], label)


def _sorted(folder: Path) -> list[str]:
    return sorted(name for name in os.listdir(folder) if is_data(name))


def _images(root: Path, folder: str, *, deep: bool) -> list[str]:
    """Return the images in a folder, sorted, by their paths from the root."""
    found = []
    for name in _sorted(root / folder):
        path = name if folder == "." else f"{folder}/{name}"
        if deep and (root / path).is_dir() and not (root / path).is_symlink():
            found += _images(root, path, deep=True)
        elif is_image(name) and (root / path).is_file():
            found.append(path)
    return found
