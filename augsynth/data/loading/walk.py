"""The image files below a folder: no hidden ones, and each once, however many links lead to it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from augsynth.core.files import is_data

IMAGE_SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")


def is_image(name: str) -> bool:
    """True for the name of a file that is read as an image."""
    return name.lower().endswith(IMAGE_SUFFIXES)


@dataclass
class Found:
    """The result of a walk: `images` by their real path, and the names of what was left out.

    `hidden` are images and folders that are no data, `repeated` links to what is there already or to a folder that
    they lie in, `strangers` all else: files that are no images, links to nothing, FIFOs.
    """

    images: dict[str, Path] = field(default_factory=dict)
    hidden: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)


def images_below(root: Path, deep: bool = True) -> Found:
    """The images in a folder, and with `deep` in all folders below it. Links are followed, to files and to folders."""
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
