"""Mirror images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from augsynth.core.typing import Floats
from augsynth.plan.lowering import Geometry, ImageInfo
from augsynth.transforms.contract import Draw, Transform
from augsynth.transforms.matrices import matrix
from augsynth.transforms.params import probability


def _mirrored(draw: Draw, p: float, extent: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Factor and offset of the coordinate along the mirrored axis, for samples that flip and those that do not."""
    flipped: Floats = (draw.u[:, 0] < p).astype(np.float64)
    return 1.0 - 2.0 * flipped, flipped * extent


@dataclass(frozen=True)
class RandomHorizontalFlip(Transform):
    """Mirror left and right at random: x becomes W - x. Exact.

    Args:
        p: the probability, 0 to 1; 0.5 by default.

    >>> import numpy as np
    >>> image = np.array([[1, 2, 3]], np.uint8)
    >>> RandomHorizontalFlip(p=1.0)(image).tolist()
    [[[3, 2, 1]]]
    """

    p: float = 0.5
    draws: ClassVar[int] = 1

    def check(self) -> None:
        probability(self.p)

    def step(self, draw: Draw, images: ImageInfo) -> Geometry:
        sign, shift = _mirrored(draw, self.p, images.sizes[:, 1])
        return Geometry(matrix(sign, 0.0, shift, 0.0, 1.0, 0.0), images.sizes, keeps_frame=True)


@dataclass(frozen=True)
class RandomVerticalFlip(Transform):
    """Mirror top and bottom at random: y becomes H - y. Exact.

    Args:
        p: the probability, 0 to 1; 0.5 by default.

    >>> import numpy as np
    >>> RandomVerticalFlip(p=1.0)(np.array([[1], [2]], np.uint8)).tolist()
    [[[2], [1]]]
    """

    p: float = 0.5
    draws: ClassVar[int] = 1

    def check(self) -> None:
        probability(self.p)

    def step(self, draw: Draw, images: ImageInfo) -> Geometry:
        sign, shift = _mirrored(draw, self.p, images.sizes[:, 0])
        return Geometry(matrix(1.0, 0.0, 0.0, 0.0, sign, shift), images.sizes, keeps_frame=True)
