"""Folder of images: one subfolder a class, or images alone, which then have no labels."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from augsynth.core.files import is_data
from augsynth.core.names import listed
from augsynth.data.loading.listing import class_name
from augsynth.data.loading.walk import images_below, is_image, scan
from augsynth.data.pools.reading.entries import Entry, digest_of
from augsynth.errors import DataError


class FolderReader:
    """Reader of a folder of images, sorted by class and then by path.

    Hidden files are left out and links are followed, as in every folder that is loaded.

    Args:
        root: the folder.
    """

    format = "imagefolder"

    def __init__(self, root: Path) -> None:
        self._root = root
        entries = scan(str(root))
        linked = [name for name in entries.links if (root / name).is_dir()]
        folders = sorted(filter(is_data, (*entries.folders, *linked)), key=class_name)
        self.labelled = bool(folders)
        self.class_names = _names_of(root, folders) if folders else None
        self._files: list[str] = []
        self._firsts: list[int] = []
        for folder in folders or ["."]:
            self._firsts.append(len(self._files))
            found = images_below(root / folder, deep=bool(folders)).images
            self._files += [Path(os.path.relpath(path, root)).as_posix() for path in found]
            if not found:
                raise DataError(f"there are no images in {root / folder}")
        files = [*entries.files, *(set(entries.links) - set(linked))]
        beside = sorted(name for name in files if is_data(name) and is_image(name))
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


def _names_of(root: Path, folders: list[str]) -> tuple[str, ...]:
    names = tuple(map(class_name, folders))
    if len(set(names)) < len(names):
        twins = [folder for folder, name in zip(folders, names, strict=True) if names.count(name) > 1]
        raise DataError(
            f"{root} has folders of the same name in different forms of Unicode: {listed(twins)}; join them"
        )
    return names
