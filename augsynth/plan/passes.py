"""A pass: one row for each sample, and the tables that the rows point into."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from augsynth._native.layout import ROW, Border, DType, Tables
from augsynth.core.typing import Floats, Ints

Rows = npt.NDArray[np.void]

NUMPY_DTYPES: dict[DType, np.dtype[np.generic]] = {
    DType.UINT8: np.dtype(np.uint8),
    DType.UINT16: np.dtype(np.uint16),
    DType.FLOAT32: np.dtype(np.float32),
    DType.FLOAT16: np.dtype(np.float16),
    DType.BFLOAT16: np.dtype(np.uint16),  # its bits: NumPy has no bfloat16
}
FULL_SCALE: dict[DType, float] = {
    DType.UINT8: 255.0,
    DType.UINT16: 65535.0,
    DType.FLOAT32: 1.0,
    DType.FLOAT16: 1.0,
    DType.BFLOAT16: 1.0,
}
OUTPUTS_ONLY = (DType.FLOAT16, DType.BFLOAT16)


@dataclass(frozen=True)
class Pass:
    """The work of one native pass.

    Args:
        rows: an array (n,) of `layout.ROW`, one row for each sample.
        tables: the entries that rows refer to by index; empty by default.
    """

    rows: Rows
    tables: Tables = field(default_factory=Tables)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, samples: slice | Ints) -> Pass:
        """The pass of some of the samples, with the entries of the tables that these use."""
        rows = _copied(self.rows[samples])
        return Pass(rows, self.tables if self.tables.are_empty() else _used_tables(rows, self.tables))

    def repeated(self, count: int) -> Pass:
        """The pass of `count` samples with the work of the first one."""
        return Pass(_copied(self.rows[np.zeros(count, np.int64)]), self.tables)


def _copied(rows: Rows) -> Rows:
    # NumPy leaves the padding of a structured array undefined when it copies field by field; bytes it copies whole.
    copied: Rows = rows.view(f"V{rows.itemsize}").copy().view(rows.dtype)
    return copied


def _used_tables(rows: Rows, tables: Tables) -> Tables:
    """The entries that the rows use; the indices in the rows are changed to match."""
    return Tables(
        tables.luts[_renumber(rows, "lut")],
        tables.colours[_renumber(rows, "colour")],
        tables.erasures[_renumber_ranges(rows)],
        tables.missing[_renumber(rows, "missing")],
        *_displacements_used(rows, tables),
    )


def _displacements_used(rows: Rows, tables: Tables) -> tuple[npt.NDArray[np.void], Floats]:
    """The displacements that the rows use, and their control points."""
    displacements = _copied(tables.displacements[_renumber(rows, "displacement")])
    counts = displacements["grid"].astype(np.int64).prod(axis=1)
    grids = [tables.offsets[first : first + count] for first, count in zip(displacements["first"], counts, strict=True)]
    displacements["first"] = np.cumsum(counts) - counts
    return displacements, np.concatenate(grids) if grids else tables.offsets[:0]


def _renumber(rows: Rows, name: str) -> Ints:
    given = rows[name]
    used: Ints = np.unique(given[given >= 0]).astype(np.int64)
    rows[name] = np.where(given >= 0, np.searchsorted(used, given), -1)
    return used


def _renumber_ranges(rows: Rows) -> Ints:
    first, behind = rows["erasures"].T.astype(np.int64)
    ends = np.cumsum(behind - first)
    rows["erasures"] = np.stack([ends - (behind - first), ends], axis=1)
    ranges = [np.arange(a, b) for a, b in zip(first, behind, strict=True)]
    return np.concatenate(ranges) if ranges else np.zeros(0, np.int64)


def new_rows(count: int) -> Rows:
    """Rows (n,) that copy images: identity matrix, nearest, no noise, no clamp, gain 1. Sizes and dtypes are 0.

    Args:
        count: n, the number of rows.
    """
    return _COPY.repeat(count).view(ROW)


def _copying_row() -> Rows:
    row = np.zeros(1, dtype=ROW)
    row["inverse"] = np.eye(3)
    row["gain"] = 1.0
    row["edge"] = 1.0
    row["support"] = 1.0
    row["clamp"] = (-np.inf, np.inf)
    row["border"] = Border.REPLICATE
    row["lut"] = row["colour"] = row["missing"] = row["displacement"] = -1
    return row.view(f"V{row.itemsize}")  # bytes are copied quicker than fields, and with the padding between them


_COPY = _copying_row()
