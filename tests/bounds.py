"""The bounds between executors that `docs/design/numerics.md` states, and the demand that the native one keep them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from augsynth import _native
from augsynth._native.layout import DType, Interpolation, NoiseKind, Tables
from augsynth.engine import CpuExecutor, reference
from augsynth.plan import FULL_SCALE, Pass

FLOAT_BOUND = 1e-5
FIXED_POINT_BOUND = 1 / 16 / 255
ROUNDING = 2.0**-20
UNDERFLOW = 2.0**-126  # float32 has no smaller normal number

Floats = npt.NDArray[np.float64]
Image = npt.NDArray[Any]


@dataclass(frozen=True)
class Between:
    """Values (C, H, W) that lie somewhere from `low` to `high`."""

    low: Floats
    high: Floats

    def spread(self) -> tuple[Floats, Floats]:
        """The middles, and how far the ends are from them."""
        return (self.low + self.high) / 2, (self.high - self.low) / 2

    def largest(self) -> float:
        """The greatest magnitude that is finite."""
        ends = np.abs(np.stack([self.low, self.high]))
        return float(ends.max(where=np.isfinite(ends), initial=0.0))


def assert_native_is_close(one: Pass, source: Image) -> Image:
    """Run a pass of one row on both executors, demand the stated bounds, and return the reference's output."""
    row = one.rows[0]
    expected = reference.store(reference.render(row, source, one.tables), DType(row["output_dtype"]))
    actual = CpuExecutor().allocate(one.rows)[0]
    _native.run(one.rows, [source], [actual], tables=one.tables)
    if moves_only(row):
        np.testing.assert_array_equal(actual, expected)
        return expected
    ends = envelope(row, source, one.tables)
    low, high = ends.low, ends.high
    if actual.dtype != np.float32:
        low, high = (np.clip(end, 0, np.iinfo(actual.dtype).max) + half for end, half in ((low, -0.5), (high, 0.5)))
    np.testing.assert_array_equal(np.isnan(actual), np.isnan(low))
    assert not np.any((actual < low) | (actual > high))
    return expected


def moves_only(row: np.void) -> bool:
    """Return whether the pass only looks values up."""
    return bool(
        row["interpolation"] == Interpolation.NEAREST
        and row["noise"] == NoiseKind.NONE
        and row["colour"] < 0
        and row["missing"] < 0
        and row["erasures"][0] == row["erasures"][1]
        and np.all(row["gain"] == 1)
        and np.all(row["bias"] == 0)
    )


def envelope(row: np.void, source: Image, tables: Tables) -> Between:
    """Between what two values the output must lie before it is stored.

    What comes after the colour map is monotone in the values that it gives, a Poisson count for given bits too. So the
    ends of what may have been mapped lead to the ends of what may come out, though a count jumps where a probability
    is reached.
    """
    filled = reference.fill_missing(row, source, tables)
    mapped = mapped_between(row, looked_up_between(row, sampled_between(row, filled, tables), tables), tables)
    middle, reach = mapped.spread()
    if row["noise"] == NoiseKind.POISSON:
        # A quantile that is 3e-8 off moves a large count as a mean does that is off by less than this part of itself.
        reach = reach + 1e-6 * np.abs(middle)
    ends = [reference.finish(row, middle + shift, tables) for shift in (-reach, 0.0, reach)]
    if row["noise"] == NoiseKind.POISSON:
        # At its smallest mean, the approximation for large means may differ from the sum by one count.
        step = row["noise_parameters"][0]
        jump = (np.abs(middle / step - reference.LARGE_MEAN) * step <= reach) & ~erased(row, middle, tables)
        count = jump * step * np.abs(row["gain"]).max()
        ends += [ends[1] - count, ends[1] + count]
    rounding = rounding_bound(row, max(mapped.largest(), _brightest(filled)), tables)
    return Between(np.min(ends, axis=0) - rounding, np.max(ends, axis=0) + rounding)


def erased(row: np.void, values: Floats, tables: Tables) -> npt.NDArray[np.bool_]:
    """Return the values (C, H, W) that the rectangles of the row overwrite, as a mask."""
    mask = np.zeros(values.shape, bool)
    for top, left, bottom, right in tables.erasures["box"][slice(*row["erasures"])]:
        mask[:, top:bottom, left:right] = True
    return mask


def sampled_between(row: np.void, source: Image, tables: Tables) -> Between:
    """Return bounds of the values that an executor may sample."""
    sampled, bound = reference.sample(row, source, tables), sampling_bound(row)
    return Between(sampled - bound, sampled + bound)


def looked_up_between(row: np.void, values: Between, tables: Tables) -> Between:
    """The least and the greatest entry at the levels that the values may round to."""
    if row["lut"] < 0:
        return values
    full = FULL_SCALE[DType(row["source_dtype"])]
    exact = row["interpolation"] == Interpolation.NEAREST
    margin = 0.0 if exact else ROUNDING * full
    first, last = (np.floor(np.clip(end, 0, full) + 0.5) for end in (values.low - margin, values.high + margin))
    steps = int((last - first).max())
    lut = tables.luts[row["lut"]].astype(np.float64)
    entries = np.stack([lut[np.minimum(first + step, last).astype(np.int64)] for step in range(steps + 1)])
    return Between(entries.min(axis=0), entries.max(axis=0))


def mapped_between(row: np.void, values: Between, tables: Tables) -> Between:
    """The colour map's results: its own rounding, and what the values may be off times the size of its numbers."""
    if row["colour"] < 0:
        return values
    colour, channels = tables.colours[row["colour"]], int(row["channels"])
    matrix, of_mean = (np.abs(colour[name][:channels, :channels]) for name in ("matrix", "of_mean"))
    middle, reach = values.spread()
    rounded = reach + ROUNDING * np.abs(middle)
    off = np.einsum("ck,khw->chw", matrix, rounded) + ROUNDING * np.abs(colour["offset"][:channels, None, None])
    if of_mean.any():
        off = off + (of_mean @ rounded.mean(axis=(1, 2)))[:, None, None]
    low, high = colour["clamp"]
    exact = reference.map_colours(row, middle, _unclamped(tables))
    return Between(*(np.minimum(np.maximum(end, low), high) for end in (exact - off, exact + off)))


def _unclamped(tables: Tables) -> Tables:
    colours = tables.colours.copy()
    colours["clamp"] = (-np.inf, np.inf)
    return Tables(tables.luts, colours, tables.erasures, tables.missing)


def filter_bound(row: np.void) -> float:
    """Return the allowed error, in levels, of a uint8 sample that is filtered along the axes."""
    bicubic = row["interpolation"] == Interpolation.BICUBIC
    support = row["support"] if row["antialias"] else np.ones(2)
    taps = np.ceil(2 * support * (2 if bicubic else 1))
    largest = 1.5 if bicubic else 1.0
    return float(1 / 64 + (largest * (taps - 1) * 128 / 2**14).sum())


def sampling_bound(row: np.void) -> float:
    """Return the allowed error of a sampled value, in the units of the source."""
    scale = FULL_SCALE[DType(row["source_dtype"])]
    if row["interpolation"] == Interpolation.NEAREST:
        return 0.0
    if row["antialias"] and not reference.keeps_axes(row):
        flipped = 0.0 if row["source_dtype"] == DType.FLOAT32 else 1.0  # a value between two levels is rounded first
        return 2 * (flipped + FLOAT_BOUND * scale) + sampling_bound(reference.warp_of(row)[0])
    if row["source_dtype"] != DType.UINT8:
        return FLOAT_BOUND * scale
    return max(FIXED_POINT_BOUND * scale, filter_bound(row))


def rounding_bound(row: np.void, brightest: float, tables: Tables) -> float:
    """Return the allowed difference of an output from the result of its mapped value, before it is stored."""
    noise = np.abs(row["noise_parameters"]).max()
    if row["noise"] == NoiseKind.SPECKLE:
        noise *= brightest
    channels, erasures = int(row["channels"]), tables.erasures[slice(*row["erasures"])]
    erased = [np.abs(erasures[name][:, :channels]).max(initial=0.0) for name in ("low", "high")]
    largest = max(brightest, np.abs(row["fill"]).max(), *erased) + 7 * noise
    gain, bias = np.abs(row["gain"]).max(), np.abs(row["bias"]).max()
    return float(ROUNDING * (largest * gain + bias) + UNDERFLOW)


def _brightest(source: Image) -> float:
    return float(np.abs(source.astype(np.float64)).max(where=np.isfinite(source), initial=0.0))
