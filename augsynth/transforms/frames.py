"""Transforms that change the frame: crops, padding and resizing. Crops and pads move whole pixels, and are exact."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from augsynth.core.typing import Floats, Ints
from augsynth.errors import ArgumentError
from augsynth.plan.lowering import Geometry, ImageInfo, PerChannel, Sampling
from augsynth.transforms.contract import Draw, Transform
from augsynth.transforms.matrices import matrix, scaling, translation
from augsynth.transforms.params import (
    Range,
    bordered,
    filtered,
    flag,
    integer,
    interval,
    margins,
    probability,
    size_pair,
)
from augsynth.transforms.visibility import attempts, most_visible, showing_all
from augsynth.transforms.windows import equal_sizes, random_offsets, require_room

_ATTEMPTS = 10
_DRAWS_A_WINDOW = 2 * _ATTEMPTS + 2


@lru_cache
def _pair(height: float, width: float) -> Floats:
    return np.array((height, width), np.float64)


@dataclass(frozen=True)
class Pad(Transform):
    """Add margins, or cut them off.

    Args:
        padding: the margins in pixels: a number, (left and right, top and bottom), or (left, top, right, bottom). A
            negative margin cuts off pixels.
        fill: the level of a constant border, in the image's units: a number, or one for each channel; 0 by default.
        border: the values outside the image: "constant" (the default), "replicate", "reflect", "reflect101" or "wrap".
            torchvision's "symmetric" is "reflect" here, and its "reflect" is "reflect101".

    >>> import numpy as np
    >>> Pad((1, 0), fill=9)(np.array([[1, 2]], np.uint8)).tolist()
    [[[9, 1, 2, 9]]]
    """

    padding: int | Sequence[int]
    fill: PerChannel = 0.0
    border: str = "constant"

    def check(self) -> None:
        margins(self.padding, negative=True)
        bordered(self.border, self.fill)

    def step(self, draw: Draw, images: ImageInfo) -> Geometry:
        left, top, right, bottom = margins(self.padding, negative=True)
        sizes = images.sizes + np.array([top + bottom, left + right])
        if np.count_nonzero(sizes < 1):
            height, width = images.sizes[int(np.flatnonzero((sizes < 1).any(axis=1))[0])]
            raise ArgumentError(f"padding {self.padding!r} leaves nothing of an image of {height}x{width}")
        inverse = np.repeat(translation(-float(left), -float(top)), len(images), axis=0)
        return Geometry(inverse, sizes, bordered(self.border, self.fill), pads=True)


@dataclass(frozen=True)
class CenterCrop(Transform):
    """Cut out the middle. An odd remainder is rounded as in torchvision.

    Args:
        size: (height, width) in pixels, or one number for a square.
        pad_if_needed: True pads a smaller image by `border`; False (the default) makes it an error.
        fill: the level of a constant border, in the image's units: a number, or one for each channel; 0 by default.
        border: the values outside the image: "constant" (the default), "replicate", "reflect", "reflect101" or "wrap".

    >>> import numpy as np
    >>> CenterCrop((1, 2))(np.arange(12, dtype=np.uint8).reshape(3, 4)).tolist()
    [[[5, 6]]]
    """

    size: int | Sequence[int]
    pad_if_needed: bool = False
    fill: PerChannel = 0.0
    border: str = "constant"

    def check(self) -> None:
        size_pair(self.size)
        flag(self.pad_if_needed, "pad_if_needed")
        bordered(self.border, self.fill)

    def step(self, draw: Draw, images: ImageInfo) -> Geometry:
        size = size_pair(self.size)
        room = images.sizes - size
        if not self.pad_if_needed:
            require_room(room, size, images, "a centre crop")
        offset = np.where(room >= 0, np.round(room / 2), -((-room) // 2)).astype(np.float64)
        declared = bordered(self.border, self.fill) if self.pad_if_needed else Sampling()
        inverse = translation(offset[:, 1], offset[:, 0])
        return Geometry(inverse, equal_sizes(*size, len(images)), declared, pads=self.pad_if_needed)


@dataclass(frozen=True)
class RandomCrop(Transform):
    """Cut out a window at a random position.

    Args:
        size: (height, width) of the window in pixels, or one number for a square.
        padding: margins that are added first, as in `Pad`; None (the default) adds none.
        pad_if_needed: True also adds what a smaller image lacks, on both sides; False (the default) makes it an error.
        fill: the level of a constant border, in the image's units: a number, or one for each channel; 0 by default.
        border: the values outside the image: "constant" (the default), "replicate", "reflect", "reflect101" or "wrap".
        min_visible: the fraction of each box in view that the window should show, 0 to 1, for calls with boxes; 0 by
            default. Up to ten windows are drawn until one shows that much of every box; then a window that shows all
            boxes wholly, if there is one; else the one of the ten that does for most boxes.

    >>> import numpy as np
    >>> RandomCrop(32, padding=4, border="reflect")(np.zeros((32, 32, 3), np.uint8)).shape
    torch.Size([3, 32, 32])
    """

    size: int | Sequence[int]
    padding: int | Sequence[int] | None = None
    pad_if_needed: bool = False
    fill: PerChannel = 0.0
    border: str = "constant"
    min_visible: float = 0.0

    @property
    def draws(self) -> int:  # type: ignore[override]
        """Two numbers for each window."""
        return 2 * attempts(self.min_visible)

    def check(self) -> None:
        size_pair(self.size)
        flag(self.pad_if_needed, "pad_if_needed")
        bordered(self.border, self.fill)
        probability(self.min_visible, "min_visible")
        if self.padding is not None:
            margins(self.padding)

    def step(self, draw: Draw, images: ImageInfo) -> Geometry:
        size = size_pair(self.size)
        left, top, right, bottom = (0, 0, 0, 0) if self.padding is None else margins(self.padding)
        room, lowest = images.sizes - _pair(size[0] - top - bottom, size[1] - left - right), _pair(-top, -left)
        if self.pad_if_needed:
            # As torchvision: what is missing is added on both sides, so the window can still move.
            room, lowest = np.abs(room), (lowest + np.minimum(room, 0))[:, None]
        else:
            require_room(room, size, images, "a random crop")
        moves = random_offsets(draw.u.reshape(len(images), attempts(self.min_visible), 2), room[:, None])
        corner = self._chosen(moves + lowest, np.broadcast_to(lowest, moves.shape)[:, 0], room, draw.u[:, :2], images)
        pads = self.pad_if_needed or self.padding is not None
        declared = bordered(self.border, self.fill) if pads else Sampling()
        return Geometry(translation(corner[:, 1], corner[:, 0]), equal_sizes(*size, len(images)), declared, pads=pads)

    def _chosen(self, corners: Floats, low: Floats, room: Floats, u: Floats, images: ImageInfo) -> Floats:
        """The (top, left) of the window of each sample, out of (n, attempts, 2); all lie in `low` to `low` + `room`."""
        if corners.shape[1] == 1 or images.boxes is None:
            return corners[:, 0]
        safe = showing_all(images, size_pair(self.size), low, low + room, u)
        corners = np.concatenate([corners, np.where(np.isnan(safe), corners[:, 0], safe)[:, None]], axis=1)
        first = corners[..., ::-1]
        windows = np.concatenate([first, first + size_pair(self.size)[::-1]], axis=-1)
        chosen = most_visible(images, windows, self.min_visible)
        return corners[np.arange(len(images)), chosen]


@dataclass(frozen=True)
class Resize(Transform):
    """Resize to a given size, or the shorter side to a given length.

    Args:
        size: (height, width) in pixels, or one number for the shorter side; then the aspect ratio is kept.
        interpolation: "nearest", "bilinear" (the default) or "bicubic".
        max_size: the largest length of the longer side, greater than `size`, which must be one number; None (the
            default) sets no limit.
        antialias: True (the default) widens the filter where the image becomes smaller, as torch's `interpolate` does;
            False skips pixels between the samples.

    >>> import numpy as np
    >>> Resize(10)(np.zeros((20, 30), np.uint8)).shape
    torch.Size([1, 10, 15])
    """

    size: int | Sequence[int]
    interpolation: str = "bilinear"
    max_size: int | None = None
    antialias: bool = True

    def check(self) -> None:
        size_pair(self.size)
        flag(self.antialias, "antialias")
        filtered(self.interpolation, self.antialias)
        if self.max_size is not None:
            if not self._is_short_side():
                raise ArgumentError("max_size needs size to be one number (the shorter side), got both sides")
            if integer(self.max_size, "max_size", 1) <= size_pair(self.size)[0]:
                raise ArgumentError(f"max_size must be greater than size {self.size}, got {self.max_size}")

    def step(self, draw: Draw, images: ImageInfo) -> Geometry:
        fixed = None if self._is_short_side() else equal_sizes(*size_pair(self.size), len(images))
        sizes = self._shorter_side(images.sizes) if fixed is None else fixed
        ratio = images.sizes / sizes
        declared = filtered(self.interpolation, self.antialias)
        return Geometry(scaling(ratio[:, 1], ratio[:, 0]), sizes, declared, keeps_frame=True)

    def _is_short_side(self) -> bool:
        return not isinstance(self.size, Sequence) or len(self.size) == 1

    def _shorter_side(self, sizes: Ints) -> Ints:
        side = size_pair(self.size)[0]
        short, long = sizes.min(axis=1), sizes.max(axis=1)
        other = np.maximum(side * long // short, 1)
        target = np.full(len(sizes), side)
        if self.max_size is not None:
            too_long = other > self.max_size
            target = np.where(too_long, np.maximum(self.max_size * side // other, 1), target)
            other = np.minimum(other, self.max_size)
        tall = sizes[:, 0] > sizes[:, 1]
        return np.stack([np.where(tall, other, target), np.where(tall, target, other)], axis=1)


@dataclass(frozen=True)
class RandomResizedCrop(Transform):
    """Cut out a window of random area and aspect ratio, and resize it.

    The rule is torchvision's (Szegedy et al. 2015): ten attempts to find a window that fits, then the largest centred
    window of an allowed aspect ratio. Near the window's edge the filter reads the pixels beyond it.

    Args:
        size: (height, width) of the output in pixels, or one number for a square.
        scale: the fraction of the image's area, above 0: (lowest, highest); (0.08, 1) by default.
        ratio: width divided by height, above 0, drawn uniformly in its logarithm: (lowest, highest); (3/4, 4/3) by
            default.
        interpolation: "nearest", "bilinear" (the default) or "bicubic".
        antialias: True (the default) widens the filter where the image becomes smaller.
        min_visible: that of `RandomCrop`.

    >>> import numpy as np
    >>> RandomResizedCrop(224, scale=(0.35, 1.0))(np.zeros((375, 500, 3), np.uint8)).shape
    torch.Size([3, 224, 224])
    """

    size: int | Sequence[int]
    scale: Range = (0.08, 1.0)
    ratio: Range = (3 / 4, 4 / 3)
    interpolation: str = "bilinear"
    antialias: bool = True
    min_visible: float = 0.0

    @property
    def draws(self) -> int:  # type: ignore[override]
        """Two numbers for each attempt at a size, and two for the position; for each window."""
        return _DRAWS_A_WINDOW * attempts(self.min_visible)

    def check(self) -> None:
        size_pair(self.size)
        flag(self.antialias, "antialias")
        filtered(self.interpolation, self.antialias)
        probability(self.min_visible, "min_visible")
        for name, value in (("scale", self.scale), ("ratio", self.ratio)):
            if interval(value, name, low=0.0)[0] == 0:
                raise ArgumentError(f"{name} must be greater than 0, got {value!r}")

    def step(self, draw: Draw, images: ImageInfo) -> Geometry:
        height, width = size_pair(self.size)
        window, offset = self._chosen(draw.u.reshape(len(images), attempts(self.min_visible), _DRAWS_A_WINDOW), images)
        inverse = matrix(window[:, 1] / width, 0.0, offset[:, 1], 0.0, window[:, 0] / height, offset[:, 0])
        return Geometry(inverse, equal_sizes(height, width, len(images)), filtered(self.interpolation, self.antialias))

    def _chosen(self, u: Floats, images: ImageInfo) -> tuple[Floats, Floats]:
        """The (height, width) and the (top, left) of the window of each sample, out of those of `u` (n, windows, …)."""
        count = u.shape[1]
        if count == 1:
            return self._windows(u[:, 0], images.sizes)
        sizes, offsets = self._windows(u.reshape(-1, _DRAWS_A_WINDOW), np.repeat(images.sizes, count, axis=0))
        windows = np.concatenate([offsets[:, ::-1], (offsets + sizes)[:, ::-1]], axis=1)
        chosen = most_visible(images, windows.reshape(len(images), count, 4), self.min_visible)
        chosen += np.arange(len(images)) * count
        return sizes[chosen], offsets[chosen]

    def _windows(self, u: Floats, sizes: Ints) -> tuple[Floats, Floats]:
        """The windows' (height, width) and their (top, left)."""
        tries = self._attempts(u[:, : 2 * _ATTEMPTS], sizes)
        fits = (tries >= 1) & (tries <= sizes[:, :, None])
        both = fits[:, 0] & fits[:, 1]
        first, samples = both.argmax(axis=1), np.arange(len(sizes))
        window = tries[samples, :, first]
        room = sizes - window
        offset = random_offsets(u[:, -2:], room)
        missed = ~both[samples, first]
        if missed.any():
            window[missed] = self._largest(sizes[missed])
            offset[missed] = (sizes[missed] - window[missed]) // 2
        return window, offset

    def _attempts(self, u: Floats, sizes: Ints) -> Floats:
        """The whole heights and widths (n, 2, attempts) of windows, whether they fit or not."""
        low, high = interval(self.scale, "scale")
        area = (low + (high - low) * u[:, 0::2]) * (sizes[:, :1] * sizes[:, 1:])
        first, last = (math.log(bound) for bound in interval(self.ratio, "ratio"))
        ratio = np.exp(first + (last - first) * u[:, 1::2])
        tries = np.empty((len(sizes), 2, _ATTEMPTS))
        tries[:, 0], tries[:, 1] = area / ratio, area * ratio
        rounded: Floats = np.rint(np.sqrt(tries))
        return rounded

    def _largest(self, sizes: Ints) -> Floats:
        low, high = interval(self.ratio, "ratio")
        ratio = np.clip(sizes[:, 1] / sizes[:, 0], low, high)
        height = np.minimum(sizes[:, 0], np.rint(sizes[:, 1] / ratio))
        width = np.minimum(sizes[:, 1], np.rint(sizes[:, 0] * ratio))
        largest: Floats = np.maximum(np.stack([height, width], axis=1), 1.0)
        return largest
