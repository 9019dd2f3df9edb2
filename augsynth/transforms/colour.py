"""Colour: linear maps of an image's channels, multiplied into one matrix for each pass.

Results are clamped to the full scale (255, 65535, or 1 for floats), so let `Normalize` come after them. Adjustments in
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
from augsynth.plan.lowering import ImageInfo, MapColours
from augsynth.transforms.colour_maps import Palette
from augsynth.transforms.contract import Draw, Transform
from augsynth.transforms.params import Range, interval, number, per_channel, probability, span, symmetric

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

    >>> import numpy as np
    >>> ColorJitter(brightness=(2, 2))(np.array([[[10, 20, 200]]], np.uint8)).ravel().tolist()
    [20, 40, 255]
    """

    brightness: Range = 0.0
    contrast: Range = 0.0
    saturation: Range = 0.0
    hue: Range = 0.0
    draws: ClassVar[int] = 4

    def check(self) -> None:
        self._ranges()

    def step(self, draw: Draw, images: ImageInfo) -> MapColours:
        ranges = self._ranges()
        if ranges[2:] != _UNCHANGED[2:]:
            _check_colours(images, "ColorJitter with saturation or hue", "use brightness and contrast alone")
        drawn = (draw.between(i, *span) for i, span in enumerate(ranges))
        nobody = np.zeros(len(images), bool) if ranges == _UNCHANGED else None  # whose values are not clamped either
        return Palette.of(images.channels).adjusted(*drawn).as_step(active=nobody)

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
        _check_colours(images, "RandomGrayscale", "use ColorMatrix to mix other channels")
        grey = Palette.of(images.channels).saturation(np.zeros(len(images)))
        return grey.as_step(active=draw.u[:, 0] < self.p)


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
class ColorMatrix(Transform):
    """Mix channels: each new channel is a weighted sum of the old ones, `matrix` v + `offset`.

    Args:
        matrix: C rows of C numbers, 1 to 16; images must have C channels.
        offset: a fraction of the full scale: a number, or one for each channel; 0 by default.

    >>> import numpy as np
    >>> ColorMatrix([[0, 1], [1, 0]], offset=0.2)(np.array([[[10, 20]]], np.uint8)).ravel().tolist()
    [71, 61]
    """

    matrix: Sequence[Sequence[float]]
    offset: float | Sequence[float] = 0.0

    def check(self) -> None:
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
        return MapColours(np.repeat(matrix[None], n, axis=0), np.broadcast_to(offset, (n, count)))


def _check_colours(images: ImageInfo, what: str, advice: str) -> None:
    if not set(images.channels.tolist()) <= {1, 3, 4}:
        raise ArgumentError(f"{what} needs images of 1 (grey), 3 or 4 channels, got {_counts(images)}: {advice}")


def _counts(images: ImageInfo) -> str:
    return " or ".join(str(count) for count in np.unique(images.channels))
