"""Parquet files with a column of encoded images, as Hugging Face has them; one row group is in memory at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from augsynth.data.pools.reading.entries import Entry, digest_of, mask_of
from augsynth.errors import DataError
from augsynth.generators.targets import NAMES

_FEATURES = b"huggingface"


class ParquetReader:
    """Reader of parquet files, in the order of their names.

    Args:
        files: the files, in order.
    """

    format = "huggingface"

    def __init__(self, files: list[Path]) -> None:
        pyarrow = require_pyarrow()
        self._files = files
        try:
            self._readers = [pyarrow.ParquetFile(file) for file in files]
        except Exception as cause:  # pyarrow has its own errors
            raise DataError(f"{files[0].parent} has parquet files that cannot be read: {cause}") from cause
        schema = self._readers[0].schema_arrow
        if "image" not in schema.names:
            raise DataError(f"{files[0]} has no column 'image', but {', '.join(schema.names)}")
        self.labelled = "label" in schema.names
        self._fields = [name for name in NAMES if name in schema.names]
        self.class_names = _names((schema.metadata or {}).get(_FEATURES))
        self._groups = [
            (reader, group, reader.metadata.row_group(group).num_rows)
            for reader in self._readers
            for group in range(reader.num_row_groups)
        ]
        self._loaded: tuple[int, list[dict[str, Any]]] | None = None

    def __len__(self) -> int:
        return sum(rows for _, _, rows in self._groups)

    def digest(self) -> str:
        """Return the SHA-256 of the names, sizes and numbers of rows of the files."""
        return digest_of(f"{file.name} {file.stat().st_size}" for file in self._files)

    def entries(self, first: int, count: int) -> Iterator[Entry]:
        """Return `count` entries from number `first` on."""
        begin = 0
        for number, (_, _, rows) in enumerate(self._groups):
            for position in range(max(first, begin), min(first + count, begin + rows)):
                yield self._entry(self._rows(number)[position - begin], f"row {position}")
            begin += rows

    def _rows(self, number: int) -> list[dict[str, Any]]:
        if self._loaded is None or self._loaded[0] != number:
            reader, group, _ = self._groups[number]
            columns = ["image", *(["label"] if self.labelled else []), *self._fields]
            self._loaded = number, reader.read_row_group(group, columns=columns).to_pylist()
        return self._loaded[1]

    def _entry(self, row: dict[str, Any], name: str) -> Entry:
        image = row["image"]
        data = image.get("bytes") if isinstance(image, dict) else image
        if not isinstance(data, bytes):
            raise DataError(f"{name} has no bytes of an image")
        target = partial(_target, {field: row[field] for field in self._fields}, name) if self._fields else None
        return Entry(name, data, row["label"] if self.labelled else None, target)


def require_pyarrow() -> Any:
    """Return the module pyarrow.parquet; raise `DataError` if pyarrow is not installed."""
    try:
        import pyarrow.parquet
    except ImportError as cause:
        raise DataError('parquet files need pyarrow: pip install "augsynth[huggingface]"') from cause
    return pyarrow.parquet


def _target(fields: dict[str, Any], name: str) -> dict[str, Any]:
    return {**fields, "masks": _masks(fields["masks"], name)} if "masks" in fields else fields


def _masks(masks: Any, name: str) -> Any:
    if isinstance(masks, dict):
        return mask_of(masks["bytes"], False, name)
    return [mask_of(mask["bytes"], True, name) for mask in masks]


def _names(metadata: bytes | None) -> tuple[str, ...] | None:
    """Return the names of the classes that the features of Hugging Face hold."""
    try:
        features = json.loads(metadata or b"{}")["info"]["features"]
        for column in (features.get("label"), features.get("labels")):
            names = column and (column.get("names") or column.get("feature", {}).get("names"))
            if names:
                return tuple(map(str, names))
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    return None
