"""Sets of images for a comparison: pools and data sets of any form, read as tensors of one shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from augsynth.core.typing import Ints
from augsynth.data import SyntheticPool
from augsynth.errors import DataError
from augsynth.generators.reading.pairs import read_pairs


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images with or without classes.

    Args:
        images: uint8 (n, C, H, W).
        labels: class of each image, int64 (n,), or None.
    """

    images: Tensor
    labels: Ints | None = None

    def __len__(self) -> int:
        return len(self.images)

    def take(self, rows: Ints) -> ImageSet:
        """Return some of the images, in the order of `rows`.

        Args:
            rows: positions, int64 (k,).
        """
        labels = None if self.labels is None else self.labels[rows]
        return ImageSet(self.images[torch.from_numpy(rows)], labels)

    @property
    def has_classes(self) -> bool:
        """True if there are images of two classes or more."""
        return self.labels is not None and len(np.unique(self.labels)) > 1


def read_sets(given: Mapping[str, Any]) -> dict[str, ImageSet]:
    """Return the sets by name without those that are None; raise `DataError` if their shapes differ.

    Args:
        given: `SyntheticPool` or map-style data set, by the name that messages use.
    """
    sets = {name: _read(part, name) for name, part in given.items() if part is not None}
    shapes = {name: tuple(part.images.shape[1:]) for name, part in sets.items()}
    if len(set(shapes.values())) > 1:
        listed = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise DataError(f"all sets must have images of one shape, got {listed}; prepare them alike")
    return sets


def _read(part: Any, name: str) -> ImageSet:
    if isinstance(part, SyntheticPool):
        return ImageSet(part.take(np.arange(len(part))).images, part.labels)
    return ImageSet(*read_pairs(part, name))
