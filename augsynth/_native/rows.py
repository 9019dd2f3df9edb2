"""The rows of a pass: construction, and values that they have in common."""

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
    """Return copies (n,) of a row, each with the sizes and channels of its sample. Only shapes are checked.

    Args:
        row: (1,) of `layout.ROW`.
        source_sizes: (n, 2), height and width of each source.
        output_sizes: (n, 2), height and width of each output.
        channels: (n,), the number of channels of each sample.
        inverse: (n, 3, 3), or (1, 3, 3) for all rows; None keeps the map of `row`.
        stream: (n, 4); None keeps the stream of `row`.

    >>> sizes = np.array([[4, 6], [5, 7]])
    >>> make_rows(np.zeros(1, layout.ROW), sizes, sizes, np.array([3, 1]))["source_size"].tolist()
    [[4, 6], [5, 7]]
    """
    require("row", row, layout.ROW, "augsynth._native.layout.ROW")
    return _cpu.make_rows(row, source_sizes, output_sizes, channels, inverse, stream)


def distinct(numbers: npt.NDArray[np.int64]) -> tuple[int, ...]:
    """Return the different numbers in ascending order.

    Args:
        numbers: (n,).

    >>> distinct(np.array([3, 1, 3]))
    (1, 3)
    """
    return _cpu.distinct(numbers)


def common_output(rows: Array) -> tuple[int, int, int, layout.DType] | None:
    """Return (channels, height, width, dtype) of the outputs; None if their shapes differ or there are no rows.

    The dtype is that of the first output.

    Args:
        rows: (n,) of `layout.ROW`.
    """
    require("rows", rows, layout.ROW, "augsynth._native.layout.ROW")
    found = _cpu.common_output(rows)
    return None if found is None else (*found[:3], _DTYPES[found[3]])
