"""Masks, moved by the native core along with their image: the same positions, with nearest sampling.

Nearest sampling only moves values. So a wide type is moved as parts of 16 bits: the four parts of an int64 are the four
channels of a pixel. A tensor on a device is moved on that device.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from augsynth._native.layout import MAX_CHANNELS, DType, Interpolation, Tables
from augsynth.core.arrays import is_list_of_arrays, readable, to_numpy
from augsynth.core.pillow import is_pil, stored_pixels
from augsynth.core.typing import Array
from augsynth.engine import executor_for, run
from augsynth.errors import ArgumentError, ArgumentTypeError
from augsynth.plan import Pass, Plan, Rows, new_rows
from augsynth.plan.inversion import filling

_INTEGERS = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
DTYPES = ("bool", *_INTEGERS, "float16", "float32", "float64")
PIL_MODES = ("1", "L", "P", "I;16", "I;16B", "I", "F")
_WIDER = {"bfloat16": "float32"}
_LANES = {1: DType.UINT8, 2: DType.UINT16}  # by their bytes
_TORCH_LANES = {1: torch.uint8, 2: torch.uint16}
_GEOMETRY = ("inverse", "source_size", "output_size", "border", "displacement")


@dataclass(frozen=True)
class Moving:
    """Masks of one sample to be moved.

    Args:
        values: masks (..., H, W): a NumPy array, or a tensor that is moved on its device.
        fill: value that they show outside the image.
    """

    values: Any
    fill: float


def read_masks(value: Any, size: tuple[int, int], what: str = "masks") -> Any:
    """Return masks (..., H, W) as a NumPy array, or as a tensor of a device.

    Args:
        value: masks in any form.
        size: (H, W) of their image.
        what: their name in messages.
    """
    stays = isinstance(value, torch.Tensor) and value.device.type == "cuda" and value.layout == torch.strided
    masks = readable(value, what) if stays else _as_array(value, what)
    if masks.ndim and len(masks) == 0:
        masks = _empty((0, *masks.shape[1:-2], *size), masks)
    given = value if isinstance(value, torch.Tensor) else masks  # NumPy has no bfloat16: reading it makes it float32
    if _kind(given).name not in DTYPES:
        wider = _WIDER.get(str(given.dtype).removeprefix("torch."), "one of them")
        raise ArgumentTypeError(f"{what} must be of dtype {', '.join(DTYPES)}, got {given.dtype}: convert to {wider}")
    if masks.ndim < 2 or tuple(masks.shape[-2:]) != size:
        raise ArgumentError(
            f"{what} must have shape (..., H, W) with (H, W) = {size}, its image's; got {tuple(masks.shape)}"
        )
    return masks


def _as_array(value: Any, what: str) -> Array:
    if is_pil(value):
        return _from_pil(value, what)
    if not is_list_of_arrays(value):
        return to_numpy(value, what)
    arrays = [_from_pil(mask, what) if is_pil(mask) else to_numpy(mask, what) for mask in value]
    if len({(array.shape, array.dtype) for array in arrays}) > 1:
        kinds = " and ".join(sorted({f"{array.dtype} {array.shape}" for array in arrays}))
        raise ArgumentError(f"{what} in a list must have one dtype and one shape, got {kinds}")
    return np.stack(arrays)


def _from_pil(image: Any, what: str) -> Array:
    """Return the values of a PIL image; for a palette, the numbers of its colours."""
    if getattr(image, "mode", None) not in PIL_MODES:
        raise ArgumentTypeError(
            f"{what} from PIL must hold one value a pixel, as the modes {', '.join(PIL_MODES)} do; got the mode "
            f"{image.mode!r}: turn its colours into the numbers of classes first"
        )
    return stored_pixels(image, what)


@dataclass(frozen=True)
class _Picture:
    """Up to 16 channels (H, W, C) of the masks of a sample, as lanes; `fill` has one value for each channel."""

    sample: int
    lanes: Any
    result: Any
    fill: Array

    def goes_with(self, other: _Picture) -> bool:
        """Return whether one call can move both."""
        return bool(self.lanes.dtype == other.lanes.dtype and _device(self.lanes) == _device(other.lanes))


def move_masks(passes: Sequence[Pass], masks: Sequence[Sequence[Moving]]) -> list[list[Any]]:
    """Return the masks of each sample in the outputs of passes, in their own dtypes: (..., H', W').

    Args:
        passes: the passes of the images' plan.
        masks: masks of each sample.
    """
    sizes = passes[-1].rows["output_size"].tolist()
    results = [
        [_empty((*moving.values.shape[:-2], *size), moving.values) for moving in of_sample]
        for of_sample, size in zip(masks, sizes, strict=True)
    ]
    pictures: list[_Picture] = []
    for sample, (of_sample, moved) in enumerate(zip(masks, results, strict=True)):
        for moving, result in zip(of_sample, moved, strict=True):
            pictures.extend(_pictures(sample, moving, result))
    while pictures:
        _run(passes, [picture for picture in pictures if picture.goes_with(pictures[0])])
        pictures = [picture for picture in pictures if not picture.goes_with(pictures[0])]
    return results


def _kind(values: Any) -> np.dtype[Any]:
    """Return the NumPy dtype of an array or a tensor; object if NumPy has no such dtype."""
    if not isinstance(values, torch.Tensor):
        kind: np.dtype[Any] = values.dtype
        return kind
    name = str(values.dtype).removeprefix("torch.")
    return np.dtype(name if name in DTYPES else object)


def is_boolean(masks: Any) -> bool:
    """Return whether masks, an array or a tensor, are boolean."""
    return _kind(masks).kind == "b"


def _device(values: Any) -> Any:
    return values.device if isinstance(values, torch.Tensor) else None


def _empty(shape: tuple[int, ...], like: Any) -> Any:
    """Return an uninitialised array or tensor of another shape."""
    return like.new_empty(shape) if isinstance(like, torch.Tensor) else np.empty(shape, like.dtype)


def _viewed(values: Any, size: int) -> Any:
    """Return the same memory as lanes of `size` bytes."""
    return values.view(_TORCH_LANES[size] if isinstance(values, torch.Tensor) else np.dtype(f"u{size}"))


def with_axis_last(planes: Any) -> Any:
    """Return an array or a tensor with its first axis as the last."""
    return planes.movedim(0, -1) if isinstance(planes, torch.Tensor) else np.moveaxis(planes, 0, -1)


def with_axis_first(image: Any) -> Any:
    """Return an array or a tensor with its last axis as the first."""
    return image.movedim(-1, 0) if isinstance(image, torch.Tensor) else np.moveaxis(image, -1, 0)


def _pictures(sample: int, masks: Moving, result: Any) -> Iterator[_Picture]:
    values, kind = masks.values, _kind(masks.values)
    fill = np.atleast_1d(filling(masks.fill, kind, "mask_fill"))
    planes, moved = values.reshape(-1, *values.shape[-2:]), result.reshape(-1, *result.shape[-2:])
    if kind.itemsize <= 2:
        planes, moved, fill = (_viewed(array, kind.itemsize) for array in (planes, moved, fill))
        for first in range(0, len(planes), MAX_CHANNELS):
            channels = slice(first, first + MAX_CHANNELS)
            lanes = with_axis_last(planes[channels])
            yield _Picture(sample, lanes, moved[channels], np.repeat(fill, lanes.shape[2]))
        return
    for plane, out in zip(planes, moved, strict=True):
        yield _Picture(sample, _as_lanes(plane), with_axis_first(_as_lanes(out)), fill.view(np.uint16))


def _as_lanes(plane: Any) -> Any:
    """Return (H, W, lanes) over the memory of (H, W), which is copied only if its lines are not contiguous."""
    dense = plane.contiguous() if isinstance(plane, torch.Tensor) else np.ascontiguousarray(plane)
    return _viewed(dense, 2).reshape(*plane.shape, -1)


def _run(passes: Sequence[Pass], pictures: list[_Picture]) -> None:
    samples = np.array([picture.sample for picture in pictures])
    plan = Plan(tuple(Pass(_rows(step.rows[samples], pictures), _geometry(step.tables)) for step in passes))
    lanes = [picture.lanes for picture in pictures]
    run(plan, lanes, executor_for(lanes[0]), [picture.result for picture in pictures])


def _geometry(tables: Tables) -> Tables:
    """Return the tables that hold positions."""
    return Tables(displacements=tables.displacements, offsets=tables.offsets)


def _rows(image_rows: Rows, pictures: list[_Picture]) -> Rows:
    rows = new_rows(len(pictures))
    for name in _GEOMETRY:
        rows[name] = image_rows[name]
    rows["interpolation"] = Interpolation.NEAREST
    rows["source_dtype"] = rows["output_dtype"] = _LANES[pictures[0].lanes.dtype.itemsize]
    for row, picture in zip(rows, pictures, strict=True):
        row["channels"] = picture.lanes.shape[2]
        row["fill"][: len(picture.fill)] = picture.fill
    return rows
