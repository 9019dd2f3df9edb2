"""Rotations and the rest of the affine family, about a centre; the canvas keeps its size.

Positive angles turn counter-clockwise as seen on screen. The order of an affine map is torchvision's: shear, scale,
rotate, translate. Centres are (x, y) in corner coordinates; the middle of the image is (W/2, H/2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from augsynth.core.geometry import compose, inverse_map
from augsynth.core.typing import Floats
from augsynth.errors import ArgumentError
from augsynth.plan.lowering import Geometry, ImageInfo, PerChannel
from augsynth.transforms.contract import Draw, Transform
from augsynth.transforms.matrices import about, affine_inverse, rotation, scaling, shearing, translation
from augsynth.transforms.params import Range, flag, interval, numbers, resampled, symmetric

# A hair of a pixel, so that rounding in a cosine does not add an empty row.
_HAIR = 1e-6

Point = tuple[Floats | float, Floats | float]


def _middle(center: Sequence[float] | None, images: ImageInfo) -> Point:
    if center is not None:
        x, y = numbers(center, "center", 2)
        return x, y
    return images.sizes[:, 1] / 2, images.sizes[:, 0] / 2


def _check_center(center: Sequence[float] | None) -> None:
    if center is not None:
        numbers(center, "center", 2)


def _shears(shear: Range) -> tuple[tuple[float, float], tuple[float, float]]:
    """The ranges along x and y, in degrees: a number or a pair is for x alone, four numbers are for both."""
    if isinstance(shear, (tuple, list)) and len(shear) == 4:
        ranges = interval(shear[:2], "shear"), interval(shear[2:], "shear")
    else:
        ranges = symmetric(shear, "shear"), (0.0, 0.0)
    if max(abs(bound) for pair in ranges for bound in pair) >= 90:
        raise ArgumentError(f"shear must lie within (-90, 90) degrees, got {shear!r}")
    return ranges


def _scales(scale: Range, name: str = "scale") -> tuple[float, float]:
    low, high = interval(scale, name, low=0.0)
    if low == 0:
        raise ArgumentError(f"{name} must be greater than 0, got {scale!r}")
    return low, high


@dataclass(frozen=True)
class RandomRotation(Transform):
    """Rotate by a random angle, counter-clockwise on screen.

    Multiples of 90 degrees are exact.

    Args:
        degrees: a pair (lowest, highest), or a number d for (-d, d).
        interpolation: "nearest", "bilinear" (the default) or "bicubic".
        expand: True enlarges the canvas, so that it holds the whole rotated image; False (the default) keeps the size.
        center: the point (x, y) that stays, in pixels from the upper left corner; by default the image's middle. With
            `expand`, the canvas is the smallest one of whole pixels around the image that was turned about this point.
        fill: the level of a constant border, in the image's units: a number, or one for each channel; 0 by default.
        border: the values outside the image: "constant" (the default), "replicate", "reflect", "reflect101" or "wrap".

    >>> import numpy as np
    >>> RandomRotation((90, 90))(np.array([[1, 2], [3, 4]], np.uint8)).tolist()
    [[[2, 4], [1, 3]]]
    """

    degrees: Range
    interpolation: str = "bilinear"
    expand: bool = False
    center: Sequence[float] | None = None
    fill: PerChannel = 0.0
    border: str = "constant"
    draws: ClassVar[int] = 1

    def check(self) -> None:
        symmetric(self.degrees, "degrees")
        flag(self.expand, "expand")
        resampled(self.interpolation, None, self.border, self.fill)
        _check_center(self.center)

    def step(self, draw: Draw, images: ImageInfo) -> Geometry:
        # The inverse of a turn is the turn back.
        degrees = -draw.between(0, *symmetric(self.degrees, "degrees"))
        declared = resampled(self.interpolation, None, self.border, self.fill)
        if not self.expand:
            return Geometry(rotation(degrees, *_middle(self.center, images)), images.sizes, declared)
        if self.center is not None:
            return Geometry(*_around(rotation(degrees, *_middle(self.center, images)), images.sizes), declared)
        turned_back = rotation(degrees)
        sizes = _enclosing(turned_back, images.sizes)
        to_origin = translation(-sizes[:, 1] / 2, -sizes[:, 0] / 2)
        return Geometry(compose(translation(*_middle(None, images)), turned_back, to_origin), sizes, declared)


def _around(turned_back: Floats, sizes: npt.NDArray[np.int64]) -> tuple[Floats, npt.NDArray[np.int64]]:
    """The inverse maps and the sizes of the whole-pixel frames around images that `turned_back` (n, 3, 3) restores."""
    forward = inverse_map(turned_back)
    corners = np.array([(0, 0), (1, 0), (0, 1), (1, 1)]) * sizes[:, None, ::-1]
    turned = corners @ forward[:, :2, :2].transpose(0, 2, 1) + forward[:, None, :2, 2]
    low, high = np.floor(turned.min(axis=1) + _HAIR), np.ceil(turned.max(axis=1) - _HAIR)
    return compose(turned_back, translation(low[:, 0], low[:, 1])), (high - low)[:, ::-1].astype(np.int64)


def _enclosing(turned: Floats, sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    extents = np.abs(turned[:, :2, :2]) @ sizes[:, ::-1, None]
    enclosing: npt.NDArray[np.int64] = np.ceil(extents[:, ::-1, 0] - _HAIR).astype(np.int64)
    return enclosing


@dataclass(frozen=True)
class RandomAffine(Transform):
    """Apply a random affine map about a centre: shear, then scale, then rotate, then translate.

    The order and the signs of the shear are torchvision's.

    Args:
        degrees: the rotation, as in `RandomRotation`.
        translate: (a, b) moves by up to a times the width and b times the height, either way, 0 to 1; None (the
            default) does not move.
        scale: factors (lowest, highest) above 0; None (the default) keeps the scale.
        shear: degrees within (-90, 90): d for (-d, d) along x, or (lowest, highest) along x, or four numbers, with the
            range along y after that along x. None (the default) does not shear.
        interpolation: "nearest", "bilinear" (the default) or "bicubic".
        fill: the level of a constant border, in the image's units: a number, or one for each channel; 0 by default.
        center: the point (x, y) that stays, in pixels from the upper left corner; by default the image's middle.
        border: the values outside the image: "constant" (the default), "replicate", "reflect", "reflect101" or "wrap".
        antialias: True (the default) widens the filter where the image becomes smaller.

    >>> import numpy as np
    >>> image = np.zeros((8, 8, 3), np.uint8)
    >>> RandomAffine(15, translate=(0.1, 0.1), scale=(0.9, 1.1), shear=5)(image).shape
    torch.Size([3, 8, 8])
    """

    degrees: Range
    translate: Sequence[float] | None = None
    scale: Range | None = None
    shear: Range | None = None
    interpolation: str = "bilinear"
    fill: PerChannel = 0.0
    center: Sequence[float] | None = None
    border: str = "constant"
    antialias: bool = True
    draws: ClassVar[int] = 6

    def check(self) -> None:
        symmetric(self.degrees, "degrees")
        flag(self.antialias, "antialias")
        resampled(self.interpolation, self.antialias, self.border, self.fill)
        if self.translate is not None:
            numbers(self.translate, "translate", 2, 0.0, 1.0)
        if self.scale is not None:
            _scales(self.scale)
        if self.shear is not None:
            _shears(self.shear)
        _check_center(self.center)

    def step(self, draw: Draw, images: ImageInfo) -> Geometry:
        linear = rotation(draw.between(0, *symmetric(self.degrees, "degrees")))
        if self.scale is not None:
            factor = draw.between(1, *_scales(self.scale))
            linear = compose(linear, scaling(factor, factor))
        if self.shear is not None:
            x_range, y_range = _shears(self.shear)
            linear = compose(linear, shearing(draw.between(2, *x_range), draw.between(3, *y_range)))
        forward = about(linear, *_middle(self.center, images))
        if self.translate is not None:
            forward = compose(_shift(draw, 4, self.translate, images), forward)
        # A pure rotation covers one source pixel an output pixel: the filter would not differ.
        antialias = None if self.scale is None and self.shear is None else self.antialias
        declared = resampled(self.interpolation, antialias, self.border, self.fill)
        return Geometry(affine_inverse(forward), images.sizes, declared)


def _shift(draw: Draw, column: int, fractions: Sequence[float], images: ImageInfo) -> Floats:
    x, y = fractions
    return translation(
        draw.between(column, -x, x) * images.sizes[:, 1], draw.between(column + 1, -y, y) * images.sizes[:, 0]
    )


@dataclass(frozen=True)
class RandomScale(Transform):
    """Zoom about a centre by a random factor; the canvas keeps its size.

    Args:
        scale: factors (lowest, highest) above 0; above 1 enlarges. (0.8, 1.25) by default.
        ratio: (lowest, highest) above 0 of a further factor r: the width is multiplied by sqrt(r), the height by
            1/sqrt(r). None (the default) keeps the proportions.
        interpolation: "nearest", "bilinear" (the default) or "bicubic".
        fill: the level of a constant border, in the image's units: a number, or one for each channel; 0 by default.
        center: the point (x, y) that stays, in pixels from the upper left corner; by default the image's middle.
        border: the values outside the image: "constant" (the default), "replicate", "reflect", "reflect101" or "wrap".
        antialias: True (the default) widens the filter where the image becomes smaller.

    >>> import numpy as np
    >>> RandomScale((0.8, 1.25))(np.zeros((4, 6), np.uint8)).shape
    torch.Size([1, 4, 6])
    """

    scale: Range = (0.8, 1.25)
    ratio: Range | None = None
    interpolation: str = "bilinear"
    fill: PerChannel = 0.0
    center: Sequence[float] | None = None
    border: str = "constant"
    antialias: bool = True
    draws: ClassVar[int] = 2

    def check(self) -> None:
        _scales(self.scale)
        flag(self.antialias, "antialias")
        resampled(self.interpolation, self.antialias, self.border, self.fill)
        if self.ratio is not None:
            _scales(self.ratio, "ratio")
        _check_center(self.center)

    def step(self, draw: Draw, images: ImageInfo) -> Geometry:
        factor = draw.between(0, *_scales(self.scale))
        low, high = (1.0, 1.0) if self.ratio is None else _scales(self.ratio, "ratio")
        stretch = np.sqrt(draw.between(1, low, high))
        forward = about(scaling(factor * stretch, factor / stretch), *_middle(self.center, images))
        declared = resampled(self.interpolation, self.antialias, self.border, self.fill)
        return Geometry(affine_inverse(forward), images.sizes, declared)


@dataclass(frozen=True)
class RandomTranslate(Transform):
    """Move by a random distance, which may be a fraction of a pixel.

    Args:
        translate: (a, b) moves by up to a times the width and b times the height, either way, 0 to 1; (0.1, 0.1) by
            default.
        interpolation: "nearest", "bilinear" (the default) or "bicubic".
        fill: the level of a constant border, in the image's units: a number, or one for each channel; 0 by default.
        border: the values outside the image: "constant" (the default), "replicate", "reflect", "reflect101" or "wrap".

    >>> import numpy as np
    >>> RandomTranslate((0.5, 0.0))(np.zeros((4, 6), np.uint8)).shape
    torch.Size([1, 4, 6])
    """

    translate: Sequence[float] = (0.1, 0.1)
    interpolation: str = "bilinear"
    fill: PerChannel = 0.0
    border: str = "constant"
    draws: ClassVar[int] = 2

    def check(self) -> None:
        numbers(self.translate, "translate", 2, 0.0, 1.0)
        resampled(self.interpolation, None, self.border, self.fill)

    def step(self, draw: Draw, images: ImageInfo) -> Geometry:
        declared = resampled(self.interpolation, None, self.border, self.fill)
        return Geometry(affine_inverse(_shift(draw, 0, self.translate, images)), images.sizes, declared)


@dataclass(frozen=True)
class RandomShear(Transform):
    """Shear by a random angle about a centre.

    Args:
        shear: degrees within (-90, 90): d for (-d, d) along x, or (lowest, highest) along x, or four numbers, with the
            range along y after that along x. 10 by default.
        interpolation: "nearest", "bilinear" (the default) or "bicubic".
        fill: the level of a constant border, in the image's units: a number, or one for each channel; 0 by default.
        center: the point (x, y) that stays, in pixels from the upper left corner; by default the image's middle.
        border: the values outside the image: "constant" (the default), "replicate", "reflect", "reflect101" or "wrap".
        antialias: True (the default) widens the filter where the image becomes smaller.

    >>> import numpy as np
    >>> RandomShear((-10, 10, -5, 5))(np.zeros((4, 6), np.uint8)).shape
    torch.Size([1, 4, 6])
    """

    shear: Range = 10.0
    interpolation: str = "bilinear"
    fill: PerChannel = 0.0
    center: Sequence[float] | None = None
    border: str = "constant"
    antialias: bool = True
    draws: ClassVar[int] = 2

    def check(self) -> None:
        _shears(self.shear)
        flag(self.antialias, "antialias")
        resampled(self.interpolation, self.antialias, self.border, self.fill)
        _check_center(self.center)

    def step(self, draw: Draw, images: ImageInfo) -> Geometry:
        x_range, y_range = _shears(self.shear)
        linear = shearing(draw.between(0, *x_range), draw.between(1, *y_range))
        declared = resampled(self.interpolation, self.antialias, self.border, self.fill)
        return Geometry(affine_inverse(about(linear, *_middle(self.center, images))), images.sizes, declared)
