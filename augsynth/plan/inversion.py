"""Predictions in the frame of a plan's outputs, mapped back to the frame of its sources."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from augsynth.core.arrays import as_float, coordinates, like, same_values, to_numpy
from augsynth.core.geometry import bounding_box, box_corners, map_boxes, thinnest
from augsynth.core.typing import Array, Floats
from augsynth.errors import ArgumentError, ArgumentTypeError, shown
from augsynth.plan.coordinates import CoordinateMap, coordinate_maps
from augsynth.plan.passes import Pass

Restore = Callable[[CoordinateMap, Any, str], Any]


def invert(
    passes: Sequence[Pass], points: Any, boxes: Any, masks: Any, pixel_center: bool, mask_fill: float
) -> Any | tuple[Any, ...]:
    """Predictions in the sources' frames, as `Plan.invert` returns them."""
    offset = 0.5 if pixel_center else 0.0
    restores: dict[str, tuple[Any, Restore]] = {
        "points": (points, lambda where, value, what: _points(where, value, what, offset)),
        "boxes": (boxes, _boxes),
        "masks": (masks, lambda where, value, what: _masks(where, value, what, mask_fill)),
    }
    given = {name: pair for name, pair in restores.items() if pair[0] is not None}
    if not given:
        raise ArgumentError("nothing to invert: give points, boxes or masks")
    maps = coordinate_maps(passes)
    results = tuple(_each(maps, value, restore, name) for name, (value, restore) in given.items())
    return results[0] if len(results) == 1 else results


def _each(maps: list[CoordinateMap], values: Any, restore: Restore, name: str) -> Any:
    if len(maps) == 1 and isinstance(values, (np.ndarray, torch.Tensor)):
        return restore(maps[0], values, name)
    if not isinstance(values, (Sequence, np.ndarray, torch.Tensor)) or isinstance(values, (str, bytes)):
        raise ArgumentTypeError(f"{name} must be a sequence with one entry a sample, got {type(values).__name__}")
    if len(values) != len(maps):
        raise ArgumentError(f"{name} must have one entry a sample: got {len(values)} for a plan of {len(maps)}")
    return [restore(where, values[number], f"{name}[{number}]") for number, where in enumerate(maps)]


def _points(where: CoordinateMap, value: Any, what: str, offset: float) -> Any:
    points = coordinates(value, what, 2, nowhere=True)
    return like(where.sources_of(points + offset) - offset, value)


def _boxes(where: CoordinateMap, value: Any, what: str) -> Any:
    boxes = coordinates(value, what, 4)
    restored = _restored(where, boxes).reshape(boxes.shape)
    if not where.upright.all():
        low, high = boxes[..., :2], boxes[..., 2:]
        flat = (np.abs(high - low) <= thinnest(where.output_size)).any(axis=-1)
        restored[flat] = np.tile(where.sources_of((low + high)[flat] / 2), 2)
    return like(restored, value)


def _restored(where: CoordinateMap, boxes: Floats) -> Floats:
    """The boxes (k, 4) around the outlines of boxes (..., 4) in the source."""
    if not where.curved:
        return map_boxes(where.backward, boxes)
    outlines = [where.source_outline(corners) for corners in box_corners(boxes).tolist()]
    return np.array([bounding_box(outline) for outline in outlines]).reshape(-1, 4)


def _masks(where: CoordinateMap, value: Any, what: str, fill: float) -> Any:
    masks = to_numpy(value, what)
    if masks.ndim < 2 or masks.shape[-2:] != where.output_size:
        raise ArgumentError(f"{what} must have shape (..., H, W) = (..., {where.output_size}), got {masks.shape}")
    return same_values(_sampled(masks, *_nearest(where), filling(fill, masks.dtype, "mask_fill")), value)


def _nearest(where: CoordinateMap) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Rows and columns (2, H, W) of the output at each pixel of the source, and a mask of the visible ones."""
    height, width = where.source_size
    centres = np.stack(np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5), axis=-1)
    positions, inside, _ = where.points(centres)
    bounds = np.array(where.output_size)[:, None, None]
    places = np.floor(np.nan_to_num(np.moveaxis(positions[..., ::-1], -1, 0), nan=-1.0))
    shown = inside & np.all((places >= 0) & (places < bounds), axis=0)
    return np.clip(places, 0, bounds - 1).astype(np.int64), shown


def _sampled(masks: Array, places: npt.NDArray[np.int64], shown: npt.NDArray[np.bool_], fill: Any) -> Array:
    result: Array = np.where(shown, masks[..., places[0], places[1]], fill).astype(masks.dtype)
    return result


def filling(fill: float, dtype: np.dtype[Any], what: str) -> Any:
    """`fill` as a value of `dtype`; `ArgumentError` if it holds no such value. Booleans are filled with False.

    >>> int(filling(255, np.dtype(np.uint8), "mask_fill"))
    255
    """
    if dtype.kind == "b":
        return np.zeros((), dtype)
    if not isinstance(fill, Real):
        raise ArgumentTypeError(f"{what} must be a number, got {shown(fill)}")
    with np.errstate(all="ignore"):
        value = np.asarray(as_float(fill)).astype(dtype)
    if dtype.kind in "iu" and value != fill:
        raise ArgumentError(f"{what} must be a value that {dtype.name} masks can hold, got {shown(fill)}")
    return value
