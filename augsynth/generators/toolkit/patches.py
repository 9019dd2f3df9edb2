"""Folding images into patches, so that networks work on few positions with many channels."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class Patches:
    """Square patches of an image, each of which becomes the channels of one position.

    Args:
        image_shape: (C, H, W) of the images.
        size: rows and columns of a patch, in pixels, at least 1.
        multiple: the numbers of patches along both sides are multiples of it, at least 1, so that networks can halve
            them. Edge pixels are repeated where the image ends before.

    >>> patches = Patches((1, 27, 33), size=2)
    >>> patches.channels, patches.sides
    (4, (14, 17))
    """

    image_shape: tuple[int, int, int]
    size: int
    multiple: int = 1

    @classmethod
    def leaving(cls, image_shape: tuple[int, int, int], least: int) -> Patches:
        """Choose the largest size, a power of two, that leaves enough patches along the shorter side.

        Args:
            image_shape: (C, H, W) of the images.
            least: the smallest number of whole patches along the shorter side, at least 1.

        >>> Patches.leaving((1, 28, 28), least=12).size
        2
        """
        size = 1
        while min(image_shape[1:]) // (2 * size) >= least:
            size *= 2
        return cls(image_shape, size)

    @property
    def channels(self) -> int:
        """The number of channels of folded images."""
        return self.image_shape[0] * self.size**2

    @property
    def sides(self) -> tuple[int, int]:
        """The numbers of patches along height and width."""
        _, height, width = self.image_shape
        step = self.size * self.multiple
        return -(-height // step) * self.multiple, -(-width // step) * self.multiple

    def fold(self, images: Tensor) -> Tensor:
        """Fold images.

        Args:
            images: (B, C, H, W) of `image_shape`.

        Returns:
            (B, channels, *sides), with the channels last in memory.
        """
        rows, columns = (self.size * side for side in self.sides)
        _, height, width = self.image_shape
        padded = F.pad(images, (0, columns - width, 0, rows - height), mode="replicate")
        return F.pixel_unshuffle(padded, self.size).contiguous(memory_format=torch.channels_last)

    def unfold(self, folded: Tensor) -> Tensor:
        """Invert `fold`.

        Args:
            folded: (B, channels, rows, columns), at least `sides`.

        Returns:
            (B, C, H, W) of `image_shape`.
        """
        _, height, width = self.image_shape
        return F.pixel_shuffle(folded, self.size)[:, :, :height, :width]
