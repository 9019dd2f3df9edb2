"""`Mosaic`: several images in the cells of a grid whose lines are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, NamedTuple

import numpy as np

from augsynth.core import rng
from augsynth.core.rng import Keys
from augsynth.core.typing import Floats, Ints, Mask
from augsynth.errors import ArgumentError, shown
from augsynth.plan import Composition, Layer
from augsynth.plan.lowering import Lowering, PerChannel
from augsynth.transforms.params import bordered, filtered, flag, interval, size_pair
from augsynth.transforms.pipeline import Pipeline
from augsynth.transforms.several.cells import FITS, Cells, contain, cover, lines
from augsynth.transforms.several.contract import NOTHING, SeveralImages, layer_keys, layer_plan
from augsynth.transforms.several.sources import Gathering, Sources


class _Grid(NamedTuple):
    """The draws of n mosaics: who is one, the edges of the cells, and for each layer its cell, partner and window."""

    chosen: Mask
    rows: Ints
    columns: Ints
    cells: Ints
    partners: Floats
    windows: Floats


@dataclass(frozen=True)
class Mosaic(SeveralImages):
    """Put several images into the cells of a grid, whose crossing point is drawn: the image, and drawn partners.

    The mosaic of YOLOv4 (Bochkovskiy et al., arXiv:2004.10934) and of Ultralytics' YOLOv5 and YOLOv8. There, the grid
    has 2x2 cells, each image is scaled so that its longer side is half of the mosaic's, and lies with a corner at the
    crossing point: `fit="contain", fill=114`. With `fit="cover"`, images are scaled until they fill their cells, as in
    albumentations' `Mosaic`. Boxes, masks, keypoints and labels follow, and are clipped to their cells.

    Args:
        size: (height, width) of the output in pixels, or one number for a square. It is twice YOLO's image size.
        grid: (rows, columns) of cells, or one number for both; 2 by default.
        center: (lowest, highest) place of the crossing point, as fractions of the output; (0.25, 0.75) by default, as
            in YOLOv5. In larger grids, each line moves by as much of two cells.
        transform: the pipeline of each image before it is scaled, with draws of its own; nothing by default. The rules
            of a `Compose` (`min_visibility=…`) hold for all targets.
        source: the data set from which partners are drawn: `len()`, and items by their number, as (image, target) or
            dicts with "image". None (the default) draws them from the other images of the batch.
        then: the transform of the finished outputs; None by default.
        fit: "cover" (the default) or "contain", see above.
        fill: the level of the rest of a cell, in the image's units: a number, or one for each channel; 0 by default.
        interpolation: "nearest", "bilinear" (the default) or "bicubic".
        antialias: True (the default) widens the filter where an image becomes smaller.
        p: the probability of a mosaic; 1 by default. The other images fill the output alone.

    Each partner is drawn from all others, and may come twice; an image alone in its batch is its own partner.

    >>> import numpy as np
    >>> from augsynth import transforms as T
    >>> images = [np.full((20, 30, 3), level, np.uint8) for level in (50, 100, 150)]
    >>> targets = [{"boxes": [[0.0, 0, 30, 20]], "labels": [level]} for level in (0, 1, 2)]
    >>> mosaic = T.Mosaic(64, transform=T.Compose([T.RandomHorizontalFlip()], min_visibility=0.2))
    >>> result, joined = mosaic.batch(images, targets, keys=[(0, 0, 0), (0, 0, 1), (0, 0, 2)])
    >>> result.shape, joined[0]["labels"]
    (torch.Size([3, 3, 64, 64]), [0, 2, 1, 1])
    """

    size: int | Sequence[int]
    grid: int | Sequence[int] = 2
    center: Sequence[float] = (0.25, 0.75)
    transform: Pipeline = NOTHING
    source: Any = field(default=None, repr=False, compare=False)
    then: Any = None
    fit: str = "cover"
    fill: PerChannel = 0.0
    interpolation: str = "bilinear"
    antialias: bool = True
    p: float = 1.0

    _op: ClassVar[int] = 2**16 - 2

    def check(self) -> None:
        size, grid = size_pair(self.size), size_pair(self.grid, "grid")
        if size[0] < grid[0] or size[1] < grid[1]:
            raise ArgumentError(f"a mosaic of {grid[0]}x{grid[1]} cells needs a pixel for each, got the size {size}")
        interval(self.center, "center", 0.0, 1.0)
        if self.fit not in FITS:
            raise ArgumentError(f"fit must be {' or '.join(FITS)}, got {shown(self.fit)}")
        bordered("constant", self.fill)
        flag(self.antialias, "antialias")
        filtered(self.interpolation, self.antialias)

    def _words(self) -> list[str]:
        rows, columns = size_pair(self.grid, "grid")
        height, width = size_pair(self.size)
        return [
            f"mosaic of {rows}x{columns} cells in {height}x{width} pixels, with a probability of {self.p:g}",
            f"each image has {rows * columns - 1} partners of {self._others}, and is scaled to {self.fit} its cell",
        ]

    def _drawn(self, gathering: Gathering, keys: Keys) -> tuple[Composition, Sources]:
        grid = self._grid(keys)
        numbers = self._partners(grid, gathering)
        sources = gathering.finish()
        every = layer_keys(keys, self._op - 1, grid.cells.shape[1])
        layers = [
            self._layer(sources, grid, number, numbers[:, number], every[number])
            for number in range(grid.cells.shape[1])
            if number == 0 or grid.chosen.any()
        ]
        return Composition(size_pair(self.size), len(keys), sources.items, tuple(layers)), sources

    def _grid(self, keys: Keys) -> _Grid:
        rows, columns = size_pair(self.grid, "grid")
        height, width = size_pair(self.size)
        count = rows * columns
        u = rng.uniform(keys, self._op, 2 + rows - 1 + columns - 1 + count - 1 + 2 * count)
        parts = np.split(u, np.cumsum([1, rows - 1, columns - 1, 1, count - 1]), axis=1)
        chance, down, across, first, partners, windows = parts
        center = interval(self.center, "center", 0.0, 1.0)
        # The image itself lies in a drawn cell, and its partners in those after it.
        cells = ((first * count).astype(np.int64) + np.arange(count)) % count
        return _Grid(
            chance[:, 0] < self.p,
            lines(down, height, center),
            lines(across, width, center),
            cells,
            partners,
            windows.reshape(-1, count, 2),
        )

    def _partners(self, grid: _Grid, gathering: Gathering) -> Ints:
        """The number (n, cells) of the source in each layer; -1 where there is none."""
        own = np.arange(len(grid.chosen))
        numbers = np.full(grid.cells.shape, -1)
        numbers[:, 0] = own
        chosen = np.flatnonzero(grid.chosen)
        u = grid.partners[chosen]
        drawn = zip(chosen.tolist(), u.tolist(), strict=True)
        partners = [[self._partner(one, output, gathering) for one in row] for output, row in drawn]
        numbers[chosen, 1:] = np.array(partners, np.int64).reshape(u.shape)
        return numbers

    def _layer(self, sources: Sources, grid: _Grid, number: int, numbers: Ints, keys: Keys) -> Layer:
        outputs = np.flatnonzero(numbers >= 0)
        cells = self._cells(grid, number, outputs)

        windows = grid.windows[outputs, number]
        steps = partial(self._add, keys=keys[outputs], cells=cells, windows=windows)
        plan = layer_plan(steps, sources, numbers[outputs], self.transform)
        return Layer.placed(plan, outputs, numbers[outputs], corners=cells.corners)

    def _add(self, lowering: Lowering, keys: Keys, cells: Cells, windows: Floats) -> None:
        """Add the steps of the images in some cells; `windows` (n, 2) are the places of what is shown of them."""
        self.transform.add_to(lowering, keys)
        declared = filtered(self.interpolation, self.antialias)
        if self.fit == "cover":
            lowering.add("Mosaic", cover(cells, lowering.images, windows, declared))
            return
        for step in contain(cells, lowering.images, declared, self.fill):
            lowering.add("Mosaic", step)

    def _add_example(self, lowering: Lowering) -> None:
        keys = np.zeros((1, 3), np.int64)
        grid = self._grid(keys)
        self._add(lowering, keys, self._cells(grid, 0, np.zeros(1, np.int64)), grid.windows[:, 0])

    def _cells(self, grid: _Grid, number: int, outputs: Ints) -> Cells:
        """The cells of a layer in some outputs; the whole output where there is no mosaic."""
        counts = np.array(size_pair(self.grid, "grid"))
        whole = ~grid.chosen[outputs, None]
        places = np.column_stack(np.divmod(grid.cells[outputs, number], counts[1]))
        edges = [
            np.column_stack([lines_of[outputs, place], lines_of[outputs, place + 1]])
            for lines_of, place in zip((grid.rows, grid.columns), places.T, strict=True)
        ]
        corners = np.where(whole, 0, np.column_stack([axis[:, 0] for axis in edges]))
        ends = np.where(whole, size_pair(self.size), np.column_stack([axis[:, 1] for axis in edges]))
        # Images lie at the side of their cell that is nearest to the middle of the mosaic.
        anchors = (1 - np.sign(2 * places + 1 - counts)) / 2
        nominal = np.where(whole, size_pair(self.size), np.array(size_pair(self.size)) / counts)
        return Cells(corners, ends - corners, nominal, np.where(whole, 0.5, anchors))
