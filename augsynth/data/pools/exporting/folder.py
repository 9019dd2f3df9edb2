"""Image folders: one PNG file an item, in a folder for each class, and COCO annotations where there are targets."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from augsynth.core.typing import Array
from augsynth.data.pools.exporting.items import Exported
from augsynth.errors import DataError
from augsynth.targets.rle import runs

ANNOTATIONS = "annotations.json"
_HIDDEN = ".annotations"


def write_folder(items: Iterator[Exported], folder: Path, names: Sequence[str], fields: Sequence[Any]) -> None:
    """Write an image folder.

    Args:
        items: the items.
        folder: an empty folder.
        names: name of each class.
        fields: fields of the targets; none without targets.
    """
    if not fields:
        for item in items:
            _write_image(item, folder, names)
        return
    _require_objects(fields)
    with _CocoFile(folder, names) as file:
        for item in items:
            file.add(item, _write_image(item, folder, names))


def _write_image(item: Exported, folder: Path, names: Sequence[str]) -> str:
    path = f"{item.name}.png" if item.label is None else f"{names[item.label]}/{item.name}.png"
    (folder / path).parent.mkdir(exist_ok=True)
    item.image.save(folder / path)
    return path


def _require_objects(fields: Sequence[Any]) -> None:
    others = [field.name for field in fields if not field.of_objects]
    if others or not any(field.name in ("boxes", "masks") for field in fields):
        raise DataError(
            f"COCO annotations hold boxes and masks of objects, and this pool has {', '.join(map(str, fields))}: "
            "export it as 'webdataset' or 'huggingface'"
        )


class _CocoFile:
    """COCO annotations, written while images are, with two parts in files of their own until the end."""

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        self._folder, self._names = folder, names
        self._parts: dict[str, IO[str]] = {}
        self._counts = {"images": 0, "annotations": 0}

    def __enter__(self) -> _CocoFile:
        for part in self._counts:
            self._parts[part] = open(self._folder / f"{_HIDDEN}-{part}", "w+", encoding="ascii")
        return self

    def add(self, item: Exported, path: str) -> None:
        """Add an image and its objects."""
        width, height = item.image.size
        image = self._counts["images"]
        self._write("images", {"id": image, "file_name": path, "width": width, "height": height})
        count = len(next(iter(item.target.values())))
        for number in range(count):
            annotation = {"id": self._counts["annotations"], "image_id": image, "iscrowd": 0}
            self._write("annotations", {**annotation, **_object({k: v[number] for k, v in item.target.items()})})

    def __exit__(self, kind: Any, *_: Any) -> None:
        categories = [{"id": label + 1, "name": name} for label, name in enumerate(self._names or ["object"])]
        try:
            if kind is None:
                with open(self._folder / ANNOTATIONS, "w", encoding="ascii") as file:
                    for part, stream in self._parts.items():
                        file.write('{"' if part == "images" else ',\n"')
                        file.write(f'{part}": [\n')
                        stream.seek(0)
                        while chunk := stream.read(2**20):
                            file.write(chunk)
                        file.write("]")
                    file.write(f',\n"categories": {json.dumps(categories)}}}\n')
        finally:
            for part, stream in self._parts.items():
                stream.close()
                (self._folder / f"{_HIDDEN}-{part}").unlink()

    def _write(self, part: str, entry: dict[str, Any]) -> None:
        self._parts[part].write((",\n" if self._counts[part] else "") + json.dumps(entry))
        self._counts[part] += 1


def _object(fields: dict[str, Array]) -> dict[str, Any]:
    box = fields["boxes"] if "boxes" in fields else _box_of(fields["masks"])
    x1, y1, x2, y2 = map(float, box)
    area = float(np.count_nonzero(fields["masks"])) if "masks" in fields else (x2 - x1) * (y2 - y1)
    entry = {"category_id": int(fields.get("labels", 0)) + 1, "bbox": [x1, y1, x2 - x1, y2 - y1], "area": area}
    if "masks" in fields:
        mask = fields["masks"]
        entry["segmentation"] = {"size": list(mask.shape), "counts": runs(mask.T.reshape(-1))}
    if "keypoints" in fields:
        entry["keypoints"] = [value for x, y in fields["keypoints"].tolist() for value in (x, y, 2)]
        entry["num_keypoints"] = len(fields["keypoints"])
    return entry


def _box_of(mask: Array) -> Array:
    rows, columns = np.nonzero(mask)
    if not len(rows):
        return np.zeros(4)
    return np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
