"""The stages of a pass that use tables, in float64: missing values, lookup tables, colour maps and erasures."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from augsynth._native.layout import DType, Tables
from augsynth.core.typing import Floats, Image
from augsynth.engine.reference.noise import uniform_between
from augsynth.engine.reference.rounding import store
from augsynth.engine.reference.sampling import weighed
from augsynth.plan import FULL_SCALE


def fill_missing(row: np.void, source: Image, tables: Tables) -> Image:
    """Return the source with its missing values filled, in its own dtype.

    Args:
        row: row of a plan.
        source: image (H, W, C).
        tables: tables that the row points into.
    """
    if row["missing"] < 0:
        return source
    rule = tables.missing[row["missing"]]
    exact = source.astype(np.float64)
    missing = np.isnan(exact) if np.isnan(rule["value"]) else exact == rule["value"]
    low, high = (rule[name][: source.shape[2], None, None] for name in ("low", "high"))
    if rule["by_mean"]:
        values = np.stack([_mean_of(*channel) for channel in zip(exact.T, ~missing.T, low, strict=True)])
    else:
        values = uniform_between(rule["stream"], np.moveaxis(exact, -1, 0).shape, low, high)
    filled: Image = np.where(missing, np.moveaxis(store(values, DType(row["source_dtype"])), 0, -1), source)
    return filled


def _mean_of(channel: Floats, there: npt.NDArray[np.bool_], otherwise: Floats) -> Floats:
    return np.reshape(channel[there].mean() if there.any() else otherwise, (1, 1))


def look_up(row: np.void, values: Floats, tables: Tables) -> Floats:
    """Return the entries of the row's lookup table at the levels to which the values round.

    Args:
        row: row of a plan.
        values: float64 (C, H, W), in the source's units.
        tables: tables that the row points into.
    """
    if row["lut"] < 0:
        return values
    levels = np.floor(np.clip(values, 0, FULL_SCALE[DType(row["source_dtype"])]) + 0.5)
    found: Floats = tables.luts[row["lut"]][levels.astype(np.int64)].astype(np.float64)
    return found


@np.errstate(invalid="ignore")  # infinities may meet
def map_colours(row: np.void, values: Floats, tables: Tables) -> Floats:
    """Return each channel as a sum over the channels and over their means.

    Args:
        row: row of a plan.
        values: float64 (C, H, W), in the source's units.
        tables: tables that the row points into.
    """
    if row["colour"] < 0:
        return values
    channels, colour = len(values), tables.colours[row["colour"]]
    matrix, of_mean = (colour[name][:channels, :channels] for name in ("matrix", "of_mean"))
    copied = (np.sort(matrix)[:, -1] == 1) & (np.count_nonzero(matrix, axis=1) == 1) & ~of_mean.any(axis=1)
    offset = neutral(colour["offset"][:channels], copied)
    if of_mean.any():
        offset = offset + weighed(of_mean, values.mean(axis=(1, 2))).sum(axis=1)
    mapped = weighed(matrix[..., None, None], values).sum(axis=1, initial=-0.0) + offset[:, None, None]
    low, high = colour["clamp"]
    clamped: Floats = np.minimum(np.maximum(mapped, low), high)
    return clamped


def neutral(offset: Floats, applies: npt.NDArray[np.bool_]) -> Floats:
    """Return the offsets with -0 for each 0 to which it `applies`.

    Adding 0 to -0 gives 0, and adding -0 changes nothing.
    """
    return np.where((offset == 0) & applies, -0.0, offset)


def erase(row: np.void, values: Floats, tables: Tables) -> Floats:
    """Return the values with the row's rectangles overwritten. Later rectangles cover earlier ones.

    Args:
        row: row of a plan.
        values: float64 (C, H, W), in the source's units.
        tables: tables that the row points into.
    """
    values = values.copy()
    for erasure in tables.erasures[slice(*row["erasures"])]:
        low, high = (erasure[name][: len(values), None, None] for name in ("low", "high"))
        top, left, bottom, right = erasure["box"]
        written = uniform_between(erasure["stream"], values.shape, low, high)
        values[:, top:bottom, left:right] = written[:, top:bottom, left:right]
    return values
