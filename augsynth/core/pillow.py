"""PIL images as arrays: the modes that are read directly, and advice on how to convert the others."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import numpy.typing as npt

from augsynth.errors import ArgumentError, ArgumentTypeError, AugsynthError, DataError

MODES = ("L", "LA", "RGB", "RGBA", "I;16", "I;16L", "I;16B", "I;16N", "F")

_AS_THEY_ARE = "or pass np.asarray(image) to have its channels taken as they are"
_NO_RGB = f"its channels are not red, green and blue: call .convert('RGB'), {_AS_THEY_ARE}"
_ADVICE = {
    "1": "call .convert('L') for the values 0 and 255",
    "P": "its values are places in a palette: call .convert('RGB') for the colours, .convert('RGBA') with transparency",
    "PA": "its values are places in a palette: call .convert('RGBA') for the colours",
    "La": "its values are multiplied by alpha: call .convert('LA')",
    "RGBa": "its values are multiplied by alpha: call .convert('RGBA')",
    "RGBX": "its fourth channel means nothing: call .convert('RGB')",
    "CMYK": _NO_RGB,
    "YCbCr": _NO_RGB,
    "HSV": _NO_RGB,
    "LAB": f"its channels are not red, green and blue: convert it with PIL.ImageCms, {_AS_THEY_ARE}",
    "I": "RGB would cut its 32-bit integers off: pass np.asarray(image).astype(np.uint16) if they are within 0 to "
    "65535, else np.asarray(image).astype(np.float32), which holds integers up to 2**24 exactly",
}
_ORIENTATION_TAG = 0x0112


def is_pil(value: Any) -> bool:
    """Return whether a value is a PIL image, without importing Pillow."""
    return hasattr(value, "getbands")


def pil_array(image: Any, what: str) -> npt.NDArray[Any]:
    """Return the pixels of a PIL image, (H, W) or (H, W, C).

    A mode whose values have another meaning than operations on images assume is refused. An image with an Exif
    orientation is refused, too: only the caller knows whether boxes and masks belong to the stored pixels or to the
    upright picture.

    Args:
        image: PIL image.
        what: the image's name in messages.
    """
    if image.mode not in MODES:
        advice = _ADVICE.get(image.mode, "convert it to one of them")
        raise ArgumentTypeError(
            f"{what} is a PIL image of mode {image.mode!r}, expected one of {', '.join(MODES)}: {advice}"
        )
    return stored_pixels(image, what)


def stored_pixels(image: Any, what: str) -> npt.NDArray[Any]:
    """Return the values of a PIL image of any mode; `ArgumentError` for an image with an Exif orientation.

    Args:
        image: PIL image.
        what: the image's name in messages.
    """
    array = _decoded(image, what)  # first: Pillow turns some files as it reads them, and then says so
    orientation = exif_orientation(image)
    if orientation != 1:
        raise ArgumentError(
            f"{what} is a PIL image whose Exif orientation is {orientation}: its pixels are stored turned or mirrored. "
            "Pass PIL.ImageOps.exif_transpose(image) to have it upright, or np.asarray(image) to have the pixels as "
            "they are stored, if that is what its boxes and masks were drawn on"
        )
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def _decoded(image: Any, what: str) -> npt.NDArray[Any]:
    try:
        return np.asarray(image)
    except (OSError, ValueError, SyntaxError, struct.error) as error:
        if isinstance(error, AugsynthError):
            raise
        raise DataError(f"cannot decode {what}: {error}") from error


def exif_orientation(image: Any) -> int:
    """Return 1 to 8; 1 is upright, and stands also for orientations that are absent or unknown.

    Args:
        image: PIL image.
    """
    if not hasattr(image, "getexif"):  # what only looks like a PIL image
        return 1
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    except (SyntaxError, ValueError, OSError, struct.error):  # a damaged note about the picture
        return 1
    return value if value in range(1, 9) else 1
