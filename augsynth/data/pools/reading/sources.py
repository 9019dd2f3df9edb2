"""The reader of a source that a user names, by its format or by what it looks like."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch

from augsynth.core.checks import check_choice
from augsynth.core.files import is_data
from augsynth.data.pools.reading.arrays import ArrayReader, NpzReader, npy_reader
from augsynth.data.pools.reading.coco import CocoReader
from augsynth.data.pools.reading.entries import Reader
from augsynth.data.pools.reading.folder import FolderReader
from augsynth.data.pools.reading.parquet import ParquetReader
from augsynth.data.pools.reading.tars import TarReader
from augsynth.errors import ArgumentTypeError, DataError, shown

SourceFormat = Literal["imagefolder", "webdataset", "arrays", "coco", "huggingface"]
ANNOTATIONS = "annotations.json"


def open_reader(source: Any, format: SourceFormat | None, images: str | os.PathLike[str] | None) -> Reader:
    """Return the reader of a source; see `SyntheticPool.import_images`.

    Args:
        source: path, several tar files, arrays, or (images, labels).
        format: name of the format, or None to tell it from the source.
        images: folder of the images of a COCO file; None for the folder of the file.
    """
    if format is not None:
        check_choice("format", format, get_args(SourceFormat))
    if isinstance(source, (np.ndarray, torch.Tensor)):
        return ArrayReader(source)
    if isinstance(source, (tuple, list)) and len(source) == 2 and isinstance(source[0], (np.ndarray, torch.Tensor)):
        return ArrayReader(*source)
    if isinstance(source, (tuple, list)) and source and all(isinstance(part, (str, os.PathLike)) for part in source):
        return TarReader(_existing(source))
    if not isinstance(source, (str, os.PathLike)):
        raise ArgumentTypeError(f"source must be a path, arrays or (images, labels), got {shown(source)}")
    [path] = _existing([source])
    return _reader_of(path, format or _format_of(path), images)


def _reader_of(path: Path, format: str, images: str | os.PathLike[str] | None) -> Reader:
    if format == "arrays":
        return npy_reader(path) if path.suffix.lower() == ".npy" else NpzReader(path)
    if format == "coco":
        file = path / ANNOTATIONS if path.is_dir() else path
        return CocoReader(file, Path(images).absolute() if images is not None else file.parent)
    if format == "imagefolder":
        if not path.is_dir():
            raise DataError(f"{path} is no folder of images")
        return FolderReader(path)
    return TarReader(_files(path, ".tar")) if format == "webdataset" else ParquetReader(_files(path, ".parquet"))


def _format_of(path: Path) -> str:
    kinds = {".npz": "arrays", ".npy": "arrays", ".json": "coco", ".tar": "webdataset", ".parquet": "huggingface"}
    if not path.is_dir():
        kind = kinds.get(path.suffix.lower())
        if kind is None:
            raise DataError(f"cannot tell the format of {path}: expected a folder, or a file {', '.join(kinds)}")
        return kind
    if (path / ANNOTATIONS).is_file():
        return "coco"
    return next((kinds[suffix] for suffix in (".tar", ".parquet") if _listed(path, suffix)), "imagefolder")


def _existing(paths: Sequence[str | os.PathLike[str]]) -> list[Path]:
    absolute = [Path(path).absolute() for path in paths]
    for path in absolute:
        if not path.exists():
            raise DataError(f"no data at {str(path)!r}")
    return absolute


def _files(path: Path, suffix: str) -> list[Path]:
    files = _listed(path, suffix) if path.is_dir() else [path]
    if not files:
        raise DataError(f"there are no {suffix} files in {path}")
    return files


def _listed(folder: Path, suffix: str) -> list[Path]:
    """Return the files of a suffix in a folder or in its folder `data`, sorted."""
    for place in (folder, folder / "data"):
        if place.is_dir():
            found = sorted(file for file in place.iterdir() if file.suffix.lower() == suffix and is_data(file.name))
            if found:
                return found
    return []
