"""Parquet files that `datasets.load_dataset` reads, written a row group at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from augsynth.core.typing import Array
from augsynth.data.pools.exporting.items import Exported, mask_png, png
from augsynth.errors import DataError

ROWS_PER_FILE = 10_000
_ROWS_PER_GROUP = 100


def write_parquet(
    items: Iterator[Exported], count: int, folder: Path, names: Sequence[str], labelled: bool, fields: Sequence[Any]
) -> None:
    """Write `data/train-NNNNN-of-NNNNN.parquet`, of at most 10,000 rows each.

    Args:
        items: the items.
        count: their number.
        folder: an empty folder.
        names: name of each class.
        labelled: whether items have labels.
        fields: fields of the targets; none without targets.
    """
    pyarrow = require_pyarrow()
    schema = _schema(pyarrow, names, labelled, fields)
    files = -(-count // ROWS_PER_FILE)
    (folder / "data").mkdir()
    for number in range(files):
        file = folder / "data" / f"train-{number:05d}-of-{files:05d}.parquet"
        # PNG files do not become smaller, and no two are alike.
        with pyarrow.parquet.ParquetWriter(file, schema, compression="none", use_dictionary=False) as writer:
            left = islice(items, ROWS_PER_FILE)
            while rows := [_row(item) for item in islice(left, _ROWS_PER_GROUP)]:
                writer.write_table(pyarrow.Table.from_pylist(rows, schema=schema))


def require_pyarrow() -> Any:
    """Return the module pyarrow, with pyarrow.parquet; raise `DataError` if it is not installed."""
    try:
        import pyarrow.parquet
    except ImportError as cause:
        raise DataError('format "huggingface" needs pyarrow: pip install "augsynth[huggingface]"') from cause
    return pyarrow


def _row(item: Exported) -> dict[str, Any]:
    row: dict[str, Any] = {"image": _file(png(item.image))}
    if item.label is not None:
        row["label"] = item.label
    for name, values in item.target.items():
        row[name] = _masks(values, item.name) if name == "masks" else values.tolist()
    return row


def _file(data: bytes) -> dict[str, Any]:
    return {"bytes": data, "path": None}


def _masks(masks: Array, name: str) -> Any:
    return _file(mask_png(masks, name)) if masks.ndim == 2 else [_file(mask_png(mask, name)) for mask in masks]


def _schema(pyarrow: Any, names: Sequence[str], labelled: bool, fields: Sequence[Any]) -> Any:
    """Return the columns, with the features that Hugging Face's `datasets` reads from their metadata."""
    file = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
    integer: dict[str, Any] = (
        {"names": list(names), "_type": "ClassLabel"} if names else {"dtype": "int64", "_type": "Value"}
    )
    number: dict[str, Any] = {"dtype": "float32", "_type": "Value"}
    columns: dict[str, tuple[Any, Any]] = {"image": (file, {"_type": "Image"})}
    if labelled:
        columns["label"] = (pyarrow.int64(), integer)
    for field in fields:
        column: tuple[Any, dict[str, Any]] = {
            "masks": (file, {"_type": "Image"}),
            "labels": (pyarrow.int64(), integer),
        }.get(field.name, (pyarrow.float32(), number))
        axes = len(field.shape) - 2 * (field.name == "masks") + field.of_objects
        for _ in range(axes):
            column = (pyarrow.list_(column[0]), {"feature": column[1], "_type": "Sequence"})
        columns[field.name] = column
    features = {name: feature for name, (_, feature) in columns.items()}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    return pyarrow.schema([(name, kind) for name, (kind, _) in columns.items()], metadata=metadata)
