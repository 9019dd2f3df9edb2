"""Transforms that look at a pixel's neighbours. They run between passes; a NaN spreads over the filter's footprint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from augsynth.errors import ArgumentError
from augsynth.plan.lowering import ImageInfo, Operate
from augsynth.transforms.contract import Draw, Transform
from augsynth.transforms.params import Range, number, positive, probability, size_pair
from augsynth.whole_image.gaussian_blur import LARGEST_KERNEL


@dataclass(frozen=True)
class GaussianBlur(Transform):
    """Blur with a normal kernel.

    At its edges the image is reflected about the outermost pixels (reflect101), also where the kernel is larger than
    the image. Names, order and defaults are torchvision's.

    Args:
        kernel_size: the kernel's (width, height) in pixels, odd numbers, or one number for both.
        sigma: the standard deviation in pixels, above 0: a number, or a pair to draw from; (0.1, 2.0) by default.

    >>> import numpy as np
    >>> GaussianBlur((3, 1), sigma=1.0)(np.array([[0, 0, 100, 0, 0]], np.uint8)).tolist()
    [[[0, 27, 45, 27, 0]]]
    """

    kernel_size: int | Sequence[int]
    sigma: Range = (0.1, 2.0)
    draws: ClassVar[int] = 1

    def check(self) -> None:
        sizes = size_pair(self.kernel_size, "kernel_size")
        if any(size % 2 == 0 for size in sizes):
            raise ArgumentError(f"kernel_size must be odd, so that it has a middle, got {self.kernel_size!r}")
        if max(sizes) > LARGEST_KERNEL:
            raise ArgumentError(f"kernel_size must be at most {LARGEST_KERNEL}, got {self.kernel_size!r}")
        positive(self.sigma, "sigma")

    def step(self, draw: Draw, images: ImageInfo) -> Operate:
        sizes = np.array(size_pair(self.kernel_size, "kernel_size"))
        return Operate(
            "gaussian_blur", {"sigma": draw.between(0, *positive(self.sigma, "sigma"))}, {"kernel_size": sizes}
        )


@dataclass(frozen=True)
class RandomAdjustSharpness(Transform):
    """Smooth or sharpen at random.

    The image and a smoothed one are mixed. The smoothed one is the mean of 3x3 pixels, with the middle counted five
    times. Pixels on the edge keep their values. Results are clamped to the full scale, which is 1 for float images.

    Args:
        sharpness_factor: at least 0: 0 gives the smoothed image, 1 the image itself, without the clamp; above 1
            sharpens.
        p: the probability, 0 to 1; 0.5 by default.

    >>> import numpy as np
    >>> image = np.zeros((3, 3), np.uint8)
    >>> image[1, 1] = 130
    >>> int(RandomAdjustSharpness(0.0, p=1.0)(image)[0, 1, 1])
    50
    """

    sharpness_factor: float
    p: float = 0.5
    draws: ClassVar[int] = 1

    def check(self) -> None:
        number(self.sharpness_factor, "sharpness_factor", low=0.0)
        probability(self.p)

    def step(self, draw: Draw, images: ImageInfo) -> Operate:
        factor = np.full(len(images), float(self.sharpness_factor))
        return Operate("sharpness", {"factor": factor}, active=(draw.u[:, 0] < self.p) & (factor != 1.0))
