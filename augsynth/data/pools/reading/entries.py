"""Entries of a source of images: an image that is not decoded yet, its label and its target."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from augsynth.core.files import open_file
from augsynth.core.typing import Array
from augsynth.data.loading.pillow import as_array, as_plain, check_pixels, open_upright
from augsynth.errors import DataError, error_text

_TURNED = (5, 6, 7, 8)
_ORIENTATION = 274


@dataclass(frozen=True)
class Entry:
    """An image of a source.

    Args:
        name: name for messages.
        image: path of an image file, its bytes, or pixels uint8 (H, W, C).
        label: its class, or None.
        target: function that returns its target, or None.
    """

    name: str
    image: Path | bytes | Array
    label: int | None = None
    target: Callable[[], Mapping[str, Any]] | None = None


class Reader(Protocol):
    """Source of images, of which any run can be read."""

    format: str
    labelled: bool
    class_names: tuple[str, ...] | None

    def __len__(self) -> int: ...

    def digest(self) -> str:
        """Return a SHA-256 that tells this source from others, without reading all of it."""

    def entries(self, first: int, count: int) -> Iterator[Entry]:
        """Return `count` entries from number `first` on."""


def digest_of(parts: Iterable[Any]) -> str:
    """Return the SHA-256 of the texts of values.

    >>> digest_of(["a.png", 12])[:8]
    '6bdaa227'
    """
    digest = hashlib.sha256()
    for part in parts:
        digest.update(f"{part}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def look_at(entry: Entry) -> tuple[str, tuple[int, int]]:
    """Return the mode and the size (H, W) of an image, without decoding it: "L", "RGB", "RGBA" or a number of channels.

    Args:
        entry: the image.
    """
    if isinstance(entry.image, np.ndarray):
        height, width, channels = entry.image.shape
        return str(channels), (height, width)
    from PIL import Image

    try:
        with _stream(entry.image) as stream, Image.open(stream) as image:
            width, height = image.size
            turned = image.getexif().get(_ORIENTATION) in _TURNED
            mode = "L" if image.mode in ("1", "L") else "RGBA" if image.mode == "RGBA" else "RGB"
    except Exception as error:  # a damaged file makes Pillow's readers raise nearly anything
        raise DataError(f"cannot read {entry.name}: {error_text(error)}") from error
    check_pixels(height, width, entry.name)
    return mode, (width, height) if turned else (height, width)


def pixels_of(entry: Entry, mode: str) -> Array:
    """Return the decoded image, uint8 (H, W, C).

    Args:
        entry: the image.
        mode: "L", "RGB" or "RGBA"; images that are arrays keep their channels.
    """
    if isinstance(entry.image, np.ndarray):
        return entry.image
    image = open_upright(entry.image if isinstance(entry.image, Path) else io.BytesIO(entry.image), entry.name)
    return as_array(image.convert("RGBA") if mode == "RGBA" else as_plain(image).convert(mode))


def mask_of(data: bytes, boolean: bool, name: str) -> Array:
    """Return the mask (H, W) that an image file holds.

    Args:
        data: the file.
        boolean: the mask of an object, where every level but 0 belongs to it; else levels are classes.
        name: its name in messages.
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as image:
            levels = np.asarray(image)
    except Exception as error:
        raise DataError(f"cannot decode the masks of {name}: {error_text(error)}") from error
    if levels.ndim != 2:
        raise DataError(f"the masks of {name} must be grey images, got {levels.shape}")
    mask: Array = levels > 0 if boolean else levels if levels.dtype == np.uint8 else levels.astype(np.int64)
    return mask


def _stream(image: Path | bytes | Array) -> Any:
    return open_file(image) if isinstance(image, Path) else io.BytesIO(image)  # type: ignore[arg-type]
