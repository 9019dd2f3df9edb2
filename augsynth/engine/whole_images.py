"""Execution of a barrier: an operation on whole images, between two passes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from augsynth.core.points import POINTS
from augsynth.core.scale import full_scale, stored
from augsynth.core.typing import Image
from augsynth.engine.memory import SMALLEST_REUSED, empty_arrays
from augsynth.errors import ArgumentError, ArgumentTypeError, AugsynthError, PlanError
from augsynth.plan import Barrier
from augsynth.whole_image import OPERATIONS


def operate(barrier: Barrier, images: Sequence[Image] | Image) -> list[Image]:
    """Return the images after a barrier; unchanged images are returned as they are.

    Args:
        barrier: the operation, and the samples that it changes.
        images: n images (H, W, C).
    """
    results, active = list(images), np.flatnonzero(barrier.active).tolist()
    chosen = [images[number] for number in active]
    memories = _memory_for(chosen) if barrier.channels is None else [None] * len(chosen)
    for number, memory in zip(active, memories, strict=True):
        result = _changed(barrier, images[number], number)
        if memory is not None:
            np.copyto(memory, result)
        results[number] = result if memory is None else memory
    return results


def _memory_for(images: Sequence[Image]) -> Sequence[Image | None]:
    """Return reused memory for as many images, in the layout of the first one; None for each if they are small.

    Keeping many results in the fresh memory where they were computed would take longer than most operations.
    """
    if sum(image.nbytes for image in images) < SMALLEST_REUSED:
        return [None] * len(images)
    order = (0, 1, 2) if images[0].strides[2] == images[0].itemsize else (2, 0, 1)
    shapes = np.array([image.shape for image in images], np.int64)[:, order]
    return [array.transpose(np.argsort(order)) for array in empty_arrays(shapes, images[0].dtype)]


def _changed(barrier: Barrier, image: Image, number: int) -> Image:
    if barrier.function is None:
        try:
            # Infinities and the smallest numbers are values like others, whatever the user lets NumPy raise.
            with np.errstate(all="ignore"):
                return _operated(barrier.operation, image, barrier.arguments(number))
        except (TypeError, ValueError, OverflowError, IndexError) as error:  # a stored plan can say anything
            if isinstance(error, AugsynthError):
                raise
            raise PlanError(f"the plan says of {barrier.operation} what it cannot do: {error}") from error
    # A function that works in place changes its own copy, never the caller's image.
    result = np.asarray(barrier.function(image.astype(np.float64) if barrier.per_value else image.copy()))
    if result.shape != image.shape:
        raise ArgumentError(
            f"{barrier.operation} must return an image of the shape that it got, (H, W, C) = {image.shape}; "
            f"got {result.shape}"
        )
    if barrier.per_value:
        return _stored(result, image)
    if result.dtype != image.dtype:
        raise ArgumentTypeError(
            f"{barrier.operation} must return the dtype that it got, {image.dtype}; got {result.dtype}"
        )
    return result


def _operated(name: str, image: Image, arguments: Mapping[str, Any]) -> Image:
    if name in POINTS:
        result = _stored(POINTS[name](image.astype(np.float64), full_scale(image.dtype), **arguments), image)
    else:
        result = OPERATIONS[name].function(image, **arguments)
        if OPERATIONS[name].channels is not None:
            return result
    if result.shape != image.shape:
        raise ValueError(f"its parameters make an image of shape {result.shape} out of {image.shape}")
    return result


def _stored(values: Image, like: Image) -> Image:
    """Return values in the dtype of an image: integers are clamped and rounded to nearest, and NaN becomes 0."""
    if like.dtype.kind == "f":
        with np.errstate(all="ignore"):
            return values.astype(like.dtype)
    return stored(np.nan_to_num(values), like.dtype)
