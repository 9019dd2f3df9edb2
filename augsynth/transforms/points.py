"""Point operations: each value changes independently of the values around it.

For integer images they are lookup tables, and several in a row become one table. For float images they run between
passes. Levels of a float image refer to the full scale 1, and NaN stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from augsynth.errors import ArgumentError
from augsynth.plan import FULL_SCALE
from augsynth.plan.lowering import ImageInfo, Operate
from augsynth.transforms.contract import Draw, Transform
from augsynth.transforms.params import Range, integer, number, positive, probability
from augsynth.transforms.random_operation import RandomOperation


@dataclass(frozen=True)
class RandomInvert(RandomOperation):
    """Replace each value v by full scale - v, at random.

    Args:
        p: the probability, 0 to 1; 0.5 by default.

    >>> import numpy as np
    >>> RandomInvert(p=1.0)(np.array([[0, 55]], np.uint8)).tolist()
    [[[255, 200]]]
    """

    operation: ClassVar[str] = "invert"


@dataclass(frozen=True)
class RandomPosterize(Transform):
    """Keep the highest bits of each value, at random.

    In an integer image the lower bits become 0. A float image gets the 2**bits levels floor(v * 2**bits) / 2**bits,
    within [0, 1). Both are as in torchvision.

    Args:
        bits: the number of bits that are kept, 0 to 16; as many as the dtype has, or more, change nothing.
        p: the probability, 0 to 1; 0.5 by default.

    >>> import numpy as np
    >>> RandomPosterize(bits=3, p=1.0)(np.array([[31, 32, 255]], np.uint8)).tolist()
    [[[0, 32, 224]]]
    """

    bits: int
    p: float = 0.5
    draws: ClassVar[int] = 1

    def check(self) -> None:
        if integer(self.bits, "bits", 0) > _MOST_BITS:
            raise ArgumentError(f"bits must be at most {_MOST_BITS}, got {self.bits}")
        probability(self.p)

    def step(self, draw: Draw, images: ImageInfo) -> Operate:
        return Operate("posterize", {"bits": np.full(len(images), float(self.bits))}, active=draw.u[:, 0] < self.p)


_MOST_BITS = 16


@dataclass(frozen=True)
class RandomSolarize(Transform):
    """Replace each value v that is at least a threshold by full scale - v, at random.

    Args:
        threshold: in the image's units: 0 to 255, 65535 or 1, as in torchvision.
        p: the probability, 0 to 1; 0.5 by default.

    >>> import numpy as np
    >>> RandomSolarize(threshold=128, p=1.0)(np.array([[127, 128, 255]], np.uint8)).tolist()
    [[[127, 127, 0]]]
    """

    threshold: float
    p: float = 0.5
    draws: ClassVar[int] = 1

    def check(self) -> None:
        number(self.threshold, "threshold", low=0.0)
        probability(self.p)

    def step(self, draw: Draw, images: ImageInfo) -> Operate:
        full = FULL_SCALE[images.dtype]
        if self.threshold > full:
            raise ArgumentError(
                f"threshold must be at most the full scale, {full:g} for {images.dtype.name.lower()} images, "
                f"got {self.threshold!r}"
            )
        threshold = np.full(len(images), float(self.threshold))
        return Operate("solarize", {"threshold": threshold}, active=draw.u[:, 0] < self.p)


@dataclass(frozen=True)
class RandomGamma(Transform):
    """Raise each value to a random power g: v becomes full scale * (v / full scale)**g.

    g is drawn uniformly in its logarithm, so that the default makes brighter (g < 1) and darker (g > 1) images equally
    likely. Negative values count as 0. A g of 1 changes nothing.

    Args:
        gamma: the power, above 0: a pair (lowest, highest), or a number; (0.8, 1.25) by default.
        p: the probability, 0 to 1; 1 by default.

    >>> import numpy as np
    >>> RandomGamma(gamma=2.0)(np.array([[0, 51, 255]], np.uint8)).tolist()
    [[[0, 10, 255]]]
    """

    gamma: Range = (0.8, 1.25)
    p: float = 1.0
    draws: ClassVar[int] = 2

    def check(self) -> None:
        positive(self.gamma, "gamma")
        probability(self.p)

    def step(self, draw: Draw, images: ImageInfo) -> Operate:
        gamma = np.exp(draw.between(1, *np.log(positive(self.gamma, "gamma"))))
        return Operate("gamma", {"gamma": gamma}, active=(draw.u[:, 0] < self.p) & (gamma != 1.0))
