"""Transforms that fit images of any size to a given one: one side to a length, the whole into a frame, or by padding.

The aspect ratio is kept, except for the rounding of sides to whole pixels. A side is `length * (wanted / given)`,
rounded to the nearest integer, as in albumentations and Ultralytics (halves to even), or down, as in torchvision.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from augsynth.core.typing import Floats, Ints
from augsynth.errors import ArgumentError, shown
from augsynth.plan.lowering import Geometry, ImageInfo, Lowering, PerChannel, Sampling
from augsynth.transforms.contract import Draw, Transform
from augsynth.transforms.matrices import scaling, translation
from augsynth.transforms.params import bordered, filtered, flag, integer, size_pair
from augsynth.transforms.windows import Places, draws_of, equal_sizes, offsets_at, position_names

ROUNDINGS = ("nearest", "down")


def _check_rounding(rounding: str) -> None:
    if rounding not in ROUNDINGS:
        raise ArgumentError(f"rounding must be {' or '.join(ROUNDINGS)}, got {shown(rounding)}")


def _lengths(size: int | Sequence[int]) -> tuple[int, ...]:
    given = size if isinstance(size, tuple) else (size,)
    if not given:
        raise ArgumentError(f"size must be a number of pixels or several, got {shown(size)}")
    return tuple(integer(length, "size", 1) for length in given)


def _scaled(sizes: Ints, wanted: Ints, given: Ints, rounding: str) -> Ints:
    """Sizes (n, 2) times wanted / given, both (n,); no side becomes shorter than a pixel."""
    exact = sizes * wanted[:, None] // given[:, None]
    scaled: Ints = exact if rounding == "down" else np.rint(sizes * (wanted / given)[:, None]).astype(np.int64)
    return np.maximum(scaled, 1)


def _resized(images: ImageInfo, sizes: Ints, declared: Sampling) -> Geometry:
    ratio = images.sizes / sizes
    return Geometry(scaling(ratio[:, 1], ratio[:, 0]), sizes, declared, keeps_frame=True)


def _padded(offset: Floats, sizes: Ints, declared: Sampling) -> Geometry:
    """Frames of `sizes` (n, 2) in which the image lies at `offset` (n, 2), as (top, left)."""
    return Geometry(translation(-offset[:, 1], -offset[:, 0]), sizes, declared, pads=True)


@dataclass(frozen=True)
class LongestSide(Transform):
    """Resize the longer side to a given length; the aspect ratio is kept. albumentations' `LongestMaxSize`.

    Args:
        size: the length in pixels, or several lengths of which one is drawn.
        interpolation: "nearest", "bilinear" (the default) or "bicubic".
        antialias: True (the default) widens the filter where the image becomes smaller.
        rounding: the rounding of the other side: "nearest" (the default), or "down" as in torchvision's
            `Resize(None, max_size=size)`.

    >>> import numpy as np
    >>> image = np.zeros((10, 30), np.uint8)
    >>> LongestSide(8)(image).shape, LongestSide(8, rounding="down")(image).shape
    (torch.Size([1, 3, 8]), torch.Size([1, 2, 8]))
    """

    size: int | Sequence[int]
    interpolation: str = "bilinear"
    antialias: bool = True
    rounding: str = "nearest"

    @property
    def draws(self) -> int:  # type: ignore[override]
        """One number if there are several lengths to draw from."""
        return int(len(_lengths(self.size)) > 1)

    def check(self) -> None:
        _lengths(self.size)
        flag(self.antialias, "antialias")
        filtered(self.interpolation, self.antialias)
        _check_rounding(self.rounding)

    def step(self, draw: Draw, images: ImageInfo) -> Geometry:
        sizes = _scaled(images.sizes, _drawn(self.size, draw), images.sizes.max(axis=1), self.rounding)
        return _resized(images, sizes, filtered(self.interpolation, self.antialias))


@dataclass(frozen=True)
class ShortestSide(Transform):
    """Resize the shorter side to a given length; the aspect ratio is kept. albumentations' `SmallestMaxSize`.

    Args:
        size: the length in pixels, or several lengths of which one is drawn, as in Detectron2's `ResizeShortestEdge`.
        max_size: the largest length of the longer side, at least `size`: where it would become longer, it gets this
            length, and the shorter side less than `size`. None (the default) sets no limit.
        interpolation: "nearest", "bilinear" (the default) or "bicubic".
        antialias: True (the default) widens the filter where the image becomes smaller.
        rounding: the rounding of the other side: "nearest" (the default), or "down" as in torchvision and `Resize`.

    >>> import numpy as np
    >>> image = np.zeros((10, 12), np.uint8)
    >>> ShortestSide(8)(image).shape, ShortestSide(8, max_size=9)(image).shape
    (torch.Size([1, 8, 10]), torch.Size([1, 8, 9]))
    """

    size: int | Sequence[int]
    max_size: int | None = None
    interpolation: str = "bilinear"
    antialias: bool = True
    rounding: str = "nearest"

    @property
    def draws(self) -> int:  # type: ignore[override]
        """One number if there are several lengths to draw from."""
        return int(len(_lengths(self.size)) > 1)

    def check(self) -> None:
        lengths = _lengths(self.size)
        flag(self.antialias, "antialias")
        filtered(self.interpolation, self.antialias)
        _check_rounding(self.rounding)
        if self.max_size is not None and integer(self.max_size, "max_size", 1) < max(lengths):
            raise ArgumentError(f"max_size must be at least size, {max(lengths)}, got {self.max_size}")

    def step(self, draw: Draw, images: ImageInfo) -> Geometry:
        wanted, given, longer = _drawn(self.size, draw), images.sizes.min(axis=1), images.sizes.max(axis=1)
        if self.max_size is not None:
            too_long = wanted * longer > self.max_size * given
            wanted, given = np.where(too_long, self.max_size, wanted), np.where(too_long, longer, given)
        sizes = _scaled(images.sizes, wanted, given, self.rounding)
        return _resized(images, sizes, filtered(self.interpolation, self.antialias))


def _drawn(size: int | Sequence[int], draw: Draw) -> Ints:
    lengths = np.array(_lengths(size))
    chosen: Ints = lengths[draw.choice(len(lengths))]
    return chosen


@dataclass(frozen=True)
class Letterbox(Transform):
    """Resize the whole image into a frame, and fill the rest of the frame.

    With its defaults and `fill=114`, sizes and margins are those of Ultralytics' `LetterBox(auto=False)`.
    `plan.invert` takes predictions back to the original frame.

    Args:
        size: (height, width) of the frame in pixels, or one number for a square.
        enlarge: True (the default) also enlarges images that are smaller than the frame; False leaves their size.
        position: the place of the image in the frame: "center" (the default), "top_left", "top", "top_right", "left",
            "right", "bottom_left", "bottom" or "bottom_right"; several of these names of which one is drawn; "five" for
            the middle and the corners; or "random" for any offset.
        fill: the level of a constant border, in the image's units: a number, or one for each channel; 0 by default.
        border: the values beside the image: "constant" (the default), "replicate", "reflect", "reflect101" or "wrap".
        interpolation: "nearest", "bilinear" (the default) or "bicubic".
        antialias: True (the default) widens the filter where the image becomes smaller.
        rounding: the rounding of the image's sides: "nearest" (the default) or "down".

    >>> import numpy as np
    >>> Letterbox((4, 6), fill=7)(np.zeros((4, 2), np.uint8))[0].tolist()[0]
    [7, 7, 0, 0, 7, 7]
    """

    size: int | Sequence[int]
    enlarge: bool = True
    position: Places = "center"
    fill: PerChannel = 0.0
    border: str = "constant"
    interpolation: str = "bilinear"
    antialias: bool = True
    rounding: str = "nearest"

    @property
    def draws(self) -> int:  # type: ignore[override]
        """Two numbers for any offset, one for several places."""
        return draws_of(self.position)

    def check(self) -> None:
        size_pair(self.size)
        flag(self.enlarge, "enlarge")
        flag(self.antialias, "antialias")
        position_names(self.position)
        bordered(self.border, self.fill)
        filtered(self.interpolation, self.antialias)
        _check_rounding(self.rounding)

    def lower(self, draws: Iterator[Draw], lowering: Lowering) -> None:
        # Two steps, because the border must begin at the edge of the resized image, without a ramp into it.
        draw, images = next(draws), lowering.images
        inner = self._inner(images.sizes)
        lowering.add("Letterbox", _resized(images, inner, filtered(self.interpolation, self.antialias)))
        frames = equal_sizes(*size_pair(self.size), len(images))
        offset = offsets_at(self.position, draw, frames - lowering.images.sizes)
        lowering.add("Letterbox", _padded(offset, frames, bordered(self.border, self.fill)))

    def _inner(self, sizes: Ints) -> Ints:
        """The sizes (n, 2) of the resized images."""
        height, width = size_pair(self.size)
        by_height = height * sizes[:, 1] <= width * sizes[:, 0]
        wanted = np.where(by_height, height, width)
        given = np.where(by_height, sizes[:, 0], sizes[:, 1])
        if not self.enlarge:
            wanted = np.minimum(wanted, given)
        return np.minimum(_scaled(sizes, wanted, given, self.rounding), (height, width))


@dataclass(frozen=True)
class PadIfNeeded(Transform):
    """Add margins where an image is smaller than a size, or no multiple of a divisor. It never cuts anything off.

    Names and margins are albumentations', whose `min_height` and `min_width` are `size` here, and whose
    `pad_height_divisor` and `pad_width_divisor` are `divisor`.

    Args:
        size: the least (height, width) in pixels, or one number for both; None (the default) for no least size.
        divisor: (height, width) are padded to multiples of these numbers, or of one number; None (the default) for any
            size. One of `size` and `divisor` must be given.
        position: the place of the image, as in `Letterbox`; "center" by default.
        fill: the level of a constant border, in the image's units: a number, or one for each channel; 0 by default.
        border: the values beside the image: "constant" (the default), "replicate", "reflect", "reflect101" or "wrap".

    >>> import numpy as np
    >>> PadIfNeeded(divisor=32)(np.zeros((60, 64, 3), np.uint8)).shape
    torch.Size([3, 64, 64])
    """

    size: int | Sequence[int] | None = None
    divisor: int | Sequence[int] | None = None
    position: Places = "center"
    fill: PerChannel = 0.0
    border: str = "constant"

    @property
    def draws(self) -> int:  # type: ignore[override]
        """Two numbers for any offset, one for several places."""
        return draws_of(self.position)

    def check(self) -> None:
        if self.size is None and self.divisor is None:
            raise ArgumentError("PadIfNeeded needs a size or a divisor, got neither")
        for value, name in ((self.size, "size"), (self.divisor, "divisor")):
            if value is not None:
                size_pair(value, name)
        position_names(self.position)
        bordered(self.border, self.fill)

    def step(self, draw: Draw, images: ImageInfo) -> Geometry:
        sizes = images.sizes
        if self.size is not None:
            sizes = np.maximum(sizes, size_pair(self.size))
        if self.divisor is not None:
            divisor = np.array(size_pair(self.divisor, "divisor"))
            sizes = -(-sizes // divisor) * divisor
        offset = offsets_at(self.position, draw, sizes - images.sizes)
        return _padded(offset, sizes, bordered(self.border, self.fill))
