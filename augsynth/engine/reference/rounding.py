"""Conversion of values to elements of an image: `docs/design/numerics.md`, clamp, gain, store."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from augsynth._native.layout import DType
from augsynth.plan import FULL_SCALE, NUMPY_DTYPES


def store(values: npt.NDArray[np.float64], dtype: DType) -> npt.NDArray[Any]:
    """Return values rounded to the output's dtype. Integers are clamped and stored as floor(v + 1/2), NaN as 0.

    Floats are rounded to nearest even, half precision by way of float32. bfloat16 is returned as its bits, in uint16.

    Args:
        values: float64 of any shape.
        dtype: dtype of the output.
    """
    if dtype in (DType.UINT8, DType.UINT16):
        clamped = np.clip(np.where(np.isnan(values), 0.0, values), 0, FULL_SCALE[dtype])
        return np.floor(clamped + 0.5).astype(NUMPY_DTYPES[dtype])
    with np.errstate(over="ignore"):
        single = values.astype(np.float32)
        return bfloat16_bits(single) if dtype == DType.BFLOAT16 else single.astype(NUMPY_DTYPES[dtype])


def bfloat16_bits(values: npt.NDArray[np.float32]) -> npt.NDArray[np.uint16]:
    """Return the upper half of each float32, rounded to nearest even by its lower half."""
    bits = values.view(np.uint32).astype(np.uint64)
    rounded = (bits + 0x7FFF + ((bits >> np.uint64(16)) & np.uint64(1))) >> np.uint64(16)
    return np.where(np.isnan(values), 0x7FC0, rounded).astype(np.uint16)
