"""COCO annotations, as simulators write them: images, boxes, categories, and masks as polygons or run lengths."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from augsynth.core.json import read_json
from augsynth.core.typing import Array
from augsynth.data.pools.reading.entries import Entry, digest_of, look_at
from augsynth.data.pools.reading.polygons import polygon_mask
from augsynth.errors import AugsynthError, DataError, shown
from augsynth.targets.rle import decode, is_rle


class CocoReader:
    """Reader of a COCO file; images have boxes and labels, and masks if every annotation has a segmentation.

    Labels are the positions of the categories in the order of their ids. The file itself is held in memory, the images
    are not.

    Args:
        file: the JSON file.
        root: folder of the images.
    """

    format = "coco"
    labelled = False

    def __init__(self, file: Path, root: Path) -> None:
        self._file, self._root = file, root
        content = _content(file)
        categories = sorted(content["categories"], key=lambda category: int(category["id"]))
        self.class_names: tuple[str, ...] | None = tuple(str(category["name"]) for category in categories)
        self._labels = {category["id"]: label for label, category in enumerate(categories)}
        self._images = content["images"]
        self._objects = _by_image(content["annotations"], {image["id"] for image in self._images}, file)
        segmented = Counter(bool(a.get("segmentation")) for a in content["annotations"])
        if len(segmented) == 2:
            raise DataError(
                f"{segmented[False]} of {sum(segmented.values())} annotations in {file} have no segmentation: give one "
                "to all, or to none"
            )
        self._has_masks = segmented[True] > 0

    def __len__(self) -> int:
        return len(self._images)

    def digest(self) -> str:
        """Return the SHA-256 of the annotations, and of the names and sizes of the images."""
        sizes = (f"{name} {os.path.getsize(self._path(name))}" for name in map(_name, self._images))
        return digest_of([self._file.read_bytes().hex(), *sizes])

    def entries(self, first: int, count: int) -> Iterator[Entry]:
        """Return `count` entries from number `first` on."""
        for image in self._images[first : first + count]:
            name = _name(image)
            path = self._path(name)
            yield Entry(name, path, None, partial(self._target, self._objects.get(image["id"], []), path, name))

    def _path(self, name: str) -> Path:
        parts = PurePosixPath(name.replace("\\", "/"))
        if parts.is_absolute() or ".." in parts.parts:
            raise DataError(f"the image {shown(name)} of {self._file} lies outside {self._root}")
        return self._root / parts

    def _target(self, objects: list[Mapping[str, Any]], path: Path, name: str) -> dict[str, Array]:
        try:
            corners = np.array([one["bbox"] for one in objects], np.float64).reshape(-1, 4)
            corners[:, 2:] += corners[:, :2]
            labels = [self._label(one["category_id"], name) for one in objects]
            target: dict[str, Array] = {"boxes": corners, "labels": np.array(labels, np.int64)}
            if self._has_masks:
                _, size = look_at(Entry(name, path))
                masks = [_mask(one["segmentation"], size, f"a segmentation of {name}") for one in objects]
                target["masks"] = np.array(masks, np.bool_).reshape(-1, *size)
            return target
        except AugsynthError:
            raise
        except (KeyError, TypeError, ValueError) as cause:
            raise DataError(f"an annotation of {name} in {self._file} is damaged: {cause!r}") from cause

    def _label(self, category: Any, name: str) -> int:
        if category not in self._labels:
            raise DataError(f"an annotation of {name} has the category {shown(category)}, which {self._file} lacks")
        return self._labels[category]


def _content(file: Path) -> dict[str, list[Any]]:
    try:
        content = read_json(file)
        lists = {key: content[key] for key in ("images", "annotations", "categories")}
        if not all(isinstance(value, list) and all(isinstance(e, dict) for e in value) for value in lists.values()):
            raise ValueError("images, annotations and categories must be lists of objects")
        for image in lists["images"]:
            _name(image)
        if len({image["id"] for image in lists["images"]}) < len(lists["images"]) or not lists["images"]:
            raise ValueError("it has no images, or two with one id")
        return lists
    except (OSError, KeyError, TypeError, ValueError) as cause:
        raise DataError(f"{file} is no COCO file with images, annotations and categories: {cause!r}") from cause


def _name(image: Mapping[str, Any]) -> str:
    if not isinstance(image["file_name"], str):
        raise ValueError(f"file_name is {shown(image['file_name'])}")
    return image["file_name"]


def _by_image(annotations: list[Any], known: set[Any], file: Path) -> dict[Any, list[Mapping[str, Any]]]:
    found: dict[Any, list[Mapping[str, Any]]] = defaultdict(list)
    for annotation in annotations:
        if annotation.get("image_id") not in known:
            raise DataError(
                f"an annotation in {file} is of the image {shown(annotation.get('image_id'))}, which it lacks"
            )
        found[annotation["image_id"]].append(annotation)
    return found


def _mask(segmentation: Any, size: tuple[int, int], what: str) -> Array:
    if is_rle(segmentation):
        mask = decode(segmentation, what)
        if mask.shape != size:
            raise DataError(f"{what} has the size {mask.shape}, and its image {size}")
        return mask
    whole = np.zeros(size, np.bool_)
    for polygon in segmentation:
        whole |= polygon_mask(np.array(polygon, np.float64).reshape(-1, 2), size)
    return whole
