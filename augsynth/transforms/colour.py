"""Colour: linear maps of an image's channels, multiplied into one matrix for each pass.

Results are clamped to the full scale (255, 65535, or 1 for floats), so let `Normalize` come after them, or say
`clip=False`. Adjustments in
a row are multiplied before pixels are touched: values are clamped once, after the last, and means are those of images
that are not clamped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from augsynth._native.layout import MAX_CHANNELS
from augsynth.core.typing import Floats
from augsynth.errors import ArgumentError, shown
from augsynth.plan import FULL_SCALE
from augsynth.plan.lowering import ImageInfo, MapColours, Operate, PerChannel
from augsynth.transforms.colour_maps import Palette
from augsynth.transforms.contract import Draw, Transform
from augsynth.transforms.params import Range, flag, integer, interval, number, per_channel, probability, span, symmetric

_UNCHANGED = ((1.0, 1.0), (1.0, 1.0), (1.0, 1.0), (0.0, 0.0))


@dataclass(frozen=True)
class ColorJitter(Transform):
    """Change brightness, contrast, saturation and hue by random amounts.

    Brightness multiplies values. Contrast mixes the image with the mean of its grey version, and saturation mixes each
    pixel with its grey (0.299, 0.587 and 0.114 of red, green and blue: ITU-R BT.601). Hue rotates the chroma plane of
    YIQ: the map is linear and keeps the luma, where torchvision shifts the hue of HSV. Both turn in the same sense, and
    give different colours. The four maps commute, so no order is drawn; torchvision draws one. Names and defaults are
    torchvision's.

    If the parameters allow no change, images stay as they are, and their values are not clamped.

    Brightness and contrast work for any number of channels, and leave the last of 4 (alpha) as it is. Saturation and
    hue need 3 or 4 channels; an image of 1 channel is not changed by them.

    Args:
        brightness: a factor at least 0: a pair (lowest, highest), or a number d for (max(0, 1 - d), 1 + d); 0 by
            default.
        contrast: as `brightness`.
        saturation: as `brightness`.
        hue: a fraction of the full circle: a pair within [-0.5, 0.5], or a number d up to 0.5 for (-d, d); 0 by
            default.
        clip: True (the default) clamps float results to [0, 1]; integer images are always clamped. False suits images
            with values of their own scale, such as CT.

    >>> import numpy as np
    >>> ColorJitter(brightness=(2, 2))(np.array([[[10, 20, 200]]], np.uint8)).ravel().tolist()
    [20, 40, 255]
    """

    brightness: Range = 0.0
    contrast: Range = 0.0
    saturation: Range = 0.0
    hue: Range = 0.0
    clip: bool = True
    draws: ClassVar[int] = 4

    def check(self) -> None:
        self._ranges()
        flag(self.clip, "clip")

    def step(self, draw: Draw, images: ImageInfo) -> MapColours:
        ranges = self._ranges()
        if ranges[2:] != _UNCHANGED[2:]:
            check_colours(images, "ColorJitter with saturation or hue", "use brightness and contrast alone")
        drawn = (draw.between(i, *span) for i, span in enumerate(ranges))
        nobody = np.zeros(len(images), bool) if ranges == _UNCHANGED else None  # whose values are not clamped either
        return Palette.of(images.channels).adjusted(*drawn).as_step(nobody, self.clip)

    def _ranges(self) -> tuple[tuple[float, float], ...]:
        given = {"brightness": self.brightness, "contrast": self.contrast, "saturation": self.saturation}
        hue = symmetric(self.hue, "hue")
        return *(_factors(value, name) for name, value in given.items()), interval(hue, "hue", -0.5, 0.5)


def _factors(value: Range, name: str) -> tuple[float, float]:
    low, high = span(value, name, low=0.0)
    return (low, high) if isinstance(value, (tuple, list)) else (max(0.0, 1.0 - low), 1.0 + high)


@dataclass(frozen=True)
class RandomGrayscale(Transform):
    """Replace red, green and blue by their grey at random; the number of channels stays.

    Grey is 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601). The last of 4 channels stays. An image of 1 channel is grey
    already.

    Args:
        p: the probability, 0 to 1; 0.1 by default.

    >>> import numpy as np
    >>> RandomGrayscale(p=1.0)(np.array([[[100, 200, 0]]], np.uint8)).ravel().tolist()
    [147, 147, 147]
    """

    p: float = 0.1
    draws: ClassVar[int] = 1

    def check(self) -> None:
        probability(self.p)

    def step(self, draw: Draw, images: ImageInfo) -> MapColours:
        check_colours(images, "RandomGrayscale", "use ColorMatrix to mix other channels")
        grey = Palette.of(images.channels).saturation(np.zeros(len(images)))
        return grey.as_step(active=draw.u[:, 0] < self.p)


@dataclass(frozen=True)
class Grayscale(Transform):
    """Replace red, green and blue by their grey, always. Name and parameter are torchvision's.

    Grey is that of `RandomGrayscale`. With one channel left, the images come out as (1, H, W), a fourth channel is
    dropped, and the work is done in NumPy, between passes; it cannot be left to chance. With three, it is part of a
    pass, and the last of 4 channels stays.

    Args:
        num_output_channels: 1 (the default), or 3 for three equal channels.

    >>> import numpy as np
    >>> image = np.array([[[100, 200, 0]]], np.uint8)
    >>> Grayscale()(image).tolist(), Grayscale(3)(image).ravel().tolist()
    ([[[147]]], [147, 147, 147])
    """

    num_output_channels: int = 1

    def check(self) -> None:
        if integer(self.num_output_channels, "num_output_channels", 1) not in (1, 3):
            raise ArgumentError(f"num_output_channels must be 1 or 3, got {self.num_output_channels}")

    def step(self, draw: Draw, images: ImageInfo) -> MapColours | Operate:
        check_colours(images, "Grayscale", "use ColorMatrix to mix other channels")
        if self.num_output_channels == 1:
            return Operate("grey")
        if 1 in images.channels:
            raise ArgumentError("Grayscale(3) needs images of 3 or 4 channels, got 1: repeat the channel first")
        return Palette.of(images.channels).saturation(np.zeros(len(images))).as_step()


@dataclass(frozen=True)
class RandomChannelPermutation(Transform):
    """Put the channels in a random order; all orders are equally likely. The last of 4 channels (alpha) stays.

    >>> import numpy as np
    >>> sorted(RandomChannelPermutation()(np.array([[[1, 2, 3]]], np.uint8)).ravel().tolist())
    [1, 2, 3]
    """

    draws: ClassVar[int] = MAX_CHANNELS

    def step(self, draw: Draw, images: ImageInfo) -> MapColours:
        colours = Palette.of(images.channels).colours
        count = colours.shape[1]
        # Alpha, and channels that an image does not have, come last in any order.
        weights = np.where(colours, draw.u[:, :count], 1.0)
        order = np.argsort(weights, axis=1, kind="stable")
        return MapColours(np.eye(count)[order], np.zeros((len(images), count)))


@dataclass(frozen=True)
class ChannelDropout(Transform):
    """Set random channels to one level. The last of 4 channels (alpha) stays, and at least one colour does.

    albumentations' `ChannelDropout`: its `channel_drop_range` is `count` here.

    Args:
        count: the number of channels: an integer at least 1, or (lowest, highest), all equally likely; 1 by default.
        fill: the level, in the image's units: a number, or one for each channel; 0 by default.
        p: the probability, 0 to 1; 0.5 by default.

    >>> import numpy as np
    >>> dropped = ChannelDropout(p=1.0)(np.array([[[1, 2, 3]]], np.uint8)).ravel()
    >>> int((dropped == 0).sum())
    1
    """

    count: int | Sequence[int] = 1
    fill: PerChannel = 0.0
    p: float = 0.5
    draws: ClassVar[int] = MAX_CHANNELS + 2

    def check(self) -> None:
        self._range()
        per_channel(self.fill, "fill")
        probability(self.p)

    def step(self, draw: Draw, images: ImageInfo) -> MapColours:
        low, high = self._range()
        colours = Palette.of(images.channels).colours
        fewest = int(colours.sum(axis=1).min(initial=MAX_CHANNELS))
        if high >= fewest:
            raise ArgumentError(f"count must leave one of {fewest} channels, got {self.count!r}")
        count = colours.shape[1]
        rank = np.argsort(np.argsort(np.where(colours, draw.u[:, 2 : 2 + count], 1.0), axis=1), axis=1)
        dropped = rank < low + (draw.u[:, 1:2] * (high - low + 1)).astype(np.int64)
        fill = np.array(images.levels(self.fill, "fill"))[:count] / FULL_SCALE[images.dtype]
        kept = np.eye(count) * ~dropped[:, None]
        return MapColours(kept, dropped * fill, active=draw.u[:, 0] < self.p)

    def _range(self) -> tuple[int, int]:
        given = self.count if isinstance(self.count, tuple) else (self.count, self.count)
        if len(given) != 2 or integer(given[0], "count", 1) > integer(given[1], "count", 1, MAX_CHANNELS):
            raise ArgumentError(f"count must be an integer or (lowest, highest), got {self.count!r}")
        return given


@dataclass(frozen=True)
class ColorMatrix(Transform):
    """Mix channels: each new channel is a weighted sum of the old ones, `matrix` v + `offset`.

    Args:
        matrix: C rows of C numbers, 1 to 16; images must have C channels.
        offset: a fraction of the full scale: a number, or one for each channel; 0 by default.
        clip: True (the default) clamps float results to [0, 1]; integer images are always clamped. False suits images
            with values of their own scale, such as CT.

    >>> import numpy as np
    >>> ColorMatrix([[0, 1], [1, 0]], offset=0.2)(np.array([[[10, 20]]], np.uint8)).ravel().tolist()
    [71, 61]
    """

    matrix: Sequence[Sequence[float]]
    offset: float | Sequence[float] = 0.0
    clip: bool = True

    def check(self) -> None:
        flag(self.clip, "clip")
        if not isinstance(self.matrix, tuple) or not 1 <= len(self.matrix) <= MAX_CHANNELS:
            raise ArgumentError(f"matrix must have 1 to {MAX_CHANNELS} rows, got {self.matrix!r}")
        for i, row in enumerate(self.matrix):
            if not isinstance(row, tuple) or len(row) != len(self.matrix):
                raise ArgumentError(f"matrix[{i}] must have {len(self.matrix)} numbers, got {shown(row)}")
            for j, value in enumerate(row):
                number(value, f"matrix[{i}][{j}]")
        offset = per_channel(self.offset, "offset")
        if isinstance(offset, tuple) and len(offset) not in (1, len(self.matrix)):
            raise ArgumentError(f"offset must be a number or {len(self.matrix)} of them, got {self.offset!r}")

    def step(self, draw: Draw, images: ImageInfo) -> MapColours:
        n, count = len(images), len(self.matrix)
        if np.any(images.channels != count):
            raise ArgumentError(f"matrix is for {count} channels, the images have {_counts(images)}")
        matrix: Floats = np.array(self.matrix, np.float64)
        offset: Floats = np.array(self.offset, np.float64)
        return MapColours(np.repeat(matrix[None], n, axis=0), np.broadcast_to(offset, (n, count)), clip=self.clip)


def check_colours(images: ImageInfo, what: str, advice: str) -> None:
    """Raise `ArgumentError` if the images have neither red, green and blue nor one channel."""
    if not set(images.channels.tolist()) <= {1, 3, 4}:
        raise ArgumentError(f"{what} needs images of 1 (grey), 3 or 4 channels, got {_counts(images)}: {advice}")


def _counts(images: ImageInfo) -> str:
    return " or ".join(str(count) for count in np.unique(images.channels))
