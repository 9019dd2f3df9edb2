"""Noise: keyed bits for every pixel, the same on every executor.

A level of an image is given as a fraction of the full scale: 255 for uint8, 65535 for uint16, 1 for float32. A pair is
a range, from which one value is drawn for each sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from augsynth._native.layout import NoiseKind
from augsynth.core.typing import Floats
from augsynth.errors import ArgumentError
from augsynth.plan.lowering import AddNoise, ImageInfo
from augsynth.transforms.contract import Draw, Transform
from augsynth.transforms.params import Range, flag, number, span


@dataclass(frozen=True)
class GaussianNoise(Transform):
    """Add normal noise, independent for each pixel and channel.

    Each variate is made from 16 random bits by a table: mean 0, variance 1, skewness 0, excess kurtosis -0.0195, at
    most 4.188 sigma from the mean. The first three names are torchvision's.

    Args:
        mean: a fraction of the full scale; 0 by default.
        sigma: the standard deviation, a fraction of the full scale, at least 0: a number, or a pair to draw from; 0.1
            by default.
        clip: True (the default) clamps float results to the full scale; integer images are always clamped.
        exact: True uses 32 bits and the inverse of the distribution function: the tails are normal up to 6.33 sigma,
            and noise takes about nine times as long. False by default.

    >>> import numpy as np
    >>> image = np.full((8, 8), 100, np.uint8)
    >>> bool((GaussianNoise(sigma=0.1)(image, key=(0, 0, 0)) != 100).any())
    True
    """

    mean: float = 0.0
    sigma: Range = 0.1
    clip: bool = True
    exact: bool = False
    draws: ClassVar[int] = 1

    def check(self) -> None:
        number(self.mean, "mean")
        span(self.sigma, "sigma", low=0.0)
        flag(self.clip, "clip")
        flag(self.exact, "exact")

    def step(self, draw: Draw, images: ImageInfo) -> AddNoise:
        sigma = draw.between(0, *span(self.sigma, "sigma", low=0.0))
        kind = NoiseKind.EXACT_GAUSSIAN if self.exact else NoiseKind.GAUSSIAN
        return AddNoise(kind, _columns(len(images), float(self.mean), sigma), draw.stream, self.clip)


@dataclass(frozen=True)
class UniformNoise(Transform):
    """Add uniform noise, independent for each pixel and channel.

    Each variate is the centre of one of 65,536 equal steps: the mean is (low + high) / 2 exactly, and the variance
    differs from (high - low)**2 / 12 by a factor of 1 - 2**-32.

    Args:
        low: the lower bound, a fraction of the full scale: a number, or a pair to draw from; -0.1 by default.
        high: the upper bound, as `low`, and never below it; 0.1 by default.
        clip: True (the default) clamps float results to the full scale; integer images are always clamped.

    >>> import numpy as np
    >>> noisy = UniformNoise(-0.5, 0.25, clip=False)(np.zeros((8, 8), np.float32), key=(0, 0, 0))
    >>> bool((noisy > -0.5).all() and (noisy < 0.25).all())
    True
    """

    low: Range = -0.1
    high: Range = 0.1
    clip: bool = True
    draws: ClassVar[int] = 2

    def check(self) -> None:
        if span(self.low, "low")[1] > span(self.high, "high")[0]:
            raise ArgumentError(f"low must not be above high, got low={self.low!r} and high={self.high!r}")
        flag(self.clip, "clip")

    def step(self, draw: Draw, images: ImageInfo) -> AddNoise:
        low, high = draw.between(0, *span(self.low, "low")), draw.between(1, *span(self.high, "high"))
        return AddNoise(NoiseKind.UNIFORM, _columns(len(images), low, high), draw.stream, self.clip)


@dataclass(frozen=True)
class SaltAndPepperNoise(Transform):
    """Set random pixels to full scale (salt) or to 0 (pepper), all channels of a pixel alike.

    Each pixel uses 32 random bits, so its probabilities are exact within 2**-33. Names and defaults are those of
    scikit-image, which changes each channel independently; albumentations and kornia change all channels alike.

    Args:
        amount: the probability that a pixel is changed, 0 to 1: a number, or a pair to draw from; 0.05 by default.
        salt_vs_pepper: the probability that a changed pixel becomes salt, 0 to 1: a number, or a pair to draw from; 0.5
            by default.

    >>> import numpy as np
    >>> np.unique(SaltAndPepperNoise(amount=1.0)(np.full((8, 8), 100, np.uint8), key=(0, 0, 0))).tolist()
    [0, 255]
    """

    amount: Range = 0.05
    salt_vs_pepper: Range = 0.5
    draws: ClassVar[int] = 2

    def check(self) -> None:
        span(self.amount, "amount", 0.0, 1.0)
        span(self.salt_vs_pepper, "salt_vs_pepper", 0.0, 1.0)

    def step(self, draw: Draw, images: ImageInfo) -> AddNoise:
        amount = draw.between(0, *span(self.amount, "amount", 0.0, 1.0))
        salt = draw.between(1, *span(self.salt_vs_pepper, "salt_vs_pepper", 0.0, 1.0))
        parameters = _columns(len(images), amount * (1.0 - salt), amount, 0.0, 1.0)
        return AddNoise(NoiseKind.SALT_AND_PEPPER, parameters, draw.stream, clip=False)


@dataclass(frozen=True)
class PoissonNoise(Transform):
    """Replace each value by a Poisson count with that mean (shot noise), independent for each pixel and channel.

    v becomes Poisson(v * q) / q with q = photons / full scale. Its mean is v and its variance v / q, so fewer photons
    mean more noise. Negative values count as 0; NaN stays. Each count is the quantile of 32 random bits. It is exact up
    to a mean of 16. Above, it is a Cornish-Fisher expansion, whose total variation distance from the Poisson
    distribution is below 6e-5, with the mean within 1e-7 and the variance within 0.011%. The default is scikit-image's
    for a uint8 image.

    Args:
        photons: the expected count at full scale, at least 1e-6: a number, or a pair to draw from; 256 by default.
        clip: True (the default) clamps float results to the full scale; integer images are always clamped.

    >>> import numpy as np
    >>> np.unique(PoissonNoise(photons=3)(np.full((8, 8), 85, np.uint8), key=(0, 0, 0))).tolist()
    [0, 85, 170, 255]
    """

    photons: Range = 256.0
    clip: bool = True
    draws: ClassVar[int] = 1

    def check(self) -> None:
        span(self.photons, "photons", low=_FEWEST_PHOTONS)
        flag(self.clip, "clip")

    def step(self, draw: Draw, images: ImageInfo) -> AddNoise:
        photons = draw.between(0, *span(self.photons, "photons", low=_FEWEST_PHOTONS))
        return AddNoise(NoiseKind.POISSON, _columns(len(images), 1.0 / photons), draw.stream, self.clip)


@dataclass(frozen=True)
class SpeckleNoise(Transform):
    """Multiply by noise: v becomes v + v * n, with n normal and independent for each pixel and channel.

    n is made from 16 random bits, with the moments and limits of `GaussianNoise`. The defaults are scikit-image's.

    Args:
        mean: the mean of n, a ratio; 0 by default.
        sigma: the standard deviation of n, a ratio at least 0: a number, or a pair to draw from; 0.1 by default.
        clip: True (the default) clamps float results to the full scale; integer images are always clamped.

    >>> import numpy as np
    >>> int(SpeckleNoise(mean=0.5, sigma=0.0)(np.full((1, 1), 100, np.uint8))[0, 0, 0])
    150
    """

    mean: float = 0.0
    sigma: Range = 0.1
    clip: bool = True
    draws: ClassVar[int] = 1

    def check(self) -> None:
        number(self.mean, "mean")
        span(self.sigma, "sigma", low=0.0)
        flag(self.clip, "clip")

    def step(self, draw: Draw, images: ImageInfo) -> AddNoise:
        sigma = draw.between(0, *span(self.sigma, "sigma", low=0.0))
        return AddNoise(NoiseKind.SPECKLE, _columns(len(images), float(self.mean), sigma), draw.stream, self.clip)


# A count's worth of levels, the full scale over this, has to stay finite.
_FEWEST_PHOTONS = 1e-6


def _columns(count: int, *parameters: Floats | float) -> Floats:
    columns = np.empty((count, len(parameters)))
    for column, values in enumerate(parameters):
        columns[:, column] = values
    return columns
