"""Crops that look at the objects of a target: at their boxes or their masks. Only the key and the target decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from augsynth.core.geometry import box_areas
from augsynth.core.typing import Floats, Ints, Mask
from augsynth.errors import ArgumentError, shown
from augsynth.plan.lowering import Geometry, ImageInfo
from augsynth.transforms.contract import Draw, Transform
from augsynth.transforms.matrices import matrix, translation
from augsynth.transforms.params import filtered, flag, integer, interval, number, numbers, size_pair
from augsynth.transforms.visibility import common, in_view
from augsynth.transforms.windows import equal_sizes, random_offsets, require_room

_ROUNDS = 8
_DRAWS_A_TRIAL = 4


@dataclass(frozen=True)
class RandomBoxSafeCrop(Transform):
    """Cut out a random window that holds the visible part of every box, and resize it if a size is given.

    Each side of the window is drawn uniformly between the edge of the image and the nearest box. Without boxes, the
    window holds a random pixel. It is albumentations' `BBoxSafeRandomCrop`, and with a size
    `RandomSizedBBoxSafeCrop`.

    Args:
        size: (height, width) of the output in pixels, or one number for a square; None (the default) for the window's.
        interpolation: "nearest", "bilinear" (the default) or "bicubic"; used with `size`.
        antialias: True (the default) widens the filter where the image becomes smaller.

    >>> import numpy as np
    >>> crop, target = RandomBoxSafeCrop(), {"boxes": [[4.0, 2.0, 9.0, 8.0]]}
    >>> boxes = [crop(np.zeros((12, 12), np.uint8), target, key=(0, 0, k))[1]["boxes"][0] for k in range(20)]
    >>> {(x2 - x1, y2 - y1) for x1, y1, x2, y2 in boxes}
    {(5.0, 6.0)}
    """

    size: int | Sequence[int] | None = None
    interpolation: str = "bilinear"
    antialias: bool = True
    draws: ClassVar[int] = 6

    def check(self) -> None:
        if self.size is not None:
            size_pair(self.size)
        flag(self.antialias, "antialias")
        filtered(self.interpolation, self.antialias)

    def step(self, draw: Draw, images: ImageInfo) -> Geometry:
        window, offset = self._windows(draw.u, images)
        if self.size is None:
            return Geometry(translation(offset[:, 1], offset[:, 0]), window.astype(np.int64))
        height, width = size_pair(self.size)
        inverse = matrix(window[:, 1] / width, 0.0, offset[:, 1], 0.0, window[:, 0] / height, offset[:, 0])
        declared = filtered(self.interpolation, self.antialias)
        return Geometry(inverse, equal_sizes(height, width, len(images)), declared)

    def _windows(self, u: Floats, images: ImageInfo) -> tuple[Floats, Floats]:
        """The (height, width) and the (top, left) of the window of each sample."""
        first = random_offsets(u[:, 4:], images.sizes - 1)
        last = first + 1.0
        for sample, boxes in enumerate(in_view(images)):
            if len(boxes):
                first[sample] = np.floor(boxes[:, 1::-1].min(axis=0))
                last[sample] = np.ceil(boxes[:, :1:-1].max(axis=0))
        low = random_offsets(u[:, :2], first)
        high = last + random_offsets(u[:, 2:4], images.sizes - last)
        return high - low, low


@dataclass(frozen=True)
class RandomIoUCrop(Transform):
    """Cut out a window that overlaps the boxes by a random intersection over union, as SSD does.

    Names, defaults and the rule are torchvision's `RandomIoUCrop` (Liu et al., "SSD: Single Shot MultiBox Detector",
    ECCV 2016): an overlap is drawn; up to `trials` windows are drawn until the centre of a box lies within and one of
    those boxes overlaps the window that much; else another overlap is drawn, here up to eight. If none is found, or an
    overlap of 1 or more is drawn, the image stays whole. So does an image without boxes.

    torchvision marks boxes whose centres lie outside the window. Here, `min_visibility` of `Compose` decides.

    Args:
        min_scale: the least share of the image's sides, above 0 and at most `max_scale`; 0.3 by default.
        max_scale: the largest share, at most 1; 1 by default.
        min_aspect_ratio: the least width divided by height, above 0; 0.5 by default.
        max_aspect_ratio: the largest width divided by height; 2 by default.
        sampler_options: the overlaps, at least 0; (0, 0.1, 0.3, 0.5, 0.7, 0.9, 1) by default.
        trials: the number of windows for each overlap, 1 to 1000; 40 by default.

    >>> import numpy as np
    >>> image, target = np.zeros((60, 80, 3), np.uint8), {"boxes": [[20.0, 10.0, 60.0, 50.0]]}
    >>> RandomIoUCrop(sampler_options=(0.5,))(image, target, key=(0, 0, 0))[0].shape != (3, 60, 80)
    True
    """

    min_scale: float = 0.3
    max_scale: float = 1.0
    min_aspect_ratio: float = 0.5
    max_aspect_ratio: float = 2.0
    sampler_options: Sequence[float] = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)
    trials: int = 40

    @property
    def draws(self) -> int:  # type: ignore[override]
        """One number for each overlap, and four for each window."""
        return _ROUNDS * (1 + self.trials * _DRAWS_A_TRIAL)

    def check(self) -> None:
        for name in ("min_scale", "max_scale", "min_aspect_ratio", "max_aspect_ratio"):
            if number(getattr(self, name), name, 0.0) == 0:
                raise ArgumentError(f"{name} must be greater than 0, got 0")
        interval((self.min_scale, self.max_scale), "(min_scale, max_scale)", 0.0, 1.0)
        interval((self.min_aspect_ratio, self.max_aspect_ratio), "(min_aspect_ratio, max_aspect_ratio)", 0.0)
        if not isinstance(self.sampler_options, tuple) or not self.sampler_options:
            raise ArgumentError(f"sampler_options must be overlaps, at least one, got {shown(self.sampler_options)}")
        numbers(self.sampler_options, "sampler_options", len(self.sampler_options), 0.0)
        integer(self.trials, "trials", 1, 1000)

    def step(self, draw: Draw, images: ImageInfo) -> Geometry:
        windows = np.concatenate([np.zeros_like(images.sizes), images.sizes[:, ::-1]], axis=1).astype(np.float64)
        for sample, boxes in enumerate(in_view(images)):
            if len(boxes):
                self._choose(draw.u[sample].reshape(_ROUNDS, -1), boxes, windows[sample])
        sizes = (windows[:, :1:-1] - windows[:, 1::-1]).astype(np.int64)
        return Geometry(translation(windows[:, 0], windows[:, 1]), sizes)

    def _choose(self, u: Floats, boxes: Floats, window: Floats) -> None:
        """Write the chosen window of one sample over `window` (4,), which is the whole image."""
        tried, possible = self._tries(u[:, 1:].reshape(_ROUNDS, self.trials, _DRAWS_A_TRIAL), window[2:])
        options = np.array(self.sampler_options)
        wanted = options[(u[:, 0] * len(options)).astype(np.int64)]
        fits = possible & (_largest_overlap(boxes, tried.reshape(-1, 4)).reshape(possible.shape) >= wanted[:, None])
        for overlap, fit, windows in zip(wanted, fits, tried, strict=True):
            if overlap >= 1.0:
                return
            if fit.any():
                window[:] = windows[fit.argmax()]
                return

    def _tries(self, u: Floats, extent: Floats) -> tuple[Floats, Mask]:
        """Windows (…, 4) in an image of `extent` (width, height), and a mask of those with possible proportions."""
        sides = np.floor(extent * (self.min_scale + (self.max_scale - self.min_scale) * u[..., :2]))
        with np.errstate(divide="ignore", invalid="ignore"):
            aspect = sides[..., 0] / sides[..., 1]
        corner = np.floor((extent - sides) * u[..., 2:])
        possible: Mask = (
            (aspect >= self.min_aspect_ratio) & (aspect <= self.max_aspect_ratio) & (sides > 0).all(axis=-1)
        )
        return np.concatenate([corner, corner + sides], axis=-1), possible


def _largest_overlap(boxes: Floats, windows: Floats) -> Floats:
    """The largest intersection over union (m,) of a window and a box with its centre within; below 0 without one."""
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    within = ((centres > windows[:, None, :2]) & (centres < windows[:, None, 2:])).all(axis=-1)
    shared = common(boxes, windows)
    union = box_areas(boxes) + box_areas(windows)[:, None] - shared
    overlap: Floats = np.where(within, shared / union, -1.0).max(axis=1)
    return overlap


@dataclass(frozen=True)
class CropNonEmptyMask(Transform):
    """Cut out a window at a random position that shows a pixel of the masks which is not empty, if there is one.

    One of up to 256 such pixels, spread evenly over the masks, is drawn, and then the window uniformly among those that
    show it. Without masks, or where they are empty, the window is that of `RandomCrop`. albumentations'
    `CropNonEmptyMaskIfExists`, whose `ignore_values` name the classes that `values` leaves out.

    Args:
        size: (height, width) of the window in pixels, or one number for a square.
        values: the values of masks that count; None (the default) for all except 0.

    >>> import numpy as np
    >>> mask = np.zeros((40, 40), np.uint8)
    >>> mask[30, 3] = 1
    >>> crop = CropNonEmptyMask(8)
    >>> all(crop(mask, {"masks": mask}, key=(0, 0, k))[1]["masks"].any() for k in range(20))
    True
    """

    size: int | Sequence[int]
    values: Sequence[int] | None = None
    draws: ClassVar[int] = 3

    def check(self) -> None:
        size_pair(self.size)
        if self.values is not None:
            if not isinstance(self.values, tuple) or not self.values:
                raise ArgumentError(f"values must be values of masks, at least one, got {shown(self.values)}")
            numbers(self.values, "values", len(self.values))

    def step(self, draw: Draw, images: ImageInfo) -> Geometry:
        size = size_pair(self.size)
        room = images.sizes - size
        require_room(room, size, images, "a crop")
        low, high = np.zeros((len(images), 2)), room.astype(np.float64)
        for sample, pixels in enumerate(images.mask_pixels(self.values) or ()):
            shown_here = _inside(pixels, images.sizes[sample])
            if len(shown_here):
                pixel = shown_here[int(draw.u[sample, 2] * len(shown_here))]
                low[sample] = np.maximum(low[sample], pixel + 1 - size)
                high[sample] = np.minimum(high[sample], pixel)
        corner = low + random_offsets(draw.u[:, :2], high - low)
        return Geometry(translation(corner[:, 1], corner[:, 0]), equal_sizes(*size, len(images)))


def _inside(pixels: Floats, size: Ints) -> Floats:
    """The (row, column) of the pixels of the frame at the centres of boxes (k, 4)."""
    places: Floats = np.floor((pixels[:, 1::-1] + pixels[:, :1:-1]) / 2)
    return places[((places >= 0) & (places < size)).all(axis=1)]  # NaN is not there
