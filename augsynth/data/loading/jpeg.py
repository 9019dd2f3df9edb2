"""Headers of JPEG files, and decoding of the lines that are needed, with simplejpeg (libjpeg-turbo).

A JPEG file is one stream of codes of different lengths. The lines before the last needed one cannot be skipped. The
lines after it can: the decoder gets a smaller height, so it stops there.
"""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

from augsynth.core.typing import Bytes
from augsynth.errors import DataError

FACTORS = (1, 2, 4, 8)
_EXTRA_BYTES = "extraneous bytes before marker"

_ORIENTATION_TAG = 0x0112
_BASELINE, _EXTENDED, _PROGRESSIVE = 0xC0, 0xC1, 0xC2
_APP1, _SCAN, _END, _FILL, _NONE = 0xE1, 0xDA, 0xD9, 0xFF, 0x00
_FRAMES = frozenset((_BASELINE, _EXTENDED, _PROGRESSIVE))
# Frames that are not supported, and markers without a frame; decoders ignore a marker of 0 and read on.
_UNREADABLE = frozenset((0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF, _END, _NONE))
_STANDALONE = frozenset((0x01, *range(0xD0, 0xD9)))
_SHORTEST = {_SCAN: 8, **dict.fromkeys(_FRAMES, 11)}
_SEGMENT = struct.Struct(">BBH")
_FRAME = struct.Struct(">HBHHB")


class JpegHeader(NamedTuple):
    """Facts about a file that come before its first scan.

    * `size`: stored (height, width), before the orientation is applied.
    * `orientation`: 1 to 8, as in Exif.
    * `frame`: offset of the marker of the frame.
    * `band`: number of lines in a row of coding units.
    * `context`: number of lines below a row that its colours need.
    * `single`: whether the file has one sequential scan.
    """

    size: tuple[int, int]
    orientation: int
    frame: int
    band: int
    context: int
    single: bool


def read_header(data: bytes) -> JpegHeader | None:
    """Return the header of a JPEG file of 8-bit grey or colour; None for all other files (CMYK, 12 bits, no JPEG)."""
    if data[:2] != b"\xff\xd8":
        return None
    orientation, frame, position = 1, 0, 2
    while position + 4 <= len(data):
        start, marker, length = _SEGMENT.unpack_from(data, position)
        if start != _FILL:
            return None
        if marker == _FILL or marker in _STANDALONE:
            position += 1 if marker == _FILL else 2
            continue
        end = position + 2 + length
        if end > len(data) or length < _SHORTEST.get(marker, 2) or marker in _UNREADABLE:
            return None
        if marker == _SCAN:
            return _header(data, frame, data[position + 4], orientation) if frame else None
        if marker in _FRAMES:
            frame = position
        elif marker == _APP1 and data[position + 4 : position + 10] == b"Exif\0\0":
            orientation = _orientation(data[position + 4 : end])
        position = end
    return None


def decode_lines(data: bytes, header: JpegHeader, mode: str, lines: int, factor: int, into: Bytes) -> Bytes:
    """Return the stored picture (H, W, C); raise `ValueError` for a damaged file.

    The inverse cosine transform of 8x8 blocks gives blocks of 8/`factor` pixels, so H and W are those of the file
    divided by `factor`, rounded up. Decoded lines are the same to the bit for every value of `lines`.

    Args:
        data: bytes of the file.
        header: result of `read_header`.
        mode: "RGB" or "L".
        lines: number of lines of the file that are needed.
        factor: 1, 2, 4 or 8.
        into: memory of enough bytes, which keeps its content where lines are not decoded.
    """
    height, width = (-(-length // factor) for length in header.size)
    kept = -(-lines // header.band) * header.band + header.context
    source: bytes | bytearray = data
    smaller = {"min_height": height, "min_width": width} if factor > 1 else {}
    if header.single and kept < header.size[0]:
        source = _with_height(data, header, kept)
        smaller = smaller and {**smaller, "min_height": -(-kept // factor)}
    try:
        require_simplejpeg().decode_jpeg(source, "RGB" if mode == "RGB" else "GRAY", buffer=into, **smaller)
    except ValueError as error:
        # The decoder reports one defect. Bytes after the last line are no defect: here they are intended. There are
        # none before the first line, because `read_header` would have failed; the decoder would stop there.
        if _EXTRA_BYTES not in str(error):
            raise
    return into[: height * width * len(mode)].reshape(height, width, len(mode))


def _header(data: bytes, frame: int, scanned: int, orientation: int) -> JpegHeader | None:
    length, bits, height, width, components = _FRAME.unpack_from(data, frame + 2)
    if bits != 8 or components not in (1, 3) or length < 8 + 3 * components or not height or not width:
        return None
    units = [data[frame + 11 + 3 * number] & 15 for number in range(components)]
    band = 8 * max(1, *units) if components > 1 else 8
    context = band if min(units) < max(units) else 0
    single = data[frame + 1] != _PROGRESSIVE and scanned == components
    return JpegHeader((height, width), orientation, frame, band, context, single)


def _orientation(exif: bytes) -> int:
    from PIL import Image

    tags = Image.Exif()
    try:
        tags.load(exif)
        value = tags.get(_ORIENTATION_TAG, 1)
    except (SyntaxError, ValueError, OSError):  # damaged metadata do not damage the picture
        return 1
    return value if value in range(1, 9) else 1


def _with_height(data: bytes, header: JpegHeader, height: int) -> bytearray:
    copy = bytearray(data)
    copy[header.frame + 5 : header.frame + 7] = height.to_bytes(2, "big")
    return copy


def require_simplejpeg() -> Any:
    """Return the module simplejpeg; raise `DataError` if it is not installed."""
    try:
        import simplejpeg
    except ImportError as error:
        raise DataError('decoding JPEG files in parts needs simplejpeg: pip install "augsynth[decode]"') from error
    return simplejpeg
