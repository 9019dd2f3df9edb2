"""Weather: shadows and fog. They run in NumPy, between passes, and leave alpha as it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from augsynth.errors import ArgumentError
from augsynth.plan.lowering import ImageInfo, Operate
from augsynth.transforms.contract import Draw, Transform
from augsynth.transforms.params import Range, integer, numbers, probability, span, whole_range

_MOST_SHADOWS = 16
_MOST_CORNERS = 32
_FOG_KNOTS = 5
_THINNEST = 0.5  # of the densest cloud


@dataclass(frozen=True)
class RandomShadow(Transform):
    """Darken polygons, at random.

    Albumentations' `RandomShadow`, with the corners in order around their middle, so that no shadow crosses itself.

    Args:
        num_shadows: the number of polygons, 1 to 16: an integer, or (lowest, highest), all equally likely; (1, 2) by
            default.
        darkness: the share of light that a shadow takes, 0 to 1: a number, or a pair to draw from, each shadow its own;
            (0.3, 0.5) by default.
        corners: the number of corners of each polygon, 3 to 32; 5 by default.
        roi: the part of the image in which the corners lie, as shares of its width and height (left, top, right,
            bottom); (0, 0.5, 1, 1), the lower half, by default.
        p: the probability, 0 to 1; 0.5 by default.

    >>> import numpy as np
    >>> shaded = RandomShadow(1, 0.5, p=1.0)(np.full((9, 9), 100, np.uint8), key=(0, 0, 0))
    >>> np.unique(shaded).tolist(), int(shaded[0, 0].min())
    ([50, 100], 100)
    """

    num_shadows: int | Sequence[int] = (1, 2)
    darkness: Range = (0.3, 0.5)
    corners: int = 5
    roi: Sequence[float] = (0.0, 0.5, 1.0, 1.0)
    p: float = 0.5

    @property
    def draws(self) -> int:  # type: ignore[override]
        """One number for chance, one for the number of shadows, and for each one its darkness and its corners."""
        return 2 + self._range()[1] * (1 + 2 * self.corners)

    def check(self) -> None:
        self._range()
        span(self.darkness, "darkness", 0.0, 1.0)
        integer(self.corners, "corners", 3, _MOST_CORNERS)
        left, top, right, bottom = numbers(self.roi, "roi", 4, 0.0, 1.0)
        if left > right or top > bottom:
            raise ArgumentError(f"roi must be (left, top, right, bottom), got {self.roi!r}")
        probability(self.p)

    def step(self, draw: Draw, images: ImageInfo) -> Operate:
        (low, high), (lightest, darkest) = self._range(), span(self.darkness, "darkness", 0.0, 1.0)
        u = draw.u[:, 2:].reshape(len(images), high, 1 + 2 * self.corners)
        shown = np.arange(high) < (low + draw.choice(high - low + 1, 1))[:, None]
        left, top, right, bottom = numbers(self.roi, "roi", 4, 0.0, 1.0)
        points = u[..., 1:].reshape(len(images), high, self.corners, 2) * (right - left, bottom - top) + (left, top)
        aside = points - points.mean(axis=2, keepdims=True)
        order = np.argsort(np.arctan2(aside[..., 1], aside[..., 0]), axis=2)
        parameters = {
            "corners": np.take_along_axis(points, order[..., None], axis=2),
            "darkness": (lightest + (darkest - lightest) * u[..., 0]) * shown,
        }
        return Operate("shadow", parameters, active=draw.u[:, 0] < self.p)

    def _range(self) -> tuple[int, int]:
        return whole_range(self.num_shadows, "num_shadows", 1, _MOST_SHADOWS)


@dataclass(frozen=True)
class RandomFog(Transform):
    """Put fog between the camera and the picture, at random: clouds of white, thicker and thinner.

    v becomes v + a (full scale - v) (Koschmieder's law). a is the coefficient times a smooth random density between 0.5
    and 1, drawn on 5 x 5 knots over the image. Albumentations' `RandomFog` draws discs where the clouds are here.

    Args:
        coefficient: the share of white in the thickest fog, 0 to 1: a number, or a pair to draw from; (0.3, 0.8) by
            default.
        p: the probability, 0 to 1; 0.5 by default.

    >>> import numpy as np
    >>> foggy = RandomFog(1.0, p=1.0)(np.zeros((9, 9), np.uint8), key=(0, 0, 0))
    >>> bool((foggy >= 127).all())
    True
    """

    coefficient: Range = (0.3, 0.8)
    p: float = 0.5
    draws: ClassVar[int] = 2 + _FOG_KNOTS**2

    def check(self) -> None:
        span(self.coefficient, "coefficient", 0.0, 1.0)
        probability(self.p)

    def step(self, draw: Draw, images: ImageInfo) -> Operate:
        clouds = _THINNEST + (1 - _THINNEST) * draw.u[:, 2:].reshape(len(images), _FOG_KNOTS, _FOG_KNOTS)
        coefficient = draw.between(1, *span(self.coefficient, "coefficient", 0.0, 1.0))
        return Operate("fog", {"density": clouds, "coefficient": coefficient}, active=draw.u[:, 0] < self.p)
