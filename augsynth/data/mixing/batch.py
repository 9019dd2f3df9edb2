"""Batches whose images are one tensor already, and the collate function that keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.utils.data import default_collate


class Batch(list[Any]):
    """The items of a batch, as any collate function takes them, and their images (B, C, H, W) as one tensor.

    The image of item i is the view `images[i]`.
    """

    def __init__(self, items: Sequence[Any], images: torch.Tensor) -> None:
        super().__init__(items)
        self.images = images


def collate(batch: Sequence[Any]) -> Any:
    """What `torch.utils.data.default_collate` returns, without copying images that are one tensor already.

    >>> images = torch.zeros(2, 3, 4, 4)
    >>> collated = collate(Batch([(images[0], 7), (images[1], 8)], images))
    >>> collated[0] is images, collated[1]
    (True, tensor([7, 8]))
    """
    if not isinstance(batch, Batch):
        return default_collate(list(batch))
    if isinstance(batch[0], dict):
        rest = default_collate([{key: value for key, value in item.items() if key != "image"} for item in batch])
        return {"image": batch.images, **rest}
    return [batch.images, *default_collate([item[1:] for item in batch])]
