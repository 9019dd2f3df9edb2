"""Images and classes of a data set in memory, for checks that need no complete set of classes."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from augsynth.core.items import class_of
from augsynth.core.typing import Ints
from augsynth.errors import ArgumentTypeError, DataError, shown
from augsynth.generators.reading.items import read_item


def read_pairs(dataset: Any, name: str) -> tuple[Tensor, Ints | None]:
    """Return all images of a data set, uint8 (n, C, H, W), and their classes, int64 (n,), or None without labels.

    Args:
        dataset: map-style data set of `(image, label)`, of dicts with "image" and "label", or of images, whose forms
            are those of `read_images`.
        name: name of the data set in messages.
    """
    if not hasattr(dataset, "__getitem__") or not hasattr(dataset, "__len__"):
        raise ArgumentTypeError(f"{name} must be a map-style data set, got {type(dataset).__name__}")
    if len(dataset) == 0:
        raise DataError(f"{name} is empty")
    first, _ = read_item(dataset, 0)
    images = torch.empty((len(dataset), *first.shape), dtype=torch.uint8, device="cpu")
    labels = []
    for index in range(len(dataset)):
        pixels, label = read_item(dataset, index)
        if pixels.shape != first.shape:
            raise DataError(
                f"all images of {name} must have one shape: item 0 is {tuple(first.shape)}, item {index} is "
                f"{tuple(pixels.shape)} (channels, height, width); resize them first"
            )
        images[index] = pixels
        labels.append(label)
    return images, _classes(labels, name)


def _classes(labels: list[Any], name: str) -> Ints | None:
    if all(label is None for label in labels):
        return None
    classes = [class_of(label) for label in labels]
    for index, found in enumerate(classes):
        if found is None or not 0 <= found < 2**16:
            raise DataError(
                f"{name}: labels must be classes from 0 to 65,535, got {shown(labels[index])} for item {index}"
            )
    return np.array(classes, np.int64)
