"""Transforms that look at the frequencies of values in an image. They run between passes.

Each channel is treated alone. Levels of a float image refer to the full scale 1; NaN stays, and is not counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from augsynth.errors import ArgumentError
from augsynth.plan.lowering import ImageInfo, Operate
from augsynth.transforms.contract import Draw, Transform
from augsynth.transforms.params import Range, positive, probability, size_pair
from augsynth.transforms.random_operation import RandomOperation
from augsynth.whole_image.clahe import LARGEST_GRID


@dataclass(frozen=True)
class RandomEqualize(RandomOperation):
    """Spread the values of each channel evenly over the full scale, at random.

    uint8 images get the levels that Pillow and torchvision give them. In uint16 and float32 images a value becomes full
    scale * (number of smaller pixels) / (number of pixels below the largest value).

    Args:
        p: the probability, 0 to 1; 0.5 by default.

    >>> import numpy as np
    >>> RandomEqualize(p=1.0)(np.array([[0.25, 0.5, 0.75]], np.float32)).tolist()
    [[[0.0, 0.5, 1.0]]]
    """

    operation: ClassVar[str] = "equalize"


@dataclass(frozen=True)
class RandomAutocontrast(RandomOperation):
    """Stretch each channel over the full scale, from its smallest to its largest value, at random.

    Integers are rounded down: v becomes floor(full scale * (v - low) / (high - low)), exactly. Pillow and torchvision
    round the slope first, so that some of their levels are higher or lower by one. A constant channel is not changed.

    Args:
        p: the probability, 0 to 1; 0.5 by default.

    >>> import numpy as np
    >>> RandomAutocontrast(p=1.0)(np.array([[50, 75, 100]], np.uint8)).tolist()
    [[[0, 127, 255]]]
    """

    operation: ClassVar[str] = "autocontrast"


@dataclass(frozen=True)
class CLAHE(Transform):
    """Equalise histograms in tiles, with limited contrast, at random.

    Each channel is equalised alone, as OpenCV's `createCLAHE` equalises a grey image; uint8 and uint16 images get its
    levels. float32 images are clamped to [0, 1] and counted in 65,536 levels; NaN counts as 0, and stays NaN.

    Args:
        clip_limit: the largest count of a level in a tile, in units of the mean count of all levels: a number above 0,
            or a pair to draw from; 4 by default. A lower limit gives less contrast.
        tile_grid_size: the number of tiles, (columns, rows), or one number for both; 1 to 32 each, (8, 8) by default.
        p: the probability, 0 to 1; 0.5 by default.

    >>> import numpy as np
    >>> CLAHE(clip_limit=1000.0, tile_grid_size=1, p=1.0)(np.array([[100, 100, 101, 101]], np.uint8)).tolist()
    [[[128, 128, 255, 255]]]
    """

    clip_limit: Range = 4.0
    tile_grid_size: int | Sequence[int] = (8, 8)
    p: float = 0.5
    draws: ClassVar[int] = 2

    def check(self) -> None:
        positive(self.clip_limit, "clip_limit")
        grid = self.tile_grid_size
        if max(size_pair(grid, "tile_grid_size")) > LARGEST_GRID:
            raise ArgumentError(f"tile_grid_size must be at most {LARGEST_GRID} in each direction, got {grid!r}")
        probability(self.p)

    def step(self, draw: Draw, images: ImageInfo) -> Operate:
        limits = draw.between(1, *positive(self.clip_limit, "clip_limit"))
        grid = np.array(size_pair(self.tile_grid_size, "tile_grid_size"))
        return Operate("clahe", {"clip_limit": limits}, {"tile_grid_size": grid}, active=draw.u[:, 0] < self.p)
