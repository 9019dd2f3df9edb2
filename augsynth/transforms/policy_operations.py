"""The operations of automatic policies: one for each sample, at a strength between 0 and a largest amount."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from augsynth.core.typing import Floats, Ints
from augsynth.plan import FULL_SCALE
from augsynth.plan.lowering import Geometry, ImageInfo, Lowering, Operate, Sampling, TransformStep
from augsynth.transforms.colour_maps import ColourMaps, Palette
from augsynth.transforms.matrices import about, affine_inverse, matrix, rotation, translation

Make = Callable[[Floats, ImageInfo, Sampling], TransformStep]


def _resampled(forward: Floats, images: ImageInfo, declared: Sampling) -> Geometry:
    return Geometry(affine_inverse(forward), images.sizes, declared)


def _shear_x(amount: Floats, images: ImageInfo, declared: Sampling) -> TransformStep:
    return _resampled(matrix(1.0, amount, 0.0, 0.0, 1.0, 0.0), images, declared)


def _shear_y(amount: Floats, images: ImageInfo, declared: Sampling) -> TransformStep:
    return _resampled(matrix(1.0, 0.0, 0.0, amount, 1.0, 0.0), images, declared)


def _translate_x(amount: Floats, images: ImageInfo, declared: Sampling) -> TransformStep:
    return _resampled(translation(amount, 0.0), images, declared)


def _translate_y(amount: Floats, images: ImageInfo, declared: Sampling) -> TransformStep:
    return _resampled(translation(0.0, amount), images, declared)


def _rotate(amount: Floats, images: ImageInfo, declared: Sampling) -> TransformStep:
    turned = about(rotation(amount), images.sizes[:, 1] / 2, images.sizes[:, 0] / 2)
    return _resampled(turned, images, declared)


def _enhance(adjust: Callable[[Palette, Floats], ColourMaps]) -> Make:
    def make(amount: Floats, images: ImageInfo, declared: Sampling) -> TransformStep:
        return adjust(Palette.of(images.channels), 1.0 + amount).as_step()

    return make


def _posterize(amount: Floats, images: ImageInfo, declared: Sampling) -> TransformStep:
    return Operate("posterize", {"bits": 8.0 - np.round(amount)})


def _solarize(amount: Floats, images: ImageInfo, declared: Sampling) -> TransformStep:
    # Amounts are quotients of whole numbers: a threshold that is a level must not lie beyond it by their rounding.
    return Operate("solarize", {"threshold": np.round((1.0 - amount) * FULL_SCALE[images.dtype], 9)})


def _sharpness(amount: Floats, images: ImageInfo, declared: Sampling) -> TransformStep:
    return Operate("sharpness", {"factor": 1.0 + amount})


def _plain(name: str) -> Make:
    return lambda amount, images, declared: Operate(name)


@dataclass(frozen=True)
class PolicyOperation:
    """An operation of the policies.

    Args:
        make: makes the step from amounts (n,), the images and their sampling.
        limit: the field of `Space` that holds the largest amount; empty for an operation without a strength.
        signed: True if the amount has a direction.
    """

    make: Make
    limit: str = ""
    signed: bool = False


# The order is that of a pass: what one of them does to some samples then shares it with what others do to others.
POLICY_OPERATIONS: Mapping[str, PolicyOperation] = {
    "ShearX": PolicyOperation(_shear_x, "shear", signed=True),
    "ShearY": PolicyOperation(_shear_y, "shear", signed=True),
    "TranslateX": PolicyOperation(_translate_x, "translate", signed=True),
    "TranslateY": PolicyOperation(_translate_y, "translate", signed=True),
    "Rotate": PolicyOperation(_rotate, "rotate", signed=True),
    "Posterize": PolicyOperation(_posterize, "posterize"),
    "Solarize": PolicyOperation(_solarize, "solarize"),
    "Invert": PolicyOperation(_plain("invert")),
    "Brightness": PolicyOperation(_enhance(Palette.brightness), "enhance", signed=True),
    "Color": PolicyOperation(_enhance(Palette.saturation), "enhance", signed=True),
    "Contrast": PolicyOperation(_enhance(Palette.contrast), "enhance", signed=True),
    "Sharpness": PolicyOperation(_sharpness, "enhance", signed=True),
    "AutoContrast": PolicyOperation(_plain("autocontrast")),
    "Equalize": PolicyOperation(_plain("equalize")),
}
NAMES = tuple(POLICY_OPERATIONS)
IDENTITY = len(NAMES)


@dataclass(frozen=True)
class Space:
    """The largest amount of each operation: the ratio of a shear, degrees, factors above and below 1, bits lost.

    `translate` is a fraction of the image's side, or of `translate_pixels` pixels if that is given.
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
        limit = POLICY_OPERATIONS[name].limit
        amounts: Floats = share * float(getattr(self, limit)) if limit else share
        if limit != "translate":
            return amounts
        side = images.sizes[:, 1] if name == "TranslateX" else images.sizes[:, 0]
        return amounts * (side if self.translate_pixels is None else self.translate_pixels)


def add_chosen(
    lowering: Lowering, name: str, chosen: Ints, share: Floats, sign: Floats, space: Space, declared: Sampling
) -> None:
    """Do one operation on each sample, `chosen` (n,): an index into `NAMES`, or `IDENTITY`.

    `share` (n,) is the fraction of the largest amount, and `sign` (n,) the direction.
    """
    for number, (operation_name, operation) in enumerate(POLICY_OPERATIONS.items()):
        strength = share * sign if operation.signed else share
        with lowering.only(chosen == number):
            amounts = space.amounts(operation_name, strength, lowering.images)
            lowering.add(name, operation.make(amounts, lowering.images, declared))
