"""Image files that are read but not decoded, so that only the needed part of them is decoded."""

from __future__ import annotations

import io
from math import prod
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from augsynth.core.files import open_file
from augsynth.core.names import printable
from augsynth.data.loading.jpeg import FACTORS, decode_lines, read_header
from augsynth.data.loading.pillow import as_array, as_plain, check_pixels, open_upright, stored_orientation
from augsynth.errors import ArgumentError, ArgumentTypeError, DataError, shown

Mode = Literal["RGB", "L"]

# For each Exif orientation: the step through the stored lines, the step through the columns, and a transposition.
_TURNS = {
    1: (1, 1, False),
    2: (1, -1, False),
    3: (-1, -1, False),
    4: (-1, 1, False),
    5: (1, 1, True),
    6: (-1, 1, True),
    7: (-1, -1, True),
    8: (1, -1, True),
}


def check_mode(mode: Mode) -> Mode:
    """Return the mode; `ArgumentError` for everything but "RGB" and "L"."""
    if mode not in ("RGB", "L"):
        raise ArgumentError(f"mode must be 'RGB' or 'L', got {mode!r}")
    return mode


class EncodedImage:
    """Encoded image, whose picture is upright (by its Exif orientation) and 8-bit RGB or grey.

    `shape` is (H, W, C), known without decoding. Every augsynth function that takes an image takes this one, and
    decodes it whole; `DecodingTransform` decodes less. simplejpeg decodes JPEG files of grey or colour; Pillow decodes
    all others.

    Args:
        data: bytes of an image file.
        name: name of the file in messages; default "the image".
        mode: "RGB" or "L" (grey, one channel), to which every file is converted; default "RGB".

    >>> from PIL import Image
    >>> file = io.BytesIO()
    >>> Image.new("RGB", (6, 4), "white").save(file, "jpeg")
    >>> EncodedImage(file.getvalue(), "white.jpg").shape
    (4, 6, 3)
    """

    def __init__(self, data: bytes, name: str = "the image", mode: Mode = "RGB") -> None:
        check_mode(mode)
        if not isinstance(data, bytes):
            raise ArgumentTypeError(
                f"data must be the bytes of a file, got {shown(data)}; EncodedImage.read takes a path"
            )
        self.data = data
        self.name = name
        self.mode = mode
        self._jpeg = read_header(data)
        if self._jpeg is None:
            size = open_upright(io.BytesIO(data), name).size[::-1]
        else:
            size = self._jpeg.size[::-1] if _TURNS[self._jpeg.orientation][2] else self._jpeg.size
        self.shape = (*size, len(mode) if mode == "RGB" else 1)
        check_pixels(*size, name)

    @classmethod
    def read(cls, path: str | Path, mode: Mode = "RGB") -> EncodedImage:
        """Return the image in a file.

        Args:
            path: path of the file.
            mode: "RGB" or "L"; default "RGB".
        """
        try:
            with open_file(path) as stream:
                return cls(stream.read(), printable(path), mode)
        except OSError as error:
            raise DataError(f"cannot read {printable(path)}: {error.strerror or error}") from error

    @property
    def divisible(self) -> bool:
        """True if a part of the lines, or a smaller picture, can be decoded: for JPEG files that are stored upright."""
        return self._jpeg is not None and self._jpeg.orientation == 1

    @property
    def orientation(self) -> int:
        """Exif orientation of the stored pixels, 1 to 8; 1 is upright."""
        return stored_orientation(self.data) if self._jpeg is None else self._jpeg.orientation

    def require_upright(self, what: str) -> None:
        """Raise `DataError` if Exif turns the image, because nobody knows whether its targets turn with it.

        Args:
            what: words for the targets, "its boxes" for example.
        """
        if self.orientation != 1:
            raise DataError(
                f"the Exif orientation of {self.name} is {self.orientation}, and nobody can tell whether {what} turn "
                "with it: save the image as it is meant, without the tag"
            )

    def decode(
        self, *, lines: int | None = None, factor: int = 1, into: NDArray[np.uint8] | None = None
    ) -> NDArray[np.uint8]:
        """Return the pixels, uint8 (H, W, C); raise `DataError` for a damaged file.

        Args:
            lines: number of lines of the full size that are needed; the others may have any values. Default all.
            factor: 1, 2, 4 or 8: the sides are divided by it and rounded up. Above 1, the image must be `divisible`.
                Default 1.
            into: one-dimensional memory of at least H·W·C bytes for the pixels, used if possible; default new memory.
        """
        if factor not in FACTORS:
            raise ArgumentError(f"factor must be 1, 2, 4 or 8, got {factor!r}")
        if factor > 1 and not self.divisible:
            raise DataError(f"{self.name} cannot be decoded at 1/{factor} of its size: it is no JPEG stored upright")
        if self._jpeg is None:
            plain = as_plain(open_upright(io.BytesIO(self.data), self.name))
            return as_array(plain.convert(self.mode))
        memory = np.empty(prod(self.shape), np.uint8) if into is None else into
        wanted = self._jpeg.size[0] if lines is None or not self.divisible else lines
        try:
            stored = decode_lines(self.data, self._jpeg, self.mode, wanted, factor, memory)
        except ValueError as error:
            raise DataError(f"cannot decode {self.name}: {error}") from error
        down, right, turned = _TURNS[self._jpeg.orientation]
        picture = stored[::down, ::right]
        return picture.transpose(1, 0, 2) if turned else picture

    # The part of PIL's interface that augsynth's transforms use.

    def getbands(self) -> tuple[str, ...]:
        """Return the names of the channels."""
        return tuple(self.mode)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self.decode(), dtype)
