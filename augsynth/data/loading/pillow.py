"""Image files read with Pillow: any format that it reads, upright, as 8-bit grey or RGB."""

from __future__ import annotations

import io
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from augsynth.core.files import open_file
from augsynth.core.pillow import exif_orientation
from augsynth.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

GREY_MODES = ("1", "L")
COLOUR_MODES = ("LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "LAB")


def open_upright(file: str | Path | IO[bytes], name: str) -> Image:
    """Return the decoded picture, turned by its Exif orientation; raise `DataError` with `name` if this fails."""
    pillow = require_pillow()
    from PIL import ImageOps

    try:
        stream = open_file(file) if isinstance(file, (str, Path)) else file
        with stream, pillow.open(stream) as opened:
            image = ImageOps.exif_transpose(opened)
            image.load()
    except Exception as error:  # a damaged file makes Pillow's readers raise nearly anything
        raise DataError(f"cannot decode {name}: {error}") from error
    if image.mode not in (*GREY_MODES, *COLOUR_MODES):
        raise DataError(f"{name} has {image.mode!r} pixels; save it as 8-bit grey or RGB")
    return image


def stored_orientation(data: bytes) -> int:
    """Return the Exif orientation of an encoded image, 1 to 8; 1 is upright."""
    with require_pillow().open(io.BytesIO(data)) as opened:
        return exif_orientation(opened)


def read_numbers(path: str, name: str) -> NDArray[Any]:
    """Return the numbers of a mask (H, W), uint8, uint16 or int32: grey levels, or places in a palette.

    Args:
        path: path of the file.
        name: its name in messages.

    Raises `DataError` for a damaged file, and for one that holds colours.
    """
    try:
        with open_file(path) as stream, require_pillow().open(stream) as image:
            numbers = np.array(image)
            mode, orientation = image.mode, exif_orientation(image)
    except Exception as error:  # a damaged file makes Pillow's readers raise nearly anything
        raise DataError(f"cannot decode {name}: {error}") from error
    if numbers.ndim != 2 or numbers.dtype.kind not in "uib" or orientation != 1:
        raise DataError(f"{name} has {mode!r} pixels; save the mask as numbers, 8-bit or 16-bit grey or a palette")
    return numbers.astype(np.uint8) if numbers.dtype == bool else numbers.astype(numbers.dtype.newbyteorder("="))


def check_pixels(height: int, width: int, name: str) -> None:
    """Raise `DataError` for a picture of more pixels than Pillow decodes: a file of a few bytes may claim billions."""
    allowed = require_pillow().MAX_IMAGE_PIXELS
    if allowed is not None and height * width > 2 * allowed:
        raise DataError(
            f"{name} says that it has {height}x{width} pixels, more than {2 * allowed}: set "
            "PIL.Image.MAX_IMAGE_PIXELS if you trust it"
        )


def as_plain(image: Image) -> Image:
    """Return the picture as 8-bit grey or RGB, with transparent pixels on white."""
    from PIL import Image

    if image.mode in ("RGB", "L"):
        return image
    if image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    return image.convert("L" if image.mode in GREY_MODES else "RGB")


def as_array(image: Image) -> NDArray[np.uint8]:
    """Return the pixels (H, W, C) of an 8-bit grey or RGB picture."""
    array: NDArray[Any] = np.asarray(image, np.uint8)
    return array[..., None] if array.ndim == 2 else array


def require_pillow() -> Any:
    """Return the module PIL.Image; raise `DataError` if Pillow is not installed."""
    try:
        from PIL import Image
    except ImportError as error:
        raise DataError('reading image files needs Pillow: pip install "augsynth[decode]"') from error
    return Image
