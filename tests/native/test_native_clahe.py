"""CLAHE is what its definition says, on every instruction set, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augsynth import _native
from augsynth.core.scale import full_scale, stored
from augsynth.errors import ArgumentError

Array = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]
Singles = npt.NDArray[np.float32]

sizes = st.tuples(st.integers(1, 40), st.integers(1, 60), st.integers(1, 4))
grids = st.tuples(st.integers(1, 9), st.integers(1, 9))
dtypes = st.sampled_from([np.uint8, np.uint16, np.float32])


@given(st.integers(0, 2**32 - 1), sizes, dtypes, st.floats(0.01, 100), grids, st.integers(0, 3), st.booleans())
def test_the_levels_are_those_of_the_definition(
    isa: str,
    seed: int,
    shape: tuple[int, int, int],
    dtype: Any,
    clip_limit: float,
    grid: tuple[int, int],
    crowded: int,
    planar: bool,
) -> None:
    random = np.random.default_rng(seed)
    values = random.random(shape) ** (1 + crowded) * 1.1 - 0.05
    if dtype == np.float32:
        values[random.random(shape) < 0.05] = np.nan
        image = values.astype(dtype)
    else:
        image = (np.clip(values, 0, 1) * np.iinfo(dtype).max).astype(dtype) // (1, 1, 16, 64)[crowded]
    if planar:
        image = np.ascontiguousarray(image.transpose(2, 0, 1)).transpose(1, 2, 0)
    np.testing.assert_array_equal(_native.clahe(image, clip_limit, *grid), equalized(image, clip_limit, *grid))


@pytest.mark.parametrize(("clip_limit", "columns", "rows"), [(0.0, 8, 8), (np.nan, 8, 8), (4.0, 0, 8), (4.0, 8, -1)])
def test_parameters_out_of_range_are_refused(clip_limit: float, columns: int, rows: int) -> None:
    with pytest.raises(ArgumentError, match="expected numbers above 0"):
        _native.clahe(np.zeros((9, 9, 1), np.uint8), clip_limit, columns, rows)


def equalized(image: Array, clip_limit: float, columns: int, rows: int) -> Array:
    """The definition, in NumPy."""
    channels = [_equalized(image[..., channel], clip_limit, columns, rows) for channel in range(image.shape[-1])]
    return np.stack(channels, axis=-1)


def _equalized(channel: Array, clip_limit: float, columns: int, rows: int) -> Array:
    missing = np.isnan(channel)
    counted = channel
    if channel.dtype.kind == "f":
        counted = stored(np.where(missing, 0, channel).astype(np.float64) * 65535.0, np.dtype(np.uint16))
    values = _blended(counted, clip_limit, columns, rows)
    if channel.dtype.kind == "f":
        return np.where(missing, channel, values / np.float32(65535.0))
    return np.clip(np.rint(values), 0, full_scale(channel.dtype)).astype(channel.dtype)


def _blended(channel: Array, clip_limit: float, columns: int, rows: int) -> Singles:
    """The new values (H, W), not rounded, of a channel of integers."""
    levels, place = _occurring(channel)
    height, width = _tile_size(channel.shape, rows, columns)
    filled = np.pad(place, [(0, rows * height - len(place)), (0, columns * width - place.shape[1])], "reflect")
    tiles = filled.reshape(rows, height, columns, width).swapaxes(1, 2).reshape(rows, columns, -1)
    full = np.iinfo(channel.dtype).max
    tables = np.stack([_tables(row, levels, int(full), clip_limit) for row in tiles]).reshape(-1)
    top, bottom, below = _neighbours(channel.shape[0], height, rows)
    left, right, beyond = _neighbours(channel.shape[1], width, columns)

    def across_tiles(row: Ints) -> Singles:
        starts = row[:, None] * columns
        one, other = (tables.take((starts + column) * len(levels) + place) for column in (left, right))
        mean: Singles = one * (1 - beyond) + other * beyond
        return mean

    down = below[:, None]
    return across_tiles(top) * (1 - down) + across_tiles(bottom) * down


def _occurring(channel: Array) -> tuple[Ints, Ints]:
    """The levels that occur, in order, and for each pixel the place of its own among them."""
    occurs = np.zeros(np.iinfo(channel.dtype).max + 1, bool)
    occurs[channel] = True
    return np.flatnonzero(occurs), (np.cumsum(occurs) - 1)[channel]


def _tile_size(shape: tuple[int, ...], rows: int, columns: int) -> tuple[int, int]:
    """The height and width of a tile. Both sides grow where the grid does not divide one of them, as OpenCV has it."""
    grows = shape[0] % rows > 0 or shape[1] % columns > 0
    return shape[0] // rows + grows, shape[1] // columns + grows


def _tables(tiles: Ints, levels: Ints, full: int, clip_limit: float) -> Singles:
    """The new value of each level that occurs, for tiles (n, pixels) that hold places among these levels."""
    count, pixels = tiles.shape
    starts = np.arange(count)[:, None] * len(levels)
    counts = np.bincount((starts + tiles).ravel(), minlength=count * len(levels)).reshape(count, -1)
    kept = np.minimum(counts, max(1, int(min(clip_limit * pixels / (full + 1), pixels))))
    spread, rest = np.divmod(pixels - kept.sum(axis=1, keepdims=True), full + 1)
    # The remaining counts go to levels that are `step` apart, one each from level 0 on.
    step = (full + 1) // np.maximum(rest, 1)
    sums = kept.cumsum(axis=1) + spread * (levels + 1) + np.minimum(levels // step + 1, rest)
    rounded: Singles = np.rint(sums.astype(np.float32) * (np.float32(full) / np.float32(pixels)))
    return rounded


def _neighbours(size: int, side: int, tiles: int) -> tuple[Ints, Ints, Singles]:
    """For each pixel of a line, the tiles whose centres lie before and after it, and how far it is on the way."""
    at = np.arange(size, dtype=np.float32) * (np.float32(1) / np.float32(side)) - np.float32(0.5)
    before = np.floor(at)
    first = before.astype(np.int64)
    return np.maximum(first, 0), np.minimum(first + 1, tiles - 1), at - before
