"""Transfer of the images of a batch from one device to another, in one piece of memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from augsynth._native.layout import DType
from augsynth.core.images import TORCH_DTYPES, ImageBatch
from augsynth.core.typing import Image
from augsynth.plan import NUMPY_DTYPES

_ALIGNMENT = 16

Shapes = Sequence[tuple[int, ...]]


@dataclass(frozen=True)
class Packed:
    """Images (H, W, C) one after another in one piece of memory, on any device.

    Args:
        memory: uint8 (n,), the bytes of all images.
        shapes: shape of each image.
        dtype: dtype of all images.

    >>> [image.shape for image in Packed.of([np.zeros((4, 6, 3), np.uint8), np.zeros((2, 2, 3), np.uint8)]).images()]
    [torch.Size([4, 6, 3]), torch.Size([2, 2, 3])]
    """

    memory: torch.Tensor
    shapes: Shapes
    dtype: DType

    @classmethod
    def of(cls, views: Sequence[Image] | Image, *, dtype: DType = DType.UINT8, pinned: bool = False) -> Packed:
        """Return copies of NumPy images.

        Args:
            views: images (H, W, C) of one dtype.
            dtype: their dtype.
            pinned: whether the memory is pinned, so that a device can copy from it by itself.
        """
        shapes = [view.shape for view in views]
        memory = torch.empty(sum(_sizes(shapes, dtype)), dtype=torch.uint8, device="cpu", pin_memory=pinned)
        packed = cls(memory, shapes, dtype)
        kind = NUMPY_DTYPES[dtype]
        for begin, view in zip(_begins(shapes, dtype), views, strict=True):
            packed.memory.numpy()[begin : begin + view.nbytes].view(kind).reshape(view.shape)[...] = view
        return packed

    def to(self, device: torch.device) -> Packed:
        """Return the same images on another device, without waiting."""
        return Packed(self.memory.to(device, non_blocking=True), self.shapes, self.dtype)

    def views(self) -> list[Any]:
        """Return the images (H, W, C) as views of the memory: NumPy arrays on the CPU, else tensors."""
        return [image.numpy() for image in self.images()] if self.memory.device.type == "cpu" else self.images()

    def images(self) -> list[torch.Tensor]:
        """Return the images (H, W, C) as tensors, views of the memory."""
        kind, sizes = TORCH_DTYPES[self.dtype], list(_sizes(self.shapes, self.dtype))
        counts = [int(np.prod(shape)) * kind.itemsize for shape in self.shapes]
        parts = torch.split(self.memory, sizes) if sizes else ()
        return [
            part[:count].view(kind).view(shape) for part, count, shape in zip(parts, counts, self.shapes, strict=True)
        ]


def moved(batch: ImageBatch, device: torch.device) -> ImageBatch:
    """Return the images on a device; images that are there already are not copied.

    Images of the CPU are copied from pinned memory, without waiting.

    Args:
        batch: the images.
        device: device of the result.
    """
    if batch.device == device or not len(batch):
        return batch
    views: Any
    if batch.device.type == "cpu":
        pinned = Packed.of(batch.views, dtype=batch.dtype, pinned=device.type == "cuda")
        views = pinned.to(device).views()
    else:
        views = [image.to(device) for image in batch.views]
        if device.type == "cpu":
            views = [image.numpy() for image in views]
    return ImageBatch(views, batch.shapes, batch.dtype, device)


def _sizes(shapes: Shapes, dtype: DType) -> list[int]:
    item = NUMPY_DTYPES[dtype].itemsize
    return [-(-int(np.prod(shape)) * item // _ALIGNMENT) * _ALIGNMENT for shape in shapes]


def _begins(shapes: Shapes, dtype: DType) -> list[int]:
    return [0, *np.cumsum(_sizes(shapes, dtype)).tolist()][: len(shapes)]
