"""Masks, moved by the native core along with their image: the same positions, nearest sampling, nothing else.

Nearest sampling only moves values, so that a wide type is moved as lanes of 16 bits: the parts of an int64 go as the
four channels of a pixel.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from augsynth import _native
from augsynth.arrays import Array, to_numpy
from augsynth.errors import ArgumentError, ArgumentTypeError
from augsynth.layout import MAX_CHANNELS, DType, Interpolation
from augsynth.plan.inversion import filling
from augsynth.plan.passes import Pass, Rows, new_rows

DTYPES = ("bool", "uint8", "int16", "uint16", "int32", "int64", "float32", "float64")
_LANES = {np.dtype(np.uint8): DType.UINT8, np.dtype(np.uint16): DType.UINT16}
_GEOMETRY = ("inverse", "source_size", "output_size", "border")


@dataclass(frozen=True)
class Moving:
    """Masks (..., H, W) of one sample that are to be moved, and what they show outside."""

    values: Array
    fill: float


def read_masks(value: Any, size: tuple[int, int], what: str = "masks") -> Array:
    """Masks (..., H, W) of an image of `size` (H, W)."""
    masks = to_numpy(value, what)
    if masks.dtype.name not in DTYPES:
        raise ArgumentTypeError(f"{what} must be of dtype {', '.join(DTYPES)}, got {masks.dtype}")
    if masks.ndim < 2 or masks.shape[-2:] != size:
        raise ArgumentError(f"{what} must have shape (..., H, W) with (H, W) = {size}, its image's; got {masks.shape}")
    return masks.astype(masks.dtype.newbyteorder("="), copy=False)


@dataclass(frozen=True)
class _Picture:
    """Up to 16 channels (H, W, C) of the masks of a sample, as lanes; `fill` has one value a channel."""

    sample: int
    lanes: Array
    result: Array
    fill: Array


def move_masks(passes: Sequence[Pass], masks: Sequence[Sequence[Moving]]) -> list[list[Array]]:
    """The masks of each sample in the outputs of the passes, in their own dtypes: (..., H', W')."""
    sizes = passes[-1].rows["output_size"].tolist()
    results = [
        [np.empty((*one.values.shape[:-2], *size), one.values.dtype) for one in ofs]
        for ofs, size in zip(masks, sizes, strict=True)
    ]
    pictures: list[_Picture] = []
    for sample, (ofs, moved) in enumerate(zip(masks, results, strict=True)):
        for one, result in zip(ofs, moved, strict=True):
            pictures.extend(_pictures(sample, one, result))
    for kind in _LANES:
        _run(passes, [picture for picture in pictures if picture.lanes.dtype == kind])
    return results


def _pictures(sample: int, one: Moving, result: Array) -> Iterator[_Picture]:
    values, kind = one.values, one.values.dtype
    fill = np.atleast_1d(filling(one.fill, kind, "mask_fill"))
    planes, moved = values.reshape(-1, *values.shape[-2:]), result.reshape(-1, *result.shape[-2:])
    if kind.itemsize <= 2:
        lane = np.dtype(f"u{kind.itemsize}")
        planes, moved, fill = planes.view(lane), moved.view(lane), fill.view(lane)
        for first in range(0, len(planes), MAX_CHANNELS):
            some = slice(first, first + MAX_CHANNELS)
            lanes = planes[some].transpose(1, 2, 0)
            yield _Picture(sample, lanes, moved[some], np.repeat(fill, lanes.shape[2]))
        return
    for plane, out in zip(planes, moved, strict=True):
        yield _Picture(sample, _as_lanes(plane), _as_lanes(out).transpose(2, 0, 1), fill.view(np.uint16))


def _as_lanes(plane: Array) -> Array:
    """(H, W, lanes) over the memory of (H, W), which is copied only if its lines are not contiguous."""
    return np.ascontiguousarray(plane).view(np.uint16).reshape(*plane.shape, -1)


def _run(passes: Sequence[Pass], pictures: list[_Picture]) -> None:
    if not pictures:
        return
    samples = np.array([picture.sample for picture in pictures])
    images = [picture.lanes for picture in pictures]
    for one in passes[:-1]:
        rows = _rows(one.rows[samples], pictures)
        shapes = zip(rows["channels"].tolist(), rows["output_size"].tolist(), strict=True)
        between = [np.empty((channels, *size), pictures[0].lanes.dtype) for channels, size in shapes]
        _native.run(rows, images, between)
        images = [image.transpose(1, 2, 0) for image in between]
    _native.run(_rows(passes[-1].rows[samples], pictures), images, [picture.result for picture in pictures])


def _rows(image_rows: Rows, pictures: list[_Picture]) -> Rows:
    rows = new_rows(len(pictures))
    for name in _GEOMETRY:
        rows[name] = image_rows[name]
    rows["interpolation"] = Interpolation.NEAREST
    rows["source_dtype"] = rows["output_dtype"] = _LANES[pictures[0].lanes.dtype]
    for row, picture in zip(rows, pictures, strict=True):
        row["channels"] = picture.lanes.shape[2]
        row["fill"][: len(picture.fill)] = picture.fill
    return rows
