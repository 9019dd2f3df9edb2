"""A folder in the form of Pascal VOC as a data set for detection."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from augsynth.core.files import open_file
from augsynth.core.names import listed, printable
from augsynth.core.positions import Positional
from augsynth.data.loading.damage import OnError, check_on_error, failures_note, unreadable
from augsynth.data.loading.encoded import EncodedImage, Mode, check_mode
from augsynth.data.loading.listing import check_classes, class_name
from augsynth.data.loading.pairs import Keyed, check_folder, keyed_files, unmatched
from augsynth.data.loading.paths import FilePaths
from augsynth.errors import DataError, shown

_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_FIRST_PIXEL = (1.0, 1.0, 0.0, 0.0)


class Annotation(NamedTuple):
    """Content of an annotation: stated size (H, W) or None, boxes (x1, y1, x2, y2), names, and difficult flags."""

    size: tuple[int, int] | None
    boxes: list[tuple[float, ...]]
    names: list[str]
    difficult: list[bool]


class VOCFolder(Positional[dict[str, Any]], Dataset[dict[str, Any]]):
    """Data set of images with boxes from `Annotations/*.xml` and `JPEGImages/*`, or from one folder with both.

    An item is a dict: "image" is an `EncodedImage`; "boxes" is float32 (N, 4), corners x1 y1 x2 y2 in pixels; "labels"
    is int64 (N,), an index into `class_names`; "difficult" is bool (N,). VOC counts pixels from 1 and names the first
    and the last one, so the corners are (xmin − 1, ymin − 1, xmax, ymax). `class_names` are those of all annotations,
    sorted, so that all splits have the same labels. `notes` has sentences about the files that were left out.

    Raises `DataError` for a malformed annotation, an annotation without an image, and, when an item is read, for an
    image of another size than its annotation says, or one that Exif would turn.

    Args:
        root: path of the folder.
        split: name of a list in `ImageSets/Main`, "train" for example; default None for all annotations.
        mode: "RGB" or "L" (grey), to which every image is converted; default "RGB".
        classes: names of all classes in the order of their labels; another name is an error. Default: see above.
        on_error: "raise" (default), or "skip", which decodes every image once, now, and leaves those out that cannot be
            read or whose annotation is malformed.
        progress: True (default) shows a progress bar while 2,000 files or more are read.
    """

    def __init__(
        self,
        root: str | Path,
        split: str | None = None,
        *,
        mode: Mode = "RGB",
        classes: Sequence[str] | None = None,
        on_error: OnError = "raise",
        progress: bool = True,
    ) -> None:
        self.root = check_folder(root, "a VOC data set")
        self.mode = check_mode(mode)
        check_on_error(on_error)
        index = _Index.read(self.root, on_error)
        self.class_names = index.class_names(check_classes(classes))
        keys, notes = index.usable(split, on_error)
        self._keep(keys, index)
        if on_error == "skip":
            damaged = unreadable(len(keys), self._check, progress)
            notes += failures_note(damaged, self.files, self.root)
            self._keep([key for number, key in enumerate(keys) if number not in damaged], index)
        if not len(self):
            raise DataError(f"no image with an annotation in {self.root.name!r}")
        self.notes = tuple(notes)

    def _keep(self, keys: list[str], index: _Index) -> None:
        """Hold the annotations of some keys, in few arrays that DataLoader workers share."""
        kept = [index.annotations[key] for key in keys]
        numbers = {name: number for number, name in enumerate(self.class_names)}
        self.files = FilePaths([index.pictures.files[key] for key in keys])
        self._sizes = np.array([annotation.size or (0, 0) for annotation in kept], np.int64).reshape(-1, 2)
        self._boxes = np.array([box for one in kept for box in one.boxes], np.float32).reshape(-1, 4)
        self._labels = np.array([numbers[name] for one in kept for name in one.names], np.int64)
        self._difficult = np.array([flag for one in kept for flag in one.difficult], bool)
        self._ends = np.cumsum([0, *(len(one.boxes) for one in kept)])

    def __len__(self) -> int:
        return len(self.files)

    def _item(self, position: int) -> dict[str, Any]:
        image = EncodedImage.read(self.files[position], self.mode)
        image.require_upright("its boxes")
        size = tuple(self._sizes[position].tolist())
        if any(size) and size != image.shape[:2]:
            raise DataError(f"{image.name} is of {image.shape[:2]} pixels, and its annotation says {size}")
        these = slice(self._ends[position], self._ends[position + 1])
        fields: dict[str, NDArray[Any]]
        fields = {"boxes": self._boxes, "labels": self._labels, "difficult": self._difficult}
        return {"image": image, **{name: values[these].copy() for name, values in fields.items()}}

    def _check(self, position: int) -> None:
        self._item(position)["image"].decode()


@dataclass(frozen=True)
class _Index:
    """Files of a VOC data set by their keys, the annotations that were read, and the messages for the others."""

    root: Path
    texts: Keyed
    pictures: Keyed
    annotations: dict[str, Annotation]
    failures: dict[str, str]

    @classmethod
    def read(cls, root: Path, on_error: OnError) -> _Index:
        named = {name.lower(): root / name for name in sorted(os.listdir(root), reverse=True)}
        texts = keyed_files(named.get("annotations", root), lambda name: name.lower().endswith(".xml"))
        pictures = keyed_files(named.get("jpegimages", named.get("images", root)))
        if pictures.files and "annotations" not in named and not {"jpegimages", "images"} & named.keys():
            pictures = pictures._replace(notes=[])  # the annotations lie among the images, and are no strangers
        if not texts.files:
            raise DataError(f"no annotations (.xml) in {root.name!r}; expected Annotations/ and JPEGImages/")
        index = cls(root, texts, pictures, {}, {})
        for key, path in texts.files.items():
            try:
                index.annotations[key] = read_voc(path)
            except DataError as error:
                if on_error == "raise":
                    raise
                index.failures[key] = str(error)
        return index

    def class_names(self, given: tuple[str, ...] | None) -> tuple[str, ...]:
        found = sorted({name for annotation in self.annotations.values() for name in annotation.names})
        unknown = sorted(set(found).difference(given or found))
        if unknown:
            raise DataError(f"{self.root.name!r} has classes that are not known: {listed(unknown)}")
        return given or tuple(found)

    def usable(self, split: str | None, on_error: OnError) -> tuple[list[str], list[str]]:
        """Return the keys of a split that have an image and an annotation, and notes about the others."""
        keys = [*self.texts.files] if split is None else _split_keys(self.root, split)
        usable = [key for key in keys if key in self.annotations and key in self.pictures.files]
        alone = [key for key in keys if key not in self.failures and key not in usable]
        if alone and on_error == "raise":
            raise DataError(f"{self.root.name!r} lacks the image or the annotation of {listed(alone)}")
        notes = [f"{len(alone)} without an image or an annotation were left out: {listed(alone)}"] if alone else []
        damaged = {number: self.failures[key] for number, key in enumerate(keys) if key in self.failures}
        notes += failures_note(damaged, [self.texts.files.get(key, key) for key in keys], self.root)
        if split is None:
            notes += self.pictures.notes
            notes += unmatched([*self.pictures.files], self.texts.files, "images without an annotation")
        return usable, notes


def read_voc(path: str) -> Annotation:
    """Read an annotation file; raise `DataError` if it is malformed.

    Args:
        path: path of the file.
    """
    try:
        with open_file(path) as stream:
            root = ElementTree.parse(stream).getroot()
        height, width = (int(root.findtext(f"size/{side}") or 0) for side in ("height", "width"))
        annotation = Annotation((height, width) if height and width else None, [], [], [])
        for entry in root.iterfind("object"):
            corners = [float(entry.findtext(f"bndbox/{name}") or "nan") for name in _CORNERS]
            box = tuple(corner - first for corner, first in zip(corners, _FIRST_PIXEL, strict=True))
            name = class_name((entry.findtext("name") or "").strip())
            if not (np.isfinite(box).all() and box[0] < box[2] and box[1] < box[3] and name):
                raise ValueError(f"an object has the name {shown(name)} and the corners {corners}")
            annotation.boxes.append(box)
            annotation.names.append(name)
            annotation.difficult.append((entry.findtext("difficult") or "0").strip() not in ("0", "False", "false"))
    except (OSError, ValueError, ElementTree.ParseError) as error:
        raise DataError(f"cannot read the annotation {printable(path)}: {error}") from error
    return annotation


def _split_keys(root: Path, split: str) -> list[str]:
    folder = root / "ImageSets" / "Main"
    try:
        with open_file(folder / f"{split}.txt") as stream:
            lines = stream.read().decode("utf-8").splitlines()
    except (OSError, UnicodeDecodeError, ValueError) as error:
        known = listed(sorted(path.stem for path in folder.glob("*.txt")), most=10) if folder.is_dir() else "none"
        raise DataError(f"no list {split!r} in {root.name}/ImageSets/Main; there are {known}") from error
    keys = [class_name(line.split()[0]) for line in lines if line.strip()]
    return list(dict.fromkeys(keys))
