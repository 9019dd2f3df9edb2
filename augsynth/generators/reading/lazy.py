"""A large data set of images, which is read again for every batch instead of being held in memory."""

from __future__ import annotations

import hashlib
import zlib
from array import array
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from augsynth.errors import DataError
from augsynth.generators.reading.items import read_item

HELD_BYTES = 2**30
"""Largest size of the pixels of a data set that is held in memory, in bytes."""


class Checksums:
    """Checksums of images that were read, and the SHA-256 of all of them.

    Args:
        size: number of images.
        image_shape: shape (C, H, W) of each.
    """

    def __init__(self, size: int, image_shape: torch.Size) -> None:
        self.image_shape = image_shape
        self._content = hashlib.sha256(repr((size, *image_shape)).encode())
        self._sums = array("L")
        self.low, self.high = 255, 0  # of all pixels so far, until they differ enough for a fit

    def __len__(self) -> int:
        return len(self._sums)

    def add(self, image: Tensor) -> None:
        """Add the next image.

        Args:
            image: uint8 (C, H, W), on the CPU.
        """
        if self.high - self.low <= 1:
            low, high = image.aminmax()
            self.low, self.high = min(self.low, int(low)), max(self.high, int(high))
        data = image.contiguous().numpy().data
        self._content.update(data)
        self._sums.append(zlib.crc32(data))

    def fit(self, index: int, image: Tensor) -> bool:
        """Return True if an image is the one that was added as number `index`.

        Args:
            index: number of the image.
            image: uint8 (C, H, W), on the CPU.
        """
        return image.shape == self.image_shape and zlib.crc32(image.contiguous().numpy().data) == self._sums[index]

    def digest(self, labels: Tensor | None) -> str:
        """Return the SHA-256 of shape, pixels and labels, as `ImageSet.digest` computes it.

        Args:
            labels: classes of the images, int64, or None.
        """
        content = self._content.copy()
        if labels is not None:
            content.update(labels.contiguous().numpy().data)
        return content.hexdigest()


@dataclass(frozen=True, eq=False)
class LazyImageSet:
    """Images that stay in their data set. Each reading is compared with the first one.

    Args:
        dataset: the data set, whose items are always the same.
        checksums: checksums of all items.
        labels: classes, int64 (n,), on the CPU, or None.
        class_names: one name for each class; None (default) if the data set has none.
    """

    dataset: Any
    checksums: Checksums
    labels: Tensor | None
    class_names: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.checksums)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Shape (C, H, W) of an image."""
        channels, height, width = self.checksums.image_shape
        return channels, height, width

    @property
    def num_classes(self) -> int | None:
        """Number of classes K, for labels 0…K−1; None without labels."""
        return None if self.labels is None else int(self.labels.max()) + 1

    def levels(self) -> tuple[int, int]:
        """Return a low and a high value of a pixel, in 0…255: the extremes, unless they differ by more than 1."""
        return self.checksums.low, self.checksums.high

    def digest(self) -> str:
        """Return the SHA-256 of shape, pixels and labels."""
        return self.checksums.digest(self.labels)

    def pixels(self, indices: Tensor) -> Tensor:
        """Read some images, uint8 (B, C, H, W). Raises `DataError` for an image that is no longer what it was.

        Args:
            indices: numbers of the images, int64 (B,).
        """
        batch = torch.empty((len(indices), *self.image_shape), dtype=torch.uint8, device="cpu")
        for row, index in enumerate(indices.tolist()):
            image, _ = read_item(self.dataset, index)
            if not self.checksums.fit(index, image):
                raise DataError(
                    f"item {index} of the data set has changed since the fit began. A data set of more than "
                    f"{HELD_BYTES:,} bytes is read again for every batch, so its items must always be the same: leave "
                    "random transforms out"
                )
            batch[row] = image
        return batch
