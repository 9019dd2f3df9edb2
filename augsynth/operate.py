"""Running a barrier: an operation on whole images, between two passes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from augsynth.errors import ArgumentError, ArgumentTypeError
from augsynth.operations import IMAGES, POINTS
from augsynth.operations.scale import full_scale, stored
from augsynth.plan import Barrier

Image = npt.NDArray[Any]


def operate(barrier: Barrier, images: Sequence[Image] | Image) -> list[Image]:
    """The images (H, W, C) after the barrier; those that it does not change are handed on as they are."""
    return [
        _changed(barrier, image, number) if barrier.active[number] else image for number, image in enumerate(images)
    ]


def _changed(barrier: Barrier, image: Image, number: int) -> Image:
    if barrier.function is None:
        arguments = barrier.arguments(number)
        if barrier.operation in POINTS:
            values = image.astype(np.float64)
            return _stored(POINTS[barrier.operation](values, full_scale(image.dtype), **arguments), image)
        return IMAGES[barrier.operation](image, **arguments)
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


def _stored(values: Image, like: Image) -> Image:
    """Values in the dtype of an image: integers are clamped and rounded to nearest, NaN is 0."""
    if like.dtype.kind == "f":
        return values.astype(like.dtype)
    return stored(np.nan_to_num(values), like.dtype)
