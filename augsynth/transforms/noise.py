"""Noise: keyed bits for every pixel and channel, the same on every executor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from augsynth.layout import Noise
from augsynth.lowering import AddNoise, Lowering
from augsynth.transforms.base import Draw, Transform
from augsynth.transforms.params import Range, flag, interval, number


@dataclass(frozen=True)
class GaussianNoise(Transform):
    """Add normal noise, independent for every pixel and channel.

    `mean` and `sigma` are fractions of the full scale (255 for uint8, 65535 for uint16, 1 for float32); `sigma` may be
    a pair to draw from, one value a sample. `clip` keeps the result in the full scale, which an integer image never
    leaves anyway. Each variate comes from 16 random bits through a table: mean 0 and variance 1 exactly, excess
    kurtosis -0.0195, and never beyond 4.188 sigma.

    >>> import numpy as np
    >>> image = np.full((8, 8), 100, np.uint8)
    >>> bool((GaussianNoise(sigma=0.1)(image, key=(0, 0, 0)) != 100).any())
    True
    """

    mean: float = 0.0
    sigma: Range = 0.1
    clip: bool = True
    draws: ClassVar[int] = 1

    def check(self) -> None:
        number(self.mean, "mean")
        self._sigmas()
        flag(self.clip, "clip")

    def _sigmas(self) -> tuple[float, float]:
        if isinstance(self.sigma, (tuple, list)):
            return interval(self.sigma, "sigma", low=0.0)
        sigma = number(self.sigma, "sigma", low=0.0)
        return sigma, sigma

    def step(self, draw: Draw, seen: Lowering) -> AddNoise:
        sigma = draw.between(0, *self._sigmas())
        return AddNoise(Noise.GAUSSIAN, np.full(len(seen), float(self.mean)), sigma, draw.stream, self.clip)
