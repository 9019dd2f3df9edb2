"""Lookup tables of operations on single values."""

from __future__ import annotations

import numpy as np

from augsynth._native.layout import LUT_LEVELS, DType
from augsynth.core.points import POINTS
from augsynth.errors import ArgumentError
from augsynth.plan import FULL_SCALE
from augsynth.plan.lowering.steps import Lookup, Operate


def is_table(step: Operate, dtype: DType, source_dtype: DType) -> bool:
    """True if a table can do it: an operation on single values of an integer image in the units of the source."""
    return (step.per_value or step.name in POINTS) and dtype == source_dtype and dtype in LUT_LEVELS


def as_lookup(step: Operate, dtype: DType, count: int) -> Lookup:
    """The tables of `count` samples: the new level of each level, rounded and clamped."""
    full = FULL_SCALE[dtype]
    levels = np.arange(LUT_LEVELS[dtype], dtype=np.float64)
    if step.function is not None:
        values = np.asarray(step.function(levels), np.float64)
        if values.shape != levels.shape:
            raise ArgumentError(f"{step.name} must map values one by one: of {levels.shape} it made {values.shape}")
    else:
        parameters = {name: array[:, None] for name, array in step.parameters.items()}
        values = POINTS[step.name](levels[None], full, **parameters, **step.settings)
    rounded = np.floor(np.clip(np.nan_to_num(values), 0.0, full) + 0.5).astype(np.uint16)
    return Lookup(np.broadcast_to(rounded, (count, len(levels))), step.active)
