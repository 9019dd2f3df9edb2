"""Contrast-limited adaptive histogram equalisation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from augsynth.core.scale import full_scale, stored
from augsynth.core.typing import Image, Ints, Singles
from augsynth.errors import ArgumentError
from augsynth.whole_image.description import WholeImageOperation
from augsynth.whole_image.histograms import Channel, by_channel

# Tables of all tiles are kept, each with as many entries as levels occur.
LARGEST_GRID = 32


def clahe(image: Image, *, clip_limit: float, tile_grid_size: Sequence[int]) -> Image:
    """Equalise each channel by itself, tile by tile, as OpenCV's `createCLAHE` equalises a grey image.

    `tile_grid_size` is (columns, rows). An image that the grid does not divide is extended by reflection (reflect101).
    A tile's histogram is cut off at `clip_limit` times its mean, and what is cut off is spread over all levels. The sum
    of the counts up to a level, as a share of the full scale, becomes its new value. Pixels between the centres of
    tiles get a bilinear mean of these tiles' new values.

    float32 images are counted in 65,536 levels of [0, 1], to which they are clamped. NaN counts as 0, and stays NaN.

    >>> image = np.array([[[100], [100], [101], [101]]], np.uint8)
    >>> clahe(image, clip_limit=1000.0, tile_grid_size=(1, 1)).ravel().tolist()
    [128, 128, 255, 255]
    """
    columns, rows = check_grid(clip_limit, tile_grid_size)
    return by_channel(image, lambda channel: _equalized(channel, clip_limit, columns, rows))


def check_grid(clip_limit: float, tile_grid_size: Sequence[int]) -> list[int]:
    """The columns and rows of tiles as whole numbers; `ArgumentError` unless they and `clip_limit` are of use."""
    sizes = [int(size) for size in tile_grid_size]
    if not clip_limit > 0 or len(sizes) != 2 or any(not 0 < size <= LARGEST_GRID for size in sizes):
        raise ArgumentError(
            f"a grid must have 1 to {LARGEST_GRID} columns and rows of tiles, and clip_limit be above 0, got {sizes} "
            f"and {clip_limit!r}"
        )
    return sizes


def _equalized(channel: Channel, clip_limit: float, columns: int, rows: int) -> Channel:
    missing = np.isnan(channel)
    counted = channel
    if channel.dtype.kind == "f":
        counted = stored(np.where(missing, 0, channel).astype(np.float64) * 65535.0, np.dtype(np.uint16))
    values = _blended(counted, clip_limit, columns, rows)
    if channel.dtype.kind == "f":
        return np.where(missing, channel, values / np.float32(65535.0))
    return np.clip(np.rint(values), 0, full_scale(channel.dtype)).astype(channel.dtype)


def _blended(channel: Channel, clip_limit: float, columns: int, rows: int) -> Singles:
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


def _occurring(channel: Channel) -> tuple[Ints, Ints]:
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
    # What is left over goes to levels that are `step` apart, one each from level 0 on.
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


CLAHE = WholeImageOperation(
    "clahe", clahe, {"clip_limit": 4.0, "tile_grid_size": (8, 8)}, keeps_positions=True, clamps_floats_to=1.0
)
