"""Image files below a folder, without hidden ones, each once even if several links lead to it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from augsynth.core.files import is_data

# fmt: off
IMAGE_SUFFIXES = frozenset((
    ".avif", ".bmp", ".dib", ".gif", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm", ".pcx", ".pgm", ".png", ".pnm",
    ".ppm", ".qoi", ".tga", ".tif", ".tiff", ".webp",
))
# fmt: on
"""Suffixes of image files that are known without Pillow, which takes time to import."""

_AS_USUAL = (*IMAGE_SUFFIXES, *(suffix.upper() for suffix in IMAGE_SUFFIXES))
# Pillow reads these, but they hold no pictures of a data set: documents that run a program, films, and numbers.
_NO_PICTURES = frozenset(("BUFR", "EPS", "GRIB", "HDF5", "IPTC", "MPEG", "WMF"))


def is_image(name: str) -> bool:
    """Return whether a file with this name is read as an image: by its suffix, in small or capital letters.

    >>> [name for name in ("a.JPG", "a.jfif", "a.dds", "a.txt", "a.eps", "jpg") if is_image(name)]
    ['a.JPG', 'a.jfif', 'a.dds']
    """
    return _suffix(name) in IMAGE_SUFFIXES or _suffix(name) in _suffixes_of_pillow()


def _suffix(name: str) -> str:
    return name[name.rfind(".") :].lower()


def _suffixes_of_pillow() -> frozenset[str]:
    """Return the suffixes of all that Pillow reads, with those that plugins of the user have registered."""
    try:
        from PIL import Image
    except ImportError:
        return frozenset()
    return _readable(len(Image.registered_extensions()))


@lru_cache(maxsize=1)
def _readable(registered: int) -> frozenset[str]:
    """Return the suffixes of the formats that Pillow opens; `registered` is their number, which plugins raise."""
    from PIL import Image

    known = Image.registered_extensions()
    return frozenset(suffix for suffix, kind in known.items() if kind in Image.OPEN and kind not in _NO_PICTURES)


class Entries(NamedTuple):
    """Names in a folder, sorted. What is no file, no folder and no link (a FIFO, a device) is in `others`."""

    files: list[str]
    folders: list[str]
    links: list[str]
    others: list[str]


def scan(folder: str) -> Entries:
    """Return the names in a folder. The system is asked once, and for no single file."""
    entries = Entries([], [], [], [])
    with os.scandir(folder) as listed:
        for entry in listed:
            if entry.is_file(follow_symlinks=False):
                entries.files.append(entry.name)
            elif entry.is_symlink():
                entries.links.append(entry.name)
            else:
                (entries.folders if entry.is_dir() else entries.others).append(entry.name)
    for names in entries:
        names.sort()
    return entries


@dataclass
class Found:
    """Result of a walk.

    * `images`: paths, sorted by their parts.
    * `real`: their paths without links.
    * `hidden`: names of hidden images and folders.
    * `repeated`: names of links to files and folders that are found anyway, or to a folder that contains them.
    * `strangers`: names of all other entries: files that are no images, broken links, FIFOs.
    """

    images: list[str] = field(default_factory=list)
    real: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)


def images_below(root: str | os.PathLike[str], deep: bool = True, accepts: Callable[[str], bool] = is_image) -> Found:
    """Return the images in a folder, or other files; links to files and folders are followed.

    Args:
        root: the folder.
        deep: also look in all folders below it; default True.
        accepts: tells by its name whether a file is one of those that are looked for; default image files.
    """
    folder = os.fspath(root)
    walk = _Walk(os.path.realpath(folder), deep, accepts)
    walk.enter(folder, walk.start)
    walk.follow()
    found = walk.found
    if not walk.ordered:
        order = sorted(range(len(found.images)), key=lambda number: found.images[number].split(os.sep))
        found.images = [found.images[number] for number in order]
        found.real = [found.real[number] for number in order]
    return found


class _Walk:
    """State of a walk: the folders that were entered, by their real paths, and the links that are still to follow."""

    def __init__(self, start: str, deep: bool, accepts: Callable[[str], bool]) -> None:
        self.start = start
        self.found = Found()
        self.ordered = True  # depth first, so files are in order until a folder has both files and folders
        self._deep = deep
        self._accepts = accepts
        self._usual = _AS_USUAL if accepts is is_image else ()
        self._entered = {start}
        self._linked_files: list[str] = []
        self._linked_folders: list[str] = []

    def enter(self, folder: str, real: str) -> None:
        """Add all that is in a folder and in the folders below it, and remember the links."""
        waiting = [(folder, real)]
        while waiting:
            folder, real = waiting.pop()
            entries = scan(folder)
            self._add_files(entries.files, folder, real)
            self.found.strangers += entries.others
            self._sort_links(entries.links, folder)
            self.ordered &= not (entries.files and entries.folders)
            for name in reversed(entries.folders):
                below, real_below = os.path.join(folder, name), os.path.join(real, name)
                if not is_data(name):
                    self.found.hidden.append(name)
                elif self._deep and real_below in self._entered:
                    self.found.repeated.append(name)
                elif self._deep:
                    self._entered.add(real_below)
                    waiting.append((below, real_below))

    def follow(self) -> None:
        """Follow the links. What is there without a link is not added again."""
        self.ordered &= not (self._linked_folders or self._linked_files)
        while self._linked_folders:
            path = self._linked_folders.pop(0)
            real = os.path.realpath(path)
            if real in self._entered or self.start.startswith(os.path.join(real, "")):
                self.found.repeated.append(os.path.basename(path))
            else:
                self._entered.add(real)
                self.enter(path, real)
        known = set(self.found.real) if self._linked_files else set()
        for path in sorted(self._linked_files):
            real = os.path.realpath(path)
            if real in known:
                self.found.repeated.append(os.path.basename(path))
            else:
                known.add(real)
                self.found.images.append(path)
                self.found.real.append(real)

    def _add_files(self, names: list[str], folder: str, real: str) -> None:
        # Most folders hold nothing but such names, and one call of `endswith` is quicker than any other test.
        images = [name for name in names if name.endswith(self._usual) and name[0] != "."]
        if len(images) < len(names):
            images = [name for name in names if is_data(name) and self._accepts(name)]
            others = set(names).difference(images)
            self.found.hidden += [
                name for name in names if name in others and not is_data(name) and self._accepts(name)
            ]
            self.found.strangers += [name for name in names if name in others and is_data(name)]
        here, real_here = os.path.join(folder, ""), os.path.join(real, "")
        paths = [here + name for name in images]
        self.found.images += paths
        self.found.real += paths if real_here == here else [real_here + name for name in images]

    def _sort_links(self, names: list[str], folder: str) -> None:
        for name in names:
            path = os.path.join(folder, name)
            is_folder = os.path.isdir(path)
            if not is_data(name):
                self.found.hidden += [name] if is_folder or self._accepts(name) else []
            elif is_folder:
                self._linked_folders += [path] if self._deep else []
            elif self._accepts(name) and os.path.isfile(path):
                self._linked_files.append(path)
            else:
                self.found.strangers.append(name)
