"""Crops at places that are named or given, rather than drawn from all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from augsynth.core.typing import Floats, Ints
from augsynth.errors import ArgumentError, shown
from augsynth.plan import LARGEST
from augsynth.plan.lowering import Geometry, ImageInfo, PerChannel, Sampling
from augsynth.transforms.contract import Draw, Transform
from augsynth.transforms.matrices import translation
from augsynth.transforms.params import bordered, flag, integer, size_pair
from augsynth.transforms.windows import drawn_fractions, equal_sizes, place_names, require_room


@dataclass(frozen=True)
class CropAt(Transform):
    """Cut out a window at a named place, at one of several, or at an exact box.

    At "center" it is `CenterCrop`. With `place="five"` and all keys, it gives the five crops of torchvision's
    `FiveCrop`, one a call. With a box, it is albumentations' `Crop`.

    Args:
        place: "center", "top_left", "top", "top_right", "left", "right", "bottom_left", "bottom" or "bottom_right";
            several of these names of which one is drawn, or "five" for the middle and the corners; or a box (x1, y1,
            x2, y2) of integers in pixels.
        size: (height, width) of the window in pixels, or one number for a square; None (the default) for a box.
        pad_if_needed: True shows the border where the window reaches beyond the image; False (the default) makes it an
            error.
        fill: the level of a constant border, in the image's units: a number, or one for each channel; 0 by default.
        border: the values outside the image: "constant" (the default), "replicate", "reflect", "reflect101" or "wrap".

    >>> import numpy as np
    >>> image = np.arange(12, dtype=np.uint8).reshape(3, 4)
    >>> CropAt("bottom_right", (1, 2))(image).tolist(), CropAt((1, 0, 3, 1))(image).tolist()
    ([[[10, 11]]], [[[1, 2]]])
    """

    place: str | Sequence[str] | Sequence[int]
    size: int | Sequence[int] | None = None
    pad_if_needed: bool = False
    fill: PerChannel = 0.0
    border: str = "constant"

    @property
    def draws(self) -> int:  # type: ignore[override]
        """One number if there are several places to draw from."""
        return 0 if self._box() else int(len(place_names(self.place, "place")) > 1)

    def check(self) -> None:
        if self._box() is None:
            place_names(self.place, "place")
            if self.size is None:
                raise ArgumentError(f"a crop at {shown(self.place)} needs a size")
            size_pair(self.size)
        elif self.size is not None:
            raise ArgumentError(f"a box has its own size: leave size out, got {shown(self.size)}")
        flag(self.pad_if_needed, "pad_if_needed")
        bordered(self.border, self.fill)

    def step(self, draw: Draw, images: ImageInfo) -> Geometry:
        size, offset = self._window(draw, images.sizes)
        if not self.pad_if_needed:
            self._require_inside(offset, size, images)
        declared = bordered(self.border, self.fill) if self.pad_if_needed else Sampling()
        inverse = translation(offset[:, 1], offset[:, 0])
        return Geometry(inverse, equal_sizes(*size, len(images)), declared, pads=self.pad_if_needed)

    def _window(self, draw: Draw, sizes: Ints) -> tuple[tuple[int, int], Floats]:
        """The size of the windows, and the (top, left) (n, 2) of each."""
        box = self._box()
        if box is not None:
            x1, y1, x2, y2 = box
            return (y2 - y1, x2 - x1), np.tile(np.array((y1, x1), np.float64), (len(sizes), 1))
        size = size_pair(self.size)
        room = sizes - size
        at = room * drawn_fractions(place_names(self.place, "place"), draw)
        # Odd remainders as in torchvision's crops from the middle.
        return size, np.where(room >= 0, np.rint(at), np.ceil(at))

    def _require_inside(self, offset: Floats, size: tuple[int, int], images: ImageInfo) -> None:
        require_room(np.minimum(offset, images.sizes - size - offset), size, images, "a crop")

    def _box(self) -> tuple[int, ...] | None:
        place = self.place
        if not isinstance(place, tuple) or not place or isinstance(place[0], str):
            return None
        if len(place) != 4:
            raise ArgumentError(f"place must be names of places or a box (x1, y1, x2, y2), got {shown(place)}")
        x1, y1, x2, y2 = (integer(value, f"place[{i}]", -LARGEST) for i, value in enumerate(place))
        if x1 >= x2 or y1 >= y2:
            raise ArgumentError(f"a box (x1, y1, x2, y2) has x1 < x2 and y1 < y2, got {shown(place)}")
        return x1, y1, x2, y2
