"""Quarter turns, transpositions and the other symmetries of a square. Pixels are moved, and never interpolated.

The frame turns with the picture: a quarter turn of an image of 4x6 pixels has 6x4 pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from augsynth.core.typing import Ints, Mask
from augsynth.errors import ArgumentError, shown
from augsynth.plan.lowering import Geometry, ImageInfo
from augsynth.transforms.contract import Draw, Transform
from augsynth.transforms.matrices import matrix
from augsynth.transforms.params import integer, probability


def _symmetry(transposed: Mask, mirrored_x: Mask, mirrored_y: Mask, sizes: Ints) -> Geometry:
    """Transpose some of the samples, after mirroring some along x and some along y; all masks are (n,)."""
    across, down = (np.where(mirrored, -1.0, 1.0) for mirrored in (mirrored_x, mirrored_y))
    inverse = matrix(
        np.where(transposed, 0.0, across),
        np.where(transposed, across, 0.0),
        np.where(mirrored_x, sizes[:, 1], 0.0),
        np.where(transposed, down, 0.0),
        np.where(transposed, 0.0, down),
        np.where(mirrored_y, sizes[:, 0], 0.0),
    )
    return Geometry(inverse, np.where(transposed[:, None], sizes[:, ::-1], sizes), keeps_frame=True)


@dataclass(frozen=True)
class RandomQuarterTurn(Transform):
    """Turn by a random number of quarter turns, counter-clockwise on screen, as `numpy.rot90` does. Exact.

    albumentations' `RandomRotate90` draws all four turns with equal probabilities, as the default does.

    Args:
        turns: the numbers of quarter turns of which one is drawn: an integer, or a sequence of integers, which may
            occur several times; (0, 1, 2, 3) by default. (0, 2) keeps the size of images that are not square.

    >>> import numpy as np
    >>> RandomQuarterTurn(1)(np.array([[1, 2, 3]], np.uint8)).tolist()
    [[[3], [2], [1]]]
    """

    turns: int | Sequence[int] = (0, 1, 2, 3)

    @property
    def draws(self) -> int:  # type: ignore[override]
        """One number if there are several turns to draw from."""
        return int(np.size(self.turns) > 1)

    def check(self) -> None:
        given = self.turns if isinstance(self.turns, tuple) else (self.turns,)
        if not given:
            raise ArgumentError(f"turns must be an integer or several, got {shown(self.turns)}")
        for turn in given:
            integer(turn, "turns", -_MOST_TURNS, _MOST_TURNS)

    def step(self, draw: Draw, images: ImageInfo) -> Geometry:
        turns = np.array(self.turns, ndmin=1) % 4
        drawn = turns[draw.choice(len(turns))]
        return _symmetry(drawn % 2 == 1, (drawn == 1) | (drawn == 2), drawn >= 2, images.sizes)


_MOST_TURNS = 1_000_000


@dataclass(frozen=True)
class RandomDihedral(Transform):
    """Turn and mirror by one of the eight symmetries of a square, all equally likely. Exact.

    It is albumentations' `D4` (`SquareSymmetry`): for pictures that have no up and no left, such as those from above
    or through a microscope.

    Args:
        p: the probability, 0 to 1; 1 by default. The symmetry that changes nothing is one of the eight.

    >>> import numpy as np
    >>> image = np.array([[1, 2], [3, 4]], np.uint8)
    >>> len(RandomDihedral().batch([image] * 100, keys=[(0, 0, k) for k in range(100)]).unique(dim=0))
    8
    """

    p: float = 1.0
    draws: ClassVar[int] = 4

    def check(self) -> None:
        probability(self.p)

    def step(self, draw: Draw, images: ImageInfo) -> Geometry:
        drawn = (draw.u[:, 1:] < 0.5) & (draw.u[:, :1] < self.p)
        return _symmetry(drawn[:, 0], drawn[:, 1], drawn[:, 2], images.sizes)


@dataclass(frozen=True)
class RandomTranspose(Transform):
    """Exchange rows and columns at random: (x, y) becomes (y, x). Exact; albumentations' `Transpose`.

    Args:
        p: the probability, 0 to 1; 0.5 by default.

    >>> import numpy as np
    >>> RandomTranspose(p=1.0)(np.array([[1, 2, 3]], np.uint8)).tolist()
    [[[1], [2], [3]]]
    """

    p: float = 0.5
    draws: ClassVar[int] = 1

    def check(self) -> None:
        probability(self.p)

    def step(self, draw: Draw, images: ImageInfo) -> Geometry:
        nobody = np.zeros(len(images), bool)
        return _symmetry(draw.u[:, 0] < self.p, nobody, nobody, images.sizes)
