"""Cells of a mosaic: the lines between them, and the fit of an image into each."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from augsynth.core.geometry import compose
from augsynth.core.typing import Floats, Ints
from augsynth.plan.lowering import Geometry, ImageInfo, PerChannel, Sampling
from augsynth.transforms.matrices import scaling, translation
from augsynth.transforms.params import bordered

FITS = ("cover", "contain")


def lines(u: Floats, length: int, center: tuple[float, float]) -> Ints:
    """The edges (n, cells + 1) of cells along an axis, 0 and `length` among them; no cell is empty.

    Line i of `cells` is uniform over (i − 1 + 2 low) / cells to (i − 1 + 2 high) / cells of the length. So the one line
    between two cells is uniform over `center`.

    Args:
        u: (n, cells - 1), uniform in [0, 1).
        length: the length of the axis in pixels, at least the number of cells.
        center: (low, high), as fractions of two cells.
    """
    count, between = u.shape
    cells, low, high = between + 1, *center
    number = np.arange(1, cells)
    drawn = np.sort((number - 1 + 2 * (low + u * (high - low))) / cells * length, axis=1)
    # Each line lies at least a pixel after the one before it, and leaves a pixel for each cell behind it.
    whole = np.maximum.accumulate(np.maximum(np.rint(drawn).astype(np.int64), 1) - number, axis=1) + number
    whole = np.minimum(whole, length - cells + number)
    ends = np.zeros((count, 1), np.int64)
    return np.concatenate([ends, whole, ends + length], axis=1)


class Cells(NamedTuple):
    """A cell for each of n images.

    Args:
        corners: int64 (n, 2), the (top, left) of the cells.
        sizes: int64 (n, 2), their (height, width).
        nominal: (n, 2), the (height, width) of the cells if all were equal.
        anchors: (n, 2), the side of the cell at which an image lies, down and across: 0 for the start, 1 for the end,
            1/2 for the middle.
    """

    corners: Ints
    sizes: Ints
    nominal: Floats
    anchors: Floats


def cover(cells: Cells, images: ImageInfo, u: Floats, declared: Sampling) -> Geometry:
    """Scale images until they cover their cells, and cut out a window at random.

    Args:
        cells: the cells.
        images: the images.
        u: (n, 2), uniform in [0, 1): the place of the window, down and across.
        declared: the declaration of how pixels are read.
    """
    scale = (cells.sizes / images.sizes).max(axis=1)
    shown = cells.sizes / scale[:, None]
    offset = u * np.maximum(images.sizes - shown, 0.0)
    ratio = 1.0 / scale
    inverse = compose(translation(offset[:, 1], offset[:, 0]), scaling(ratio, ratio))
    return Geometry(inverse, cells.sizes, declared)


def contain(cells: Cells, images: ImageInfo, declared: Sampling, fill: PerChannel) -> tuple[Geometry, Geometry]:
    """Scale images to the size of equal cells, and lay them at the sides of their cells that `anchors` says.

    The parts beyond the cell are cut off, and the rest of the cell is filled.

    Args:
        cells: the cells.
        images: the images.
        declared: the declaration of how pixels are read.
        fill: the level of the rest.
    """
    scale = (cells.nominal / images.sizes).min(axis=1)
    sizes = np.maximum(np.rint(images.sizes * scale[:, None]).astype(np.int64), 1)
    ratio = images.sizes / sizes
    resized = Geometry(scaling(ratio[:, 1], ratio[:, 0]), sizes, declared, keeps_frame=True)
    offset = np.floor((cells.sizes - sizes) * cells.anchors)
    placed = Geometry(translation(-offset[:, 1], -offset[:, 0]), cells.sizes, bordered("constant", fill), pads=True)
    return resized, placed
