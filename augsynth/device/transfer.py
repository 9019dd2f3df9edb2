"""Moving the images of a batch from one device to another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from augsynth.images import Image, ImageBatch

_ALIGNMENT = 16


def moved(batch: ImageBatch, device: torch.device) -> ImageBatch:
    """The images on `device`; those that are there already are not copied.

    Images of the CPU go in one piece, from pinned memory, and nothing is waited for.
    """
    if batch.device == device or not len(batch):
        return batch
    if batch.device.type != "cpu":
        views: Any = [image.to(device) for image in batch.views]
        if device.type == "cpu":
            views = [image.numpy() for image in views]
        return ImageBatch(views, batch.shapes, batch.dtype, device)
    return ImageBatch(copied(batch.views, device), batch.shapes, batch.dtype, device)


def copied(views: Sequence[Image] | Image, device: torch.device) -> list[torch.Tensor]:
    """Tensors (H, W, C) on `device` with the values of NumPy images (H, W, C), in one piece of memory.

    >>> [image.shape for image in copied([np.zeros((4, 6, 3), np.uint8), np.zeros((2, 2, 3), np.uint8)], torch.device("cpu"))]
    [torch.Size([4, 6, 3]), torch.Size([2, 2, 3])]
    """
    sizes = [-(-view.nbytes // _ALIGNMENT) * _ALIGNMENT for view in views]
    staging = torch.empty(sum(sizes), dtype=torch.uint8, pin_memory=device.type == "cuda")
    for part, view in zip(_parts(staging, sizes, views), views, strict=True):
        part.numpy()[...] = view
    return _parts(staging.to(device, non_blocking=True), sizes, views)


def _parts(memory: torch.Tensor, sizes: Sequence[int], views: Sequence[Image] | Image) -> list[torch.Tensor]:
    """The memory as tensors that are shaped as the views are."""
    kinds = {np.dtype(np.uint8): torch.uint8, np.dtype(np.uint16): torch.uint16, np.dtype(np.float32): torch.float32}
    return [
        part[: view.nbytes].view(kinds[view.dtype]).view(view.shape)
        for part, view in zip(torch.split(memory, list(sizes)), views, strict=True)
    ]
