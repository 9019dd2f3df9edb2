"""Image files below a folder, without hidden ones, each once even if several links lead to it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from augsynth.core.files import is_data

IMAGE_SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")


def is_image(name: str) -> bool:
    """Return whether a file with this name is read as an image."""
    return name.lower().endswith(IMAGE_SUFFIXES)


@dataclass
class Found:
    """Result of a walk.

    * `images`: paths by their real path.
    * `hidden`: names of hidden images and folders.
    * `repeated`: names of links to files and folders that were found already, or to a folder that contains them.
    * `strangers`: names of all other entries: files that are no images, broken links, FIFOs.
    """

    images: dict[str, Path] = field(default_factory=dict)
    hidden: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)


def images_below(root: Path, deep: bool = True) -> Found:
    """Return the images in a folder; links to files and folders are followed.

    Args:
        root: the folder.
        deep: also look in all folders below it; default True.
    """
    found, start = Found(), os.path.realpath(root)
    waiting, entered = [(str(root), start)], {start}
    while waiting:
        folder, real_folder = waiting.pop()
        for entry in _entries(folder):
            linked = entry.is_symlink()
            real = os.path.realpath(entry.path) if linked else os.path.join(real_folder, entry.name)
            is_folder = os.path.isdir(real) if linked else entry.is_dir()
            if not is_data(entry.name):
                found.hidden += [entry.name] if is_folder or is_image(entry.name) else []
            elif not is_folder:
                _add_file(found, entry, real)
            elif deep and (real in entered or start.startswith(os.path.join(real, ""))):
                found.repeated.append(entry.name)
            elif deep:
                entered.add(real)
                waiting.append((entry.path, real))
    found.images = dict(sorted(found.images.items(), key=lambda item: item[1]))
    return found


def _entries(folder: str) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def _add_file(found: Found, entry: os.DirEntry[str], real: str) -> None:
    if not (is_image(entry.name) and os.path.isfile(real)):
        found.strangers.append(entry.name)
    elif real in found.images:
        found.repeated.append(entry.name)
    else:
        found.images[real] = Path(entry.path)
