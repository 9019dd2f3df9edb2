"""Colours of the light: a scene under a black body of another temperature.

The spectrum is Planck's law. The tristimulus values are sums over 380 to 780 nm, with the colour matching functions of
the CIE 1931 observer as Wyman, Sloan and Shirley fit them ("Simple Analytic Approximations to the CIE XYZ Color
Matching Functions", Journal of Computer Graphics Techniques 2, 2013). The primaries are sRGB's (IEC 61966-2-1).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from augsynth.core.typing import Floats
from augsynth.errors import ArgumentError
from augsynth.plan.lowering import ImageInfo, MapColours
from augsynth.transforms.colour import check_colours
from augsynth.transforms.colour_maps import ColourMaps, Palette
from augsynth.transforms.contract import Draw, Transform
from augsynth.transforms.params import Range, flag, positive, probability

_COLDEST, _HOTTEST = 1000.0, 40000.0
_WAVELENGTHS = np.arange(380.0, 781.0, 5.0)  # in nanometres
_SECOND_RADIATION = 1.438776877e7  # h c / k of Planck's law, in nanometres kelvin
# Lobes (height, centre, width below the centre, width above it) of the three matching functions.
_LOBES = (
    ((1.056, 599.8, 37.9, 31.0), (0.362, 442.0, 16.0, 26.7), (-0.065, 501.1, 20.4, 26.2)),
    ((0.821, 568.8, 46.9, 40.5), (0.286, 530.9, 16.3, 31.1)),
    ((1.217, 437.0, 11.8, 36.0), (0.681, 459.0, 26.0, 13.8)),
)
_TO_SRGB = np.array([(3.2406, -1.5372, -0.4986), (-0.9689, 1.8758, 0.0415), (0.0557, -0.2040, 1.0570)])
# An image stores a power of the light: multiplying the light by k multiplies the stored values by k**(1 / 2.2).
_GAMMA = 2.2


@lru_cache(maxsize=1)
def _matching() -> Floats:
    """The matching functions x, y, z (3, m) at the wavelengths."""
    curves = np.zeros((3, len(_WAVELENGTHS)))
    for curve, lobes in zip(curves, _LOBES, strict=True):
        for height, centre, below, above in lobes:
            width = np.where(centre > _WAVELENGTHS, below, above)
            curve += height * np.exp(-0.5 * ((_WAVELENGTHS - centre) / width) ** 2)
    return curves


def black_body_xyz(temperature: Floats) -> Floats:
    """The tristimulus values (n, 3) of black bodies of `temperature` (n,) kelvin, up to a factor.

    >>> xyz = black_body_xyz(np.array([6500.0]))[0]
    >>> (xyz[:2] / xyz.sum()).round(2).tolist()
    [0.31, 0.32]
    """
    spectrum = _WAVELENGTHS**-5.0 / np.expm1(_SECOND_RADIATION / (_WAVELENGTHS * temperature[:, None]))
    xyz: Floats = spectrum @ _matching().T
    return xyz


def light_gains(temperature: Floats, neutral: float) -> Floats:
    """The factors (n, 3) of stored red, green and blue under light of `temperature` (n,); green has 1."""
    rgb = np.maximum(black_body_xyz(np.append(temperature, neutral)) @ _TO_SRGB.T, 0.0)
    relative = rgb[:-1] / rgb[-1]
    gains: Floats = (relative / relative[:, 1:2]) ** (1.0 / _GAMMA)
    return gains


@dataclass(frozen=True)
class PlanckianJitter(Transform):
    """Show the image under the light of a black body of random temperature: warmer or colder, as daylight changes.

    Red and blue are multiplied, and green stays. The temperature is drawn uniformly in its reciprocal (mired), in which
    equal steps look about equal. The idea is that of Zini et al., "Planckian Jitter: countering the color-crippling
    effects of color jitter on self-supervised training", ICLR 2023. Kornia's and albumentations' transforms of the
    same name read a table, which has no neutral temperature, and multiply the stored values without a power.

    Images need 3 or 4 channels; one of 1 channel stays, and so does the last of 4.

    Args:
        temperature: (lowest, highest) in kelvin, or a number, within 1000 to 40000; (3000, 15000) by default.
        neutral: the temperature in kelvin that leaves the image as it is; 6500 by default, near daylight (D65).
        p: the probability, 0 to 1; 0.5 by default.
        clip: that of `ColorJitter`; True by default.

    >>> import numpy as np
    >>> warm = PlanckianJitter(temperature=3000, p=1.0)(np.full((1, 1, 3), 100, np.uint8)).ravel()
    >>> bool(warm[0] > 100 and warm[1] == 100 and warm[2] < 100)
    True
    """

    temperature: Range = (3000.0, 15000.0)
    neutral: float = 6500.0
    p: float = 0.5
    clip: bool = True
    draws: ClassVar[int] = 2

    def check(self) -> None:
        for name, value in (("temperature", self.temperature), ("neutral", self.neutral)):
            low, high = positive(value, name)
            if low < _COLDEST or high > _HOTTEST:
                raise ArgumentError(f"{name} must be within {_COLDEST:g} to {_HOTTEST:g} kelvin, got {value!r}")
        if isinstance(self.neutral, tuple):
            raise ArgumentError(f"neutral must be one temperature, got {self.neutral!r}")
        probability(self.p)
        flag(self.clip, "clip")

    def step(self, draw: Draw, images: ImageInfo) -> MapColours:
        check_colours(images, "PlanckianJitter", "use ColorMatrix to weigh other channels")
        low, high = positive(self.temperature, "temperature")
        gains = light_gains(1.0 / draw.between(1, 1.0 / high, 1.0 / low), float(self.neutral))
        palette = Palette.of(images.channels)
        matrix = np.tile(np.eye(palette.colours.shape[1]), (len(images), 1, 1))
        if matrix.shape[1] >= 3:
            matrix[:, :3, :3] = np.where(palette.rgb[:, None, None], np.eye(3) * gains[:, None], matrix[:, :3, :3])
        active = (draw.u[:, 0] < self.p) & palette.rgb
        return ColourMaps(matrix, np.zeros_like(matrix)).as_step(active, self.clip)
