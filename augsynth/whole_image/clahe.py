"""Contrast-limited adaptive histogram equalisation."""

from __future__ import annotations

from collections.abc import Sequence

from augsynth import _native
from augsynth.core.typing import Image
from augsynth.errors import ArgumentError
from augsynth.whole_image.description import WholeImageOperation

LARGEST_GRID = 32


def clahe(image: Image, *, clip_limit: float, tile_grid_size: Sequence[int]) -> Image:
    """Equalise each channel by itself, tile by tile, as OpenCV's `createCLAHE` equalises a grey image.

    An image that the grid does not divide is extended by reflection (reflect101). A tile's histogram is cut off at
    `clip_limit` times its mean, and the counts that were cut off are spread over all levels. The sum of the counts up
    to a level, as a share of the full scale, becomes the new value of the level. Pixels between the centres of tiles
    get a bilinear mean of these tiles' new values.

    float32 images are counted in 65,536 levels of [0, 1], to which they are clamped. NaN counts as 0, and stays NaN.

    Args:
        image: (H, W, C) of uint8, uint16 or float32.
        clip_limit: the largest count of a level, as a multiple of the mean count; above 0.
        tile_grid_size: (columns, rows) of tiles, each 1 to 32.

    >>> import numpy as np
    >>> image = np.array([[[100], [100], [101], [101]]], np.uint8)
    >>> clahe(image, clip_limit=1000.0, tile_grid_size=(1, 1)).ravel().tolist()
    [128, 128, 255, 255]
    """
    columns, rows = check_grid(clip_limit, tile_grid_size)
    return _native.clahe(image, float(clip_limit), columns, rows)


def check_grid(clip_limit: float, tile_grid_size: Sequence[int]) -> list[int]:
    """Return the columns and rows of tiles as whole numbers; raise `ArgumentError` if a parameter is out of range.

    Args:
        clip_limit: must be above 0.
        tile_grid_size: (columns, rows), each 1 to `LARGEST_GRID`.
    """
    sizes = [int(size) for size in tile_grid_size]
    if not clip_limit > 0 or len(sizes) != 2 or any(not 0 < size <= LARGEST_GRID for size in sizes):
        raise ArgumentError(
            f"a grid must have 1 to {LARGEST_GRID} columns and rows of tiles, and clip_limit be above 0, got {sizes} "
            f"and {clip_limit!r}"
        )
    return sizes


CLAHE = WholeImageOperation(
    "clahe", clahe, {"clip_limit": 4.0, "tile_grid_size": (8, 8)}, keeps_positions=True, clamps_floats_to=1.0
)
