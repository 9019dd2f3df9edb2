"""Lists of the image files in a folder and of their classes, with notes of files that are left out."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from augsynth.core.files import is_data
from augsynth.core.names import listed, printable
from augsynth.core.typing import Ints
from augsynth.data.loading.walk import Found, images_below, is_image, scan
from augsynth.errors import ArgumentError, ArgumentTypeError, DataError, shown

KNOWN = ".jpg .jpeg .jfif .png .webp .avif .bmp .gif .tif .ppm, and the others that Pillow reads"


@dataclass(frozen=True)
class ClassFolders:
    """Class folders of one part (train or test).

    * `root`: folder of the part.
    * `folders`: paths of the folders of each class by its name, sorted by name. A class has several folders if their
      names are the same text in different Unicode forms, as copies between macOS and other systems make them.
    * `beside`: names of the images beside class folders.
    * `hidden`: names of hidden folders and images beside class folders.
    * `alone`: whether the images have no class folders and are one class.
    """

    root: Path
    folders: dict[str, list[str]]
    beside: list[str]
    hidden: list[str]
    alone: bool = False

    @classmethod
    def read(cls, root: Path, one_class: str | None = None) -> ClassFolders:
        """Read the names in a folder; raise `DataError` if there are no class folders.

        Args:
            root: folder of the class folders.
            one_class: name of the class of images that have no class folders; None (default) refuses them.
        """
        entries = scan(str(root))
        linked = [name for name in entries.links if os.path.isdir(os.path.join(root, name))]
        files = [name for name in (*entries.files, *entries.links) if is_image(name)]
        names = sorted((*entries.folders, *linked))
        hidden = [name for name in names if not is_data(name)] + [name for name in files if not is_data(name)]
        beside = [name for name in files if is_data(name) and name not in linked]
        folders: dict[str, list[str]] = {}
        for name in filter(is_data, names):
            folders.setdefault(class_name(name), []).append(os.path.join(root, name))
        if not folders and beside and one_class is not None:
            return cls(root, {class_name(one_class): [str(root)]}, [], [], alone=True)
        if not folders:
            raise DataError(f"no class folders in {root.name!r}; expected one subfolder a class, with images in it")
        return cls(root, dict(sorted(folders.items())), beside, hidden)

    def matched(self, names: Sequence[str]) -> tuple[dict[str, list[str]], list[str]]:
        """Return the folders of each of the classes `names`, and notes; raise `DataError` for another class.

        A folder whose name differs only in case from one class, and is that of no other, belongs to it.
        """
        folders, notes, unknown = {name: list[str]() for name in names}, list[str](), list[str]()
        for found, paths in self.folders.items():
            alike = [found] if found in folders else [name for name in names if name.casefold() == found.casefold()]
            if len(alike) != 1 or (alike[0] != found and alike[0] in self.folders):
                unknown.append(found)
                continue
            folders[alike[0]] += paths
            if alike[0] != found:
                notes.append(f"folder {found!r} in {self.root.name!r} holds the class {alike[0]!r}")
            if len(paths) > 1:
                notes.append(f"{len(paths)} folders in {self.root.name!r} are called {found!r}, and are one class")
        if unknown:
            known = listed(list(names))
            raise DataError(f"{self.root.name!r} has classes that are not known: {listed(unknown)}; known are {known}")
        return folders, notes


def class_name(folder: str) -> str:
    """Return the name of the class of a folder: its text in Unicode's composed form (NFC), always printable.

    >>> class_name("cafe\\u0301") == "caf\\u00e9"
    True
    """
    return unicodedata.normalize("NFC", printable(folder))


def check_classes(classes: Sequence[str] | None) -> tuple[str, ...] | None:
    """Return the names of classes that a caller gives, as `class_name` writes them; raise for other values.

    >>> check_classes(["cat", "dog"])
    ('cat', 'dog')
    """
    if classes is None:
        return None
    if isinstance(classes, (str, bytes)) or not isinstance(classes, Sequence) or not classes:
        raise ArgumentTypeError(f"classes must be a list of names, got {shown(classes)}")
    if not all(isinstance(name, str) for name in classes):
        raise ArgumentTypeError(f"classes must be names, got {shown(classes)}")
    names = tuple(map(class_name, classes))
    if len(set(names)) < len(names):
        raise ArgumentError(f"classes must differ, got {shown(classes)}")
    return names


@dataclass(frozen=True)
class Listing:
    """Chosen files of one part (train or test), their paths without links, classes, and notes of what was left out."""

    files: list[str]
    real: list[str]
    labels: Ints
    notes: list[str]


def list_files(
    part: ClassFolders, names: Sequence[str], max_per_class: int | None = None, seed: int = 0, partial: bool = False
) -> Listing:
    """List the image files of each class.

    Args:
        part: the class folders.
        names: names of all classes, in the order of their labels.
        max_per_class: largest number of files of each class, drawn by `seed`; None (default) for no limit.
        seed: seed of the draw.
        partial: True allows classes without images, and notes them; default False.
    """
    folders, notes = part.matched(names)
    if part.alone:
        [name] = part.folders
        notes.append(f"there are no class folders in {part.root.name!r}: its images are one class, {name!r}")
    walks = [[images_below(folder) for folder in folders[name]] for name in names]
    counts = [sum(len(found.images) for found in walk) for walk in walks]
    empty = [name for name, count in zip(names, counts, strict=True) if not count]
    if (empty and not partial) or not any(counts):
        raise DataError(
            f"no images of class {empty[0]!r} in {part.root.name!r}; the types read are {KNOWN}. Remove a folder that "
            "is no class"
        )
    notes += [f"no images in {part.root.name!r} of the classes {listed(empty)}"] if empty else []
    files, real, kept = [], [], []
    for label, walk in enumerate(walks):
        images = [path for found in walk for path in found.images]
        places = [path for found in walk for path in found.real]
        if max_per_class is not None and len(images) > max_per_class:
            order = np.sort(np.random.default_rng((seed, label)).permutation(len(images))[:max_per_class])
            images, places = [images[i] for i in order], [places[i] for i in order]
        files += images
        real += places
        kept.append(len(images))
    notes += _left_out(part, [found for walk in walks for found in walk])
    if len(files) < sum(counts):
        bound = f"at most {max_per_class} a class"
        notes.append(f"{len(files)} of {sum(counts)} images in {part.root.name!r} used, {bound}")
    return Listing(files, real, np.repeat(np.arange(len(names)), kept), notes)


def list_by(
    root: Path, class_of: Callable[[Path], str], classes: tuple[str, ...] | None
) -> tuple[tuple[str, ...], Listing]:
    """List all image files below a folder; return the names of all classes, and the files.

    Args:
        root: the folder.
        class_of: function of a path that returns the name of the class.
        classes: names of all classes; None for those that occur, sorted.
    """
    found = images_below(root)
    if not found.images:
        raise DataError(f"no images in {root.name!r}; the types read are {KNOWN}")
    names = [class_of(Path(path)) for path in found.images]
    wrong = next((name for name in names if not isinstance(name, str)), None)
    if wrong is not None:
        raise ArgumentTypeError(f"class_of must return the name of a class, got {shown(wrong)}")
    named = list(map(class_name, names))
    known = classes or tuple(sorted(set(named)))
    unknown = sorted(set(named).difference(known))
    if unknown:
        raise DataError(f"{root.name!r} has classes that are not known: {listed(unknown)}; known are {listed(known)}")
    labels = {name: label for label, name in enumerate(known)}
    numbers = np.array([labels[name] for name in named], np.int64)
    return known, Listing(found.images, found.real, numbers, left_out(root.name, found))


def shared_files(listings: Sequence[Listing]) -> list[str]:
    """Return notes about files that links add to several classes, or to training and test."""
    real = [path for listing in listings for path in listing.real]
    if len(set(real)) == len(real):
        return []
    several = [path for path, count in Counter(real).items() if count > 1]
    return [f"{listed([os.path.basename(path) for path in several])} used more than once, by links"]


def left_out(where: str, found: Found, beside: Sequence[str] = (), kind: str = "beside class folders") -> list[str]:
    """Return notes about what a walk has left out.

    Args:
        where: name of the folder.
        found: result of the walk.
        beside: names of images that were left out for another reason; default none.
        kind: the reason.
    """
    notes = [f"{len(found.strangers)} files in {where!r} are no images and were left out"] if found.strangers else []
    for names, reason in ((found.hidden, "hidden"), (found.repeated, "linked, and there already"), (beside, kind)):
        notes += [f"left out in {where!r}, as {reason}: {listed(sorted(names))}"] if names else []
    return notes


def _left_out(part: ClassFolders, walks: Sequence[Found]) -> list[str]:
    together = Found(hidden=list(part.hidden))
    for found in walks:
        together.hidden += found.hidden
        together.repeated += found.repeated
        together.strangers += found.strangers
    alike = Counter(name.casefold() for name in part.folders)
    twins = [name for name in part.folders if alike[name.casefold()] > 1]
    notes = [f"classes in {part.root.name!r} whose names differ only in case: {listed(twins)}"] if twins else []
    return notes + left_out(part.root.name, together, part.beside)
