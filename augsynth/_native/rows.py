"""The rows of a pass: making them, and what they have in common."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from augsynth._native import layout
from augsynth._native.arguments import Array, require
from augsynth._native.extensions import _cpu

_DTYPES = tuple(layout.DType)


def make_rows(
    row: Array,
    source_sizes: npt.NDArray[np.int64],
    output_sizes: npt.NDArray[np.int64],
    channels: npt.NDArray[np.int64],
    inverse: npt.NDArray[np.float64] | None = None,
    stream: npt.NDArray[np.uint32] | None = None,
) -> Array:
    """n copies of a row (1,) of `layout.ROW`, with each sample's own sizes (n, 2), channels (n,) and so on.

    `inverse` is (n, 3, 3), or (1, 3, 3) for all, and `stream` (n, 4); what is None stays as it is in `row`. Nothing is
    checked but shapes.

    >>> sizes = np.array([[4, 6], [5, 7]])
    >>> make_rows(np.zeros(1, layout.ROW), sizes, sizes, np.array([3, 1]))["source_size"].tolist()
    [[4, 6], [5, 7]]
    """
    require("row", row, layout.ROW, "augsynth._native.layout.ROW")
    return _cpu.make_rows(row, source_sizes, output_sizes, channels, inverse, stream)


def distinct(numbers: npt.NDArray[np.int64]) -> tuple[int, ...]:
    """The different ones among numbers (n,), in order.

    >>> distinct(np.array([3, 1, 3]))
    (1, 3)
    """
    return _cpu.distinct(numbers)


def common_output(rows: Array) -> tuple[int, int, int, layout.DType] | None:
    """(channels, height, width, dtype) of what rows (n,) write, if that is one shape; None where it is not, or n is 0.

    The dtype is that of the first.
    """
    require("rows", rows, layout.ROW, "augsynth._native.layout.ROW")
    found = _cpu.common_output(rows)
    return None if found is None else (*found[:3], _DTYPES[found[3]])
