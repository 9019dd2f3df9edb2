"""Images of one colour each, which names them, with targets: for tests of transforms that make an image of several."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from augsynth.plan import Composition
from augsynth.targets import mask_box

DTYPES = (np.uint8, np.uint16, np.float32)
LEVEL = 8


def keys(count: int, seed: int = 0) -> np.ndarray:
    return np.column_stack([np.full(count, seed), np.full(count, 2), np.arange(count)]).astype(np.int64)


def level_of(number: int, dtype: Any = np.uint8) -> Any:
    """The colour of an image; exact in every dtype."""
    return dtype(LEVEL * (number + 1) / (256 if dtype is np.float32 else 1))


def whole(number: int, height: int, width: int, channels: int = 3, dtype: Any = np.uint8) -> tuple[Any, dict[str, Any]]:
    """An image of one colour, with one object that is the whole image, and masks of both forms."""
    target = {
        "boxes": np.array([[0.0, 0, width, height]]),
        "labels": np.array([number]),
        "masks": np.ones((1, height, width), bool),
        "image_id": number,
    }
    return np.full((height, width, channels), level_of(number, dtype)), target


def two_objects(number: int, height: int = 24, width: int = 30) -> tuple[Any, dict[str, Any]]:
    """An image of one colour with a disc and a rectangle as its objects."""
    y, x = np.mgrid[:height, :width] + 0.5
    disc = (y - height / 3) ** 2 + (x - width / 3) ** 2 < (height / 4) ** 2
    rectangle = (abs(y - height * 0.7) < height / 6) & (abs(x - width * 0.7) < width / 5)
    masks = np.stack([disc, rectangle])
    target = {
        "boxes": np.stack([mask_box(mask) for mask in masks]),
        "labels": np.array([10 * number, 10 * number + 1]),
        "masks": masks,
    }
    return np.full((height, width, 3), level_of(number)), target


def stored(composition: Composition) -> Composition:
    """The composition after a way through a file."""
    file = io.BytesIO()
    composition.save(file)
    file.seek(0)
    return Composition.load(file)


def equal_targets(one: Any, other: Any) -> bool:
    """Whether two lists of targets are equal to the bit."""
    return len(one) == len(other) and all(
        a.keys() == b.keys() and all(np.array_equal(np.asarray(a[name]), np.asarray(b[name])) for name in a)
        for a, b in zip(one, other, strict=True)
    )
