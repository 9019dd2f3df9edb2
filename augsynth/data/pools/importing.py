"""Requests for pools of images that another program wrote."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from augsynth.core.checks import check_choice, check_integer
from augsynth.core.typing import Array
from augsynth.data.pools.entries import Part
from augsynth.data.pools.reading.entries import Entry, Reader, look_at, pixels_of
from augsynth.errors import ArgumentError, ArgumentTypeError, DataError, shown
from augsynth.generators import Samples
from augsynth.generators.targets import Target, check_target
from augsynth.progress import progress_bar
from augsynth.transforms import CenterCrop, Compose, Resize

MODES = ("L", "RGB", "RGBA")
_LOOKED_AT = 1024
_LARGEST_SIDE = 2**14
_NAMED_SIZES = 5

Size = int | Sequence[int] | None


class ImportRequest:
    """Request for all images of a source, of one size and one mode.

    Args:
        reader: the source.
        name: name of the source, for the manifest and messages.
        size: height and width to which every image is resized and cropped; None if all have one size.
        mode: "L", "RGB" or "RGBA"; None for "L" if all images are grey, else "RGB".
        class_names: names of the classes; None for those of the source.
        progress: show a progress bar while sizes are compared.

    Raises `DataError` for images of several sizes, if `size` is None.
    """

    def __init__(
        self, reader: Reader, name: str, size: Size, mode: str | None, class_names: Sequence[str] | None, progress: bool
    ) -> None:
        self.source = f"the source {name!r}"
        self.n = len(reader)
        if not self.n:
            raise DataError(f"there are no images in {name}")
        self.labelled = reader.labelled
        self.class_names = reader.class_names if class_names is None else _checked_names(class_names)
        self._reader, self._name = reader, name
        self._size = _checked_size(size)
        if mode is not None:
            check_choice("mode", mode, MODES)
        channels, found = _looked_through(reader, mode, self._size, name, progress)
        self._mode = {1: "L", 4: "RGBA"}.get(channels, "RGB")
        self.image_shape = (channels, *(self._size or found))

    def part(self, first: int, start: int) -> Part:
        """Return the provenance of items from number `first` on, which start with image number `start`."""
        size = list(self._size) if self._size else None
        source: dict[str, Any] = {"name": "import", "format": self._reader.format, "source": self._name}
        source |= {"images": self.n, "sha256": self._reader.digest(), "size": size, "mode": self._mode}
        return Part(source, 0, "given" if self.labelled else "none", first, start)

    def samples(self, done: int, count: int, start: int) -> Samples:
        """Return `count` images after the first `done` ones, of the images from number `start` on."""
        images = np.empty((count, *self.image_shape), np.uint8)
        labels: list[int] = []
        targets: list[Target] = []
        for row, entry in zip(images, self._reader.entries(start + done, count), strict=True):
            pixels, target = pixels_of(entry, self._mode), None
            if entry.target is not None:
                size = pixels.shape[0], pixels.shape[1]
                target = check_target(entry.target(), size, f"the target of {entry.name}", DataError)
            if self._size is not None and pixels.shape[:2] != self._size:
                pixels, target = _fitted(pixels, target, self._size)
            if pixels.transpose(2, 0, 1).shape != self.image_shape:
                raise DataError(f"{entry.name} has changed: it is {pixels.shape}, expected {self.image_shape}")
            row[...] = pixels.transpose(2, 0, 1)
            labels.append(self._label(entry))
            targets += [] if target is None else [target]
        classes = torch.tensor(labels, dtype=torch.int64) if self.labelled else None
        return Samples(torch.from_numpy(images), classes, targets or None)

    def _label(self, entry: Entry) -> int:
        if entry.label is None:
            return 0  # not used: the source has no labels
        label = check_integer(f"the label of {entry.name}", entry.label, 0, error=DataError)
        if self.class_names is not None and label >= len(self.class_names):
            raise DataError(f"the label of {entry.name} is {label}, and there are {len(self.class_names)} class names")
        return label


def _looked_through(
    reader: Reader, mode: str | None, size: tuple[int, int] | None, name: str, progress: bool
) -> tuple[int, tuple[int, int]]:
    """Return the number of channels and the size (H, W) of all images, after looking at each of them."""
    modes: Counter[str] = Counter()
    sizes: Counter[tuple[int, int]] = Counter()
    with progress_bar("looking at images", len(reader), progress and len(reader) > _LOOKED_AT) as advance:
        for entry in reader.entries(0, len(reader)):
            found, shape = look_at(entry)
            modes[found] += 1
            sizes[shape] += 1
            advance()
    if size is None and len(sizes) > 1:
        counted = ", ".join(f"{n} of {height}x{width}" for (height, width), n in sizes.most_common(_NAMED_SIZES))
        more = f" and {len(sizes) - _NAMED_SIZES} sizes more" if len(sizes) > _NAMED_SIZES else ""
        raise DataError(
            f"the images of {name} have several sizes (height x width): {counted}{more}; choose one with size=32 or "
            "size=(48, 64), or --size on the command line, to which they are resized"
        )
    if next(iter(modes)).isdigit():  # arrays, which have one shape
        return int(next(iter(modes))), next(iter(sizes))
    chosen = mode or ("L" if set(modes) == {"L"} else "RGB")
    return {"L": 1, "RGB": 3, "RGBA": 4}[chosen], next(iter(sizes))


def _fitted(pixels: Array, target: Any, size: tuple[int, int]) -> tuple[Array, Any]:
    """Return an image and its target resized, so that it covers the size, and cropped at the centre."""
    result = _fitting((pixels.shape[0], pixels.shape[1]), size)(pixels, target)
    image, moved = result if target is not None else (result, None)
    return image.numpy().transpose(1, 2, 0), moved


@lru_cache(64)
def _fitting(given: tuple[int, int], size: tuple[int, int]) -> Compose:
    scale = max(wanted / side for wanted, side in zip(size, given, strict=True))
    covering = [max(wanted, round(side * scale)) for wanted, side in zip(size, given, strict=True)]
    return Compose([Resize(covering, antialias=True), CenterCrop(size)])


def _checked_size(size: Size) -> tuple[int, int] | None:
    if size is None:
        return None
    sides = list(size) if isinstance(size, (tuple, list)) else [size, size]
    if len(sides) != 2:
        raise ArgumentError(f"size must be a number, or (height, width), got {shown(size)}")
    height, width = (check_integer("size", side, 1, _LARGEST_SIDE) for side in sides)
    return height, width


def _checked_names(names: Any) -> tuple[str, ...]:
    if isinstance(names, str) or not all(isinstance(name, str) for name in names):
        raise ArgumentTypeError(f"class_names must be texts, got {shown(names)}")
    return tuple(names)
