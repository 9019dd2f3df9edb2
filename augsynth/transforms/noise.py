"""Noise: keyed bits for every pixel, the same on every executor.

A level of an image is given as a fraction of the full scale: 255 for uint8, 65535 for uint16, 1 for float32. `clip`
keeps the result in the full scale, which an integer image never leaves anyway. Where a parameter may be a pair, it is
drawn from that range, one value a sample.
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
    """Add normal noise, independent for every pixel and channel.

    `mean` and `sigma` (>= 0, or a pair) are fractions of the full scale. Each variate comes from 16 random bits through
    a table: mean 0 and variance 1 exactly, skewness 0, excess kurtosis -0.0195, and never beyond 4.188 sigma. `exact`
    takes 32 bits and the inverse of the distribution function instead, which costs about nine times as much: its tails
    are normal up to 6.33 sigma, what 2**32 variates reach. The first three names are torchvision's.

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
    """Add noise that is uniform between `low` and `high`, independent for every pixel and channel.

    `low` and `high` (numbers or pairs, no `low` above a `high`) are fractions of the full scale. Each variate is the
    centre of one of 65,536 equal steps: the mean is (low + high) / 2 exactly, the variance (high - low)**2 / 12 but for
    2**-32 of it.

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
    """Set pixels to full scale (salt) or to 0 (pepper), all channels of a pixel together.

    A pixel is changed with probability `amount` in [0, 1], and then to salt with probability `salt_vs_pepper` in
    [0, 1]; both may be pairs. Each pixel takes 32 random bits, so its probabilities are exact within 2**-33. Names and
    defaults are those of scikit-image, which however changes each channel on its own; albumentations and kornia
    change all channels together, as this does.

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
    """Shot noise: replace each value by a Poisson count with that mean, independent for every pixel and channel.

    `photons` (at least 1e-6, or a pair) is the count expected at full scale: v becomes Poisson(v * q) / q with
    q = photons / full scale, whose mean is v and whose variance v / q, so fewer photons are more noise. Negative values
    count as 0, NaN stays. Each count is the quantile of 32 random bits: exact up to a mean of 16, and above it by a
    Cornish-Fisher expansion whose total variation distance from the Poisson distribution is below 6e-5 (mean within
    1e-7, variance within 0.011% of itself). The default is scikit-image's for a uint8 image.

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
    """Multiplicative noise: v becomes v + v * n, with n normal and independent for every pixel and channel.

    `mean` and `sigma` (>= 0, or a pair) are those of n, ratios and not levels. n comes from 16 random bits, with the
    moments and limits of `GaussianNoise`. The defaults are scikit-image's.

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
