"""The scale of an image's values, and the conversion back to its dtype."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from augsynth.core.typing import Image


def full_scale(dtype: np.dtype[Any]) -> float:
    """Return the full scale of a dtype: 255, 65535, or 1 for floats.

    >>> full_scale(np.dtype(np.uint16))
    65535.0
    """
    return float(np.iinfo(dtype).max) if dtype.kind == "u" else 1.0


def stored(values: npt.NDArray[np.floating[Any]], dtype: np.dtype[Any]) -> Image:
    """Return values in a dtype; for integers they are clamped to its range and rounded, halves upwards.

    Args:
        values: floating-point values.
        dtype: dtype of the result.

    >>> stored(np.array([-3.0, 0.5, 300.0]), np.dtype(np.uint8)).tolist()
    [0, 1, 255]
    """
    if dtype.kind == "u":
        values = np.floor(np.clip(values, 0.0, full_scale(dtype)) + 0.5)
    return values.astype(dtype, copy=False)
