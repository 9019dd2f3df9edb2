"""Tables for the tests of the compiled core, and passes that use them."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from native_rows import DTYPES, Array, make_rows, rotation

from augsynth._native import layout
from augsynth._native.layout import LUT_LEVELS, Border, DType, Interpolation, NoiseKind, Tables
from augsynth.plan import FULL_SCALE, Pass
from augsynth.testing import strategies as aug

STAGES = ("lut", "colour", "erasures", "missing", "displacement")


def full_scale(source: Array) -> float:
    return FULL_SCALE[_kind(source)]


def luts(source: Array, seed: int = 0, count: int = 1) -> Array:
    """Tables of any entries for the levels of a source; none for a float32 one."""
    levels = LUT_LEVELS.get(_kind(source))
    if levels is None:
        return Tables().luts
    return np.random.default_rng(seed).integers(0, levels, (count, levels), np.uint16)


def colours(channels: int, full: float, seed: int = 0, of_mean: bool = False) -> Array:
    """One map that mixes all channels, with numbers that do not count beside those that do."""
    rng, one = np.random.default_rng(seed), np.zeros(1, layout.COLOUR)
    for name in ("matrix", "of_mean", "offset"):
        one[name] = np.nan
    one["matrix"][0, :channels, :channels] = rng.normal(size=(channels, channels))
    one["of_mean"][0, :channels, :channels] = rng.normal(size=(channels, channels)) * of_mean
    one["offset"][0, :channels] = full * rng.uniform(-0.2, 0.2, channels)
    one["clamp"] = (0, full)
    return one


def erasures(size: tuple[int, int], full: float, seed: int = 0, count: int = 2) -> Array:
    """Rectangles in an output (height, width): empty ones, of one value, and of noise."""
    rng, some = np.random.default_rng(seed), np.zeros(count, layout.ERASURE)
    corners = np.sort(rng.integers(0, np.array(size) + 1, (count, 2, 2)), axis=1)
    some["box"] = corners.reshape(count, 4)
    values = np.sort(full * rng.random((count, 2, layout.MAX_CHANNELS)), axis=1)
    some["low"] = values[:, 0]
    some["high"] = np.where(rng.random((count, 1)) < 0.3, values[:, 0], values[:, 1])
    some["stream"] = rng.integers(0, 2**32, (count, 4), np.uint32)
    return some


def missing(value: float, full: float, seed: int = 0, by_mean: bool = False) -> Array:
    """A rule that fills with noise, or with means."""
    rng, rule = np.random.default_rng(seed), np.zeros(1, layout.MISSING)
    rule["value"], rule["by_mean"] = value, by_mean
    rule["low"], rule["high"] = np.sort(full * rng.random((2, layout.MAX_CHANNELS)), axis=0)
    rule["stream"] = rng.integers(0, 2**32, 4, np.uint32)
    return rule


def displacements(frame: tuple[int, int], seed: int = 0, reach: float = 3.0, count: int = 1) -> dict[str, Array]:
    """Displacements of a frame (height, width) between maps of all kinds, as tables by name."""
    rng, some, grids = np.random.default_rng(seed), np.zeros(count, layout.DISPLACEMENT), []
    for entry in some:
        rows, columns = rng.integers(4, 9, 2)
        entry["before"] = _MAPS_AROUND[rng.integers(len(_MAPS_AROUND))](*frame)
        entry["after"] = _MAPS_AROUND[rng.integers(len(_MAPS_AROUND) - 1)](*frame)  # no horizon, which may come near
        entry["grid"], entry["first"] = (rows, columns), sum(map(len, grids))
        entry["spacing"] = np.array([frame[1] / columns, frame[0] / rows]) * rng.choice([0.2, 1.0, 1.5])
        entry["origin"] = -entry["spacing"] * rng.uniform(-1, 2, 2)
        grids.append(rng.uniform(-reach, reach, (rows * columns, 2)))
    return {"displacements": some, "offsets": np.concatenate([np.zeros((0, 2)), *grids])}


_MAPS_AROUND = (
    lambda height, width: np.eye(3),
    lambda height, width: np.array([[-1.0, 0, width], [0, 1, 0], [0, 0, 1]]),
    lambda height, width: rotation(0.4, height, width),
    lambda height, width: np.array([[1.1, 0.1, -0.5], [0, 0.9, 0.25], [0.1 / width, 0.2 / height, 1]]),
)


def with_gaps(source: Array, value: float, share: float = 0.3, seed: int = 0) -> Array:
    """A copy in which some values are missing."""
    gaps = np.random.default_rng(seed).random(source.shape) < share
    return np.where(gaps, np.array(value, source.dtype), source)


@st.composite
def passes(draw: st.DrawFn, stages: tuple[str, ...] = STAGES) -> tuple[Pass, Array]:
    """A pass of one row with those stages, under any map, with any noise and output; and its source."""
    size = draw(st.tuples(st.integers(1, 12), st.integers(1, 30) | st.integers(250, 530)))
    source = draw(aug.images((draw(st.integers(1, 12)), draw(st.integers(1, 40)), draw(st.integers(1, 16)))))
    seed, full = draw(st.integers(0, 2**32 - 1)), full_scale(source)
    value = draw(st.sampled_from([0.0, full, np.nan])) if source.dtype == np.float32 else float(source[0, 0, 0])
    if "missing" in stages and source.dtype == np.float32:
        source = with_gaps(source, value, seed=seed)
    output = np.zeros((source.shape[2], *size), DTYPES[draw(st.sampled_from(list(DTYPES)))])
    tables = Tables(
        luts(source, seed) if "lut" in stages else Tables().luts,
        colours(source.shape[2], full, seed, draw(st.booleans())) if "colour" in stages else Tables().colours,
        erasures(size, full, seed, draw(st.integers(0, 4))) if "erasures" in stages else Tables().erasures,
        missing(value, full, seed, draw(st.booleans())) if "missing" in stages else Tables().missing,
        **(displacements(size, seed, draw(st.sampled_from([0.0, 3.0, 50.0]))) if "displacement" in stages else {}),
    )
    return Pass(_pointing(draw, source, output, tables), tables), source


def _pointing(draw: st.DrawFn, source: Array, output: Array, tables: Tables) -> Array:
    full = full_scale(source)
    noise = draw(
        st.sampled_from([NoiseKind.NONE, NoiseKind.NONE, NoiseKind.GAUSSIAN, NoiseKind.UNIFORM, NoiseKind.SPECKLE])
    )
    return make_rows(
        source,
        output,
        inverse=draw(st.sampled_from([np.eye(3), np.diag([-0.7, 1.3, 1.0]), rotation(0.4, *source.shape[:2])])),
        interpolation=draw(st.sampled_from(list(Interpolation))),
        border=draw(st.sampled_from(list(Border))),
        antialias=draw(st.integers(0, 1)),
        support=draw(st.sampled_from([1.0, 1.8])),
        fill=full / 3,
        noise=noise,
        noise_parameters=(0.0, 0.1 if noise == NoiseKind.SPECKLE else 0.1 * full, 0.0, 0.0),
        stream=draw(st.integers(0, 2**32 - 1)),
        clamp=(0.1 * full, 0.9 * full),
        gain=np.iinfo(output.dtype).max / full if output.dtype.kind == "u" else 1 / full,
        lut=len(tables.luts) - 1,
        colour=len(tables.colours) - 1,
        missing=len(tables.missing) - 1,
        displacement=draw(st.integers(-1, len(tables.displacements) - 1)),
        erasures=(0, len(tables.erasures)),
    )


def _kind(source: Array) -> DType:
    return next(kind for kind, numpy in DTYPES.items() if source.dtype == numpy)
