"""Degradations by cameras and files: medians, motion and compression. They run in NumPy, between passes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from augsynth.errors import ArgumentError
from augsynth.plan.lowering import ImageInfo, Operate
from augsynth.transforms.colour import check_colours
from augsynth.transforms.contract import Draw, Transform
from augsynth.transforms.params import Range, probability, span, symmetric, whole_range
from augsynth.whole_image.median_blur import LARGEST_MEDIAN
from augsynth.whole_image.motion_blur import LONGEST_MOTION


@dataclass(frozen=True)
class MedianBlur(Transform):
    """Replace each value by the median of a square of pixels, at random. OpenCV's `medianBlur`, also for large squares.

    albumentations' `MedianBlur(blur_limit=(3, 7))`. The time grows a little faster than the area of the square.

    Args:
        kernel_size: the square's side in pixels, odd, 1 to 31: an integer, or (lowest, highest), of which all odd
            numbers are equally likely; (3, 7) by default.
        p: the probability, 0 to 1; 0.5 by default.

    >>> import numpy as np
    >>> MedianBlur(3, p=1.0)(np.array([[1, 9, 2]], np.uint8)).tolist()
    [[[1, 2, 2]]]
    """

    kernel_size: int | Sequence[int] = (3, 7)
    p: float = 0.5
    draws: ClassVar[int] = 2

    def check(self) -> None:
        if any(size % 2 == 0 for size in self._range()):
            raise ArgumentError(f"kernel_size must be odd, so that it has a middle, got {self.kernel_size!r}")
        probability(self.p)

    def step(self, draw: Draw, images: ImageInfo) -> Operate:
        low, high = self._range()
        sizes = low + 2 * draw.choice((high - low) // 2 + 1, 1)
        return Operate("median_blur", {"kernel_size": sizes}, active=(draw.u[:, 0] < self.p) & (sizes > 1))

    def _range(self) -> tuple[int, int]:
        return whole_range(self.kernel_size, "kernel_size", 1, LARGEST_MEDIAN)


@dataclass(frozen=True)
class MotionBlur(Transform):
    """Average along a line through each pixel, as if the camera had moved, at random.

    albumentations' `MotionBlur` draws a kernel size where `length` is drawn here, and kornia's `RandomMotionBlur` has
    the same angles. At its edges the image is reflected (reflect101).

    Args:
        length: the length of the line in pixels, 1 to 511: a number, or a pair to draw from; (3, 9) by default.
        angle: the direction in degrees, counter-clockwise from the x axis: a pair (lowest, highest), or a number d for
            (-d, d); 90 by default, which is every direction.
        p: the probability, 0 to 1; 0.5 by default.

    >>> import numpy as np
    >>> MotionBlur(3, angle=(0, 0), p=1.0)(np.array([[0, 0, 90, 0, 0]], np.uint8)).tolist()
    [[[0, 30, 30, 30, 0]]]
    """

    length: Range = (3.0, 9.0)
    angle: Range = 90.0
    p: float = 0.5
    draws: ClassVar[int] = 3

    def check(self) -> None:
        span(self.length, "length", 1.0, LONGEST_MOTION)
        symmetric(self.angle, "angle")
        probability(self.p)

    def step(self, draw: Draw, images: ImageInfo) -> Operate:
        length = draw.between(1, *span(self.length, "length", 1.0, LONGEST_MOTION))
        parameters = {"length": length, "angle": draw.between(2, *symmetric(self.angle, "angle"))}
        return Operate("motion_blur", parameters, active=(draw.u[:, 0] < self.p) & (length > 1.0))


@dataclass(frozen=True)
class JPEGCompression(Transform):
    """Compress as JPEG and decode again, at random: blocks and smeared colours.

    torchvision's `JPEG`, and albumentations' `ImageCompression`. The coder is Pillow's (`pip install
    "augsynth[decode]"`); another version of its library may give other levels. Images have 1, 3 or 4 channels; the last
    of 4 stays. Images of other dtypes than uint8 are rounded to 8 bits.

    Args:
        quality: 1 to 100: an integer, or (lowest, highest), all equally likely; (50, 95) by default.
        p: the probability, 0 to 1; 0.5 by default.

    >>> import numpy as np
    >>> JPEGCompression(50, p=1.0)(np.full((8, 8, 3), 100, np.uint8)).unique().tolist()
    [100]
    """

    quality: int | Sequence[int] = (50, 95)
    p: float = 0.5
    draws: ClassVar[int] = 2

    def check(self) -> None:
        whole_range(self.quality, "quality", 1, 100)
        probability(self.p)

    def step(self, draw: Draw, images: ImageInfo) -> Operate:
        check_colours(images, "JPEGCompression", "JPEG has no others")
        low, high = whole_range(self.quality, "quality", 1, 100)
        quality = low + np.floor(draw.u[:, 1] * (high - low + 1)).astype(np.int64)
        return Operate("jpeg", {"quality": quality}, active=draw.u[:, 0] < self.p)
