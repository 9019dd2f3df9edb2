"""Erasing: rectangles are overwritten, so that a network cannot rely on any single part of an image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from augsynth.core.typing import Floats, Ints
from augsynth.errors import ArgumentError
from augsynth.plan.lowering import Erase, ImageInfo, PerChannel
from augsynth.transforms.contract import Draw, Transform
from augsynth.transforms.params import Range, integer, per_channel, positive, probability, span
from augsynth.transforms.visibility import first_sparing

Value = PerChannel | str
RANDOM = "random"
_ATTEMPTS = 10
_DRAWS_AN_ATTEMPT = 4


@dataclass(frozen=True)
class RandomErasing(Transform):
    """Overwrite random rectangles.

    Up to ten rectangles are drawn, until one has both sides shorter than the image's. If none has, nothing is erased,
    as in torchvision, whose names and defaults these are. Rectangles are drawn independently and may overlap.

    Zhong et al., "Random Erasing Data Augmentation", AAAI 2020.

    Args:
        p: the probability, 0 to 1; 0.5 by default.
        scale: the fraction of the image's area that a rectangle covers, 0 to 1: a pair or a number; (0.02, 0.33) by
            default.
        ratio: height divided by width, above 0, drawn uniformly in its logarithm: a pair or a number; (0.3, 3.3) by
            default.
        value: the level, in the image's units: a number, or one for each channel; or "random", uniform over the full
            scale for each pixel and channel. 0 by default.
        count: the number of rectangles, 1 to 64; 1 by default.
        min_visible: the fraction of each box in view that the rectangles together must leave, 0 to 1, for calls with
            boxes; 0 by default.

    >>> import numpy as np
    >>> erased = RandomErasing(p=1.0, scale=(0.25, 0.25), ratio=(1, 1))(np.ones((8, 8), np.uint8))
    >>> int(erased.sum())
    48
    """

    p: float = 0.5
    scale: Range = (0.02, 0.33)
    ratio: Range = (0.3, 3.3)
    value: Value = 0.0
    count: int = 1
    min_visible: float = 0.0

    def check(self) -> None:
        probability(self.p)
        span(self.scale, "scale", 0.0, 1.0)
        positive(self.ratio, "ratio")
        _check_value(self.value)
        probability(self.min_visible, "min_visible")
        if integer(self.count, "count", 1) > _MOST_RECTANGLES:
            raise ArgumentError(f"count must be at most {_MOST_RECTANGLES}, got {self.count}")

    @property
    def draws(self) -> int:  # type: ignore[override]
        """One number for the probability, and four for each attempt."""
        return 1 + self.count * _ATTEMPTS * _DRAWS_AN_ATTEMPT

    def step(self, draw: Draw, images: ImageInfo) -> Erase:
        u = draw.u[:, 1:].reshape(len(images), self.count, _ATTEMPTS, _DRAWS_AN_ATTEMPT)
        boxes, fits = self._attempts(u, images.sizes)
        fits[draw.u[:, 0] >= self.p] = False
        fits = first_sparing(images, boxes, fits, self.min_visible)
        first = fits.argmax(axis=2)
        samples, rectangle = np.nonzero(fits.any(axis=2))
        chosen = boxes[samples, rectangle, first[samples, rectangle]]
        return Erase(samples, chosen, draw.stream[samples], _fill(self.value))

    def _attempts(self, u: Floats, sizes: Ints) -> tuple[Ints, npt.NDArray[np.bool_]]:
        """Boxes (n, count, attempts, 4), and a mask of those that are smaller than their image and not empty."""
        height, width = (sizes[:, i, None, None] for i in (0, 1))
        low, high = span(self.scale, "scale")
        area = (low + (high - low) * u[..., 0]) * height * width
        low, high = np.log(positive(self.ratio, "ratio"))
        ratio = np.exp(low + (high - low) * u[..., 1])
        h, w = np.rint(np.sqrt(area * ratio)), np.rint(np.sqrt(area / ratio))
        top, left = np.floor(u[..., 2] * (height - h + 1)), np.floor(u[..., 3] * (width - w + 1))
        fits = (h < height) & (w < width) & (h > 0) & (w > 0)
        # A box that does not fit can be too large for an integer.
        boxes = np.where(fits[..., None], np.stack([top, left, top + h, left + w], axis=-1), 0.0)
        return boxes.astype(np.int64), fits


# Each takes 40 random numbers of every sample.
_MOST_RECTANGLES = 64


@dataclass(frozen=True)
class GridMask(Transform):
    """Overwrite a grid of squares.

    The grid starts at a random position. 1 - (1 - ratio)**2 of the image is kept. The defaults of `unit` and `ratio`
    are the paper's for ImageNet, whose units are 96 to 224 of 224 pixels; the paper's rotation of the grid is left out.

    Chen et al., "GridMask Data Augmentation", arXiv:2001.04086 (2020).

    Args:
        unit: the grid's period as a fraction of the image's shorter side, 0.02 to 1, and at least 2 pixels: a pair or a
            number; (96/224, 1) by default.
        ratio: the fraction of a period that is kept along each side, 0 to 1: a pair or a number; 0.6 by default.
        value: that of `RandomErasing`; 0 by default.
        p: the probability, 0 to 1; 0.5 by default.

    >>> import numpy as np
    >>> int(GridMask(unit=0.5, ratio=0.5, p=1.0)(np.ones((8, 8), np.uint8)).sum())
    48
    """

    unit: Range = (96 / 224, 1.0)
    ratio: Range = 0.6
    value: Value = 0.0
    p: float = 0.5
    draws: ClassVar[int] = 5

    def check(self) -> None:
        span(self.unit, "unit", _SMALLEST_UNIT, 1.0)
        span(self.ratio, "ratio", 0.0, 1.0)
        _check_value(self.value)
        probability(self.p)

    def step(self, draw: Draw, images: ImageInfo) -> Erase:
        unit = np.maximum(np.rint(draw.between(1, *span(self.unit, "unit")) * images.sizes.min(axis=1)), 2.0)
        side = np.rint(unit * (1.0 - draw.between(2, *span(self.ratio, "ratio"))))
        origins = np.floor(draw.u[:, 3:] * unit[:, None])
        boxes = [
            _grid(int(unit[i]), int(side[i]), origins[i].astype(np.int64), images.sizes[i])
            for i in np.flatnonzero(draw.u[:, 0] < self.p)
        ]
        counts = np.zeros(len(images), np.int64)
        counts[draw.u[:, 0] < self.p] = [len(rectangles) for rectangles in boxes]
        samples = np.repeat(np.arange(len(images)), counts)
        together = np.concatenate([np.zeros((0, 4), np.int64), *boxes])
        return Erase(samples, together, draw.stream[samples], _fill(self.value))


# Below, an image would have thousands of squares.
_SMALLEST_UNIT = 0.02


def _grid(unit: int, side: int, origin: Ints, size: Ints) -> Ints:
    """The squares (m, 4) of a grid inside an image of `size` (height, width), cut off at its edges."""
    spans = []
    for start, length in zip(origin, size, strict=True):
        low = np.arange(start - unit, length, unit)
        span = np.clip(np.stack([low, low + side], axis=1), 0, length)
        spans.append(span[span[:, 0] < span[:, 1]])
    rows, columns = np.repeat(spans[0], len(spans[1]), axis=0), np.tile(spans[1], (len(spans[0]), 1))
    return np.stack([rows[:, 0], columns[:, 0], rows[:, 1], columns[:, 1]], axis=1)


def _check_value(value: Value) -> None:
    if value != RANDOM:
        if isinstance(value, str):
            raise ArgumentError(f"value must be a number, one a channel, or {RANDOM!r}, got {value!r}")
        per_channel(value, "value")


def _fill(value: Value) -> PerChannel | None:
    return None if isinstance(value, str) else value
