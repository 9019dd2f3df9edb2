"""WebDataset: tar files of pictures, labels, and arrays of targets."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

import numpy as np

from augsynth.core.typing import Array
from augsynth.data.pools.exporting.items import Exported, png

ITEMS_PER_TAR = 10_000


def write_tars(items: Iterator[Exported], folder: Path, names: Sequence[str] | None) -> None:
    """Write tar files of at most 10,000 items, and the names of the classes if they are known.

    Args:
        items: the items.
        folder: an empty folder.
        names: name of each class, or None.
    """
    number, first = 0, next(items, None)
    while first is not None:
        with tarfile.open(folder / f"pool-{number:06d}.tar", "w") as archive:
            for item in chain([first], islice(items, ITEMS_PER_TAR - 1)):
                _add_item(archive, item)
                archive.members = []  # type: ignore[attr-defined]  # tarfile keeps all
        number, first = number + 1, next(items, None)
    if names is not None:
        (folder / "class_names.json").write_text(json.dumps(list(names)), encoding="ascii")


def _add_item(archive: tarfile.TarFile, item: Exported) -> None:
    _add(archive, f"{item.name}.png", png(item.image))
    if item.label is not None:
        _add(archive, f"{item.name}.cls", str(item.label).encode())
    for field, values in item.target.items():
        _add(archive, f"{item.name}.{field}.npy", _npy(values))


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    archive.addfile(entry, io.BytesIO(data))


def _npy(values: Array) -> bytes:
    stream = io.BytesIO()
    np.save(stream, values, allow_pickle=False)
    return stream.getvalue()
