"""What automatic policies choose from: one operation a sample, at a strength between none and the most."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from augsynth.core.typing import Floats, Ints
from augsynth.plan import FULL_SCALE
from augsynth.plan.lowering import Geometry, ImageInfo, Lowering, Operate, Sampling, Step
from augsynth.transforms.colour_maps import ColourMaps, Palette
from augsynth.transforms.matrices import about, affine_inverse, matrix, rotation, translation

Make = Callable[[Floats, ImageInfo, Sampling], Step]


def _resampled(forward: Floats, images: ImageInfo, declared: Sampling) -> Geometry:
    return Geometry(affine_inverse(forward), images.sizes, declared)


def _shear_x(amount: Floats, images: ImageInfo, declared: Sampling) -> Step:
    return _resampled(matrix(1.0, amount, 0.0, 0.0, 1.0, 0.0), images, declared)


def _shear_y(amount: Floats, images: ImageInfo, declared: Sampling) -> Step:
    return _resampled(matrix(1.0, 0.0, 0.0, amount, 1.0, 0.0), images, declared)


def _translate_x(amount: Floats, images: ImageInfo, declared: Sampling) -> Step:
    return _resampled(translation(amount, 0.0), images, declared)


def _translate_y(amount: Floats, images: ImageInfo, declared: Sampling) -> Step:
    return _resampled(translation(0.0, amount), images, declared)


def _rotate(amount: Floats, images: ImageInfo, declared: Sampling) -> Step:
    turned = about(rotation(amount), images.sizes[:, 1] / 2, images.sizes[:, 0] / 2)
    return _resampled(turned, images, declared)


def _enhance(adjust: Callable[[Palette, Floats], ColourMaps]) -> Make:
    def make(amount: Floats, images: ImageInfo, declared: Sampling) -> Step:
        return adjust(Palette.of(images.channels), 1.0 + amount).as_step()

    return make


def _posterize(amount: Floats, images: ImageInfo, declared: Sampling) -> Step:
    return Operate("posterize", {"bits": 8.0 - np.round(amount)})


def _solarize(amount: Floats, images: ImageInfo, declared: Sampling) -> Step:
    # Amounts are quotients of whole numbers: a threshold that is a level must not lie beyond it by their rounding.
    return Operate("solarize", {"threshold": np.round((1.0 - amount) * FULL_SCALE[images.dtype], 9)})


def _sharpness(amount: Floats, images: ImageInfo, declared: Sampling) -> Step:
    return Operate("sharpness", {"factor": 1.0 + amount})


def _plain(name: str) -> Make:
    return lambda amount, images, declared: Operate(name)


@dataclass(frozen=True)
class Choice:
    """An operation: `make` lowers it for amounts (n,), up to what `Space` calls `most`; `signed` ones go either way."""

    make: Make
    most: str = ""
    signed: bool = False


# The order is that of a pass: what one of them does to some samples then shares it with what others do to others.
CHOICES: Mapping[str, Choice] = {
    "ShearX": Choice(_shear_x, "shear", signed=True),
    "ShearY": Choice(_shear_y, "shear", signed=True),
    "TranslateX": Choice(_translate_x, "translate", signed=True),
    "TranslateY": Choice(_translate_y, "translate", signed=True),
    "Rotate": Choice(_rotate, "rotate", signed=True),
    "Posterize": Choice(_posterize, "posterize"),
    "Solarize": Choice(_solarize, "solarize"),
    "Invert": Choice(_plain("invert")),
    "Brightness": Choice(_enhance(Palette.brightness), "enhance", signed=True),
    "Color": Choice(_enhance(Palette.saturation), "enhance", signed=True),
    "Contrast": Choice(_enhance(Palette.contrast), "enhance", signed=True),
    "Sharpness": Choice(_sharpness, "enhance", signed=True),
    "AutoContrast": Choice(_plain("autocontrast")),
    "Equalize": Choice(_plain("equalize")),
}
NAMES = tuple(CHOICES)
IDENTITY = len(NAMES)


@dataclass(frozen=True)
class Space:
    """The most of each amount: a shear's ratio, degrees, factors above and below 1, bits lost.

    `translate` is a fraction of the image's side, or of `translate_pixels` pixels where that is given.
    """

    shear: float
    translate: float
    rotate: float
    enhance: float
    posterize: float
    solarize: float = 1.0
    translate_pixels: float | None = None

    def amounts(self, name: str, share: Floats, images: ImageInfo) -> Floats:
        """The amounts (n,) of an operation whose strengths are `share` (n,), -1 to 1."""
        most = CHOICES[name].most
        amounts: Floats = share * float(getattr(self, most)) if most else share
        if most != "translate":
            return amounts
        side = images.sizes[:, 1] if name == "TranslateX" else images.sizes[:, 0]
        return amounts * (side if self.translate_pixels is None else self.translate_pixels)


def add_chosen(
    lowering: Lowering, name: str, chosen: Ints, share: Floats, sign: Floats, space: Space, declared: Sampling
) -> None:
    """Do to each sample what `chosen` (n,) says, an index into `NAMES` or `IDENTITY`.

    `share` (n,) of the most is done, and `sign` (n,) tells which way.
    """
    for number, (choice_name, choice) in enumerate(CHOICES.items()):
        strength = share * sign if choice.signed else share
        with lowering.only(chosen == number):
            amounts = space.amounts(choice_name, strength, lowering.images)
            lowering.add(name, choice.make(amounts, lowering.images, declared))
