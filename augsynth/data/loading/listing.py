"""Lists of the image files in a folder and of their classes, with notes of files that are left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from augsynth.core.files import is_data
from augsynth.data.loading.walk import IMAGE_SUFFIXES, Found, images_below
from augsynth.errors import DataError

_NAMED = 3


@dataclass(frozen=True)
class Listing:
    """Chosen files of one part (train or test), their real paths and classes, and notes of files that were left out."""

    files: list[Path]
    real: list[str]
    labels: list[int]
    notes: list[str]


def subfolders(folder: Path) -> list[Path]:
    """Return the folders in a folder, sorted, without hidden ones."""
    return sorted(path for path in folder.iterdir() if path.is_dir() and is_data(path.name))


def class_folders(folder: Path) -> dict[str, Path]:
    """Return the folders of the classes by name; raise `DataError` if there are none."""
    classes = {path.name: path for path in subfolders(folder)}
    if not classes:
        raise DataError(f"no class folders in {folder.name!r}; expected one subfolder a class, with images in it")
    return classes


def classes_or_one(folder: Path, root: Path) -> dict[str, Path]:
    """Return the folders of the classes by name; images without folders are one class with the name of `root`."""
    if not subfolders(folder) and images_below(folder, deep=False).images:
        return {root.resolve().name: folder}
    return class_folders(folder)


def list_files(
    folder: Path, classes: dict[str, Path], names: Sequence[str], max_per_class: int | None, seed: int
) -> Listing:
    """List the image files of each class.

    Args:
        folder: folder of the class folders.
        classes: class folders by name.
        names: names of all classes, in the order of their labels.
        max_per_class: largest number of files of each class, drawn by `seed`; None for no limit.
        seed: seed of the draw.
    """
    unknown = sorted(set(classes) - set(names))
    if unknown:
        raise DataError(f"{folder.name!r} has classes that the training folder lacks: {', '.join(unknown)}")
    listing, walks = Listing([], [], [], []), []
    for label, name in enumerate(names):
        found = images_below(classes[name]) if name in classes else Found()
        if not found.images:
            known = " ".join(IMAGE_SUFFIXES)
            raise DataError(f"no images of class {name!r} in {folder.name!r}; the types read are {known}")
        order = np.random.default_rng((seed, label)).permutation(len(found.images))[:max_per_class]
        real, files = list(found.images), list(found.images.values())
        listing.files.extend(files[i] for i in np.sort(order))
        listing.real.extend(real[i] for i in np.sort(order))
        listing.labels.extend([label] * len(order))
        walks.append(found)
    listing.notes.extend(_left_out(folder, classes, walks))
    count = sum(len(found.images) for found in walks)
    if len(listing.files) < count:
        bound = f"at most {max_per_class} a class"
        listing.notes.append(f"{len(listing.files)} of {count} images in {folder.name!r} used, {bound}")
    return listing


def shared_files(listings: Sequence[Listing]) -> list[str]:
    """Return notes about files that links add to several classes, or to training and test."""
    uses = Counter(path for listing in listings for path in listing.real)
    several = [path for path, count in uses.items() if count > 1]
    return [f"{_named([Path(path).name for path in several])} used more than once, by links"] if several else []


def _left_out(folder: Path, classes: dict[str, Path], walks: list[Found]) -> list[str]:
    beside = Found() if folder in classes.values() else images_below(folder, deep=False)
    images = [path.name for path in beside.images.values()]
    hidden = beside.hidden + [name for found in walks for name in found.hidden]
    repeated = [name for found in walks for name in found.repeated]
    strangers = sum(len(found.strangers) for found in walks)
    notes = [f"{strangers} files in {folder.name!r} are no images and were left out"] if strangers else []
    for names, kind in ((hidden, "hidden"), (repeated, "linked, and there already"), (images, "beside class folders")):
        notes += [f"left out in {folder.name!r}, as {kind}: {_named(names)}"] if names else []
    return notes


def _named(names: list[str]) -> str:
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
