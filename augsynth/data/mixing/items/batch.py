"""Batches whose images are one tensor already, and the collate function that keeps this tensor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch.utils.data import default_collate

from augsynth.core.items import Fields
from augsynth.core.positions import Positional
from augsynth.data.mixing.items.form import Structure


class Batch(Positional[Any], Sequence[Any]):
    """Sequence of the items of a batch, which any collate function takes, with all images in one tensor.

    An item is made when it is asked for. Its image is a view of the tensor.

    Args:
        images: tensor (B, C, H, W), or another result of the transform for all images (a `PlannedBatch`).
        fields: fields of each item beside its image.
        structure: form of the items.
        stacked: collate fields as `default_collate` does; False keeps them as lists, for targets whose numbers of
            boxes differ. Default True.

    >>> import torch
    >>> pair = Structure("pair", ("label",))
    >>> batch = Batch(torch.zeros(2, 3, 4, 4), [{"label": 7}, {"label": 8}], pair)
    >>> batch[1][1], [label for _, label in batch]
    (8, [7, 8])
    """

    def __init__(self, images: Any, fields: Sequence[Fields], structure: Structure, stacked: bool = True) -> None:
        self.images = images
        self._fields = fields
        self._structure = structure
        self._stacked = stacked

    def __len__(self) -> int:
        return len(self._fields)

    def _item(self, position: int) -> Any:
        return self._structure.join(self.images[position], self._fields[position])

    def __iter__(self) -> Iterator[Any]:
        return map(self._structure.join, self.images, self._fields)

    def with_fields(self, added: Sequence[Fields]) -> Batch:
        """Return the batch with further fields, or others of the same names, in each item."""
        fields = [{**field, **more} for field, more in zip(self._fields, added, strict=True)]
        return Batch(self.images, fields, self._structure, self._stacked)

    def collated(self) -> Any:
        """Return the result of `default_collate`, except for targets, with the tensor that exists already."""
        stack = _stacked if self._stacked else list
        joined = self._structure.join(
            self.images, {name: stack([fields[name] for fields in self._fields]) for name in self._fields[0]}
        )
        return list(joined) if isinstance(joined, tuple) else joined


def collate(batch: Sequence[Any]) -> Any:
    """Return the result of `torch.utils.data.default_collate`, without a copy of images that are one tensor already.

    Args:
        batch: items of a data set; a `Batch` if they come from a mix with one of `augsynth.transforms`.

    >>> import torch
    >>> collate([(torch.zeros(3, 4, 4), 7), (torch.zeros(3, 4, 4), 8)])[1]
    tensor([7, 8])
    """
    return batch.collated() if isinstance(batch, Batch) else _stacked(list(batch))


def _stacked(values: list[Any]) -> Any:
    # Labels stay on the CPU with the images, whatever torch's default device is.
    with torch.device("cpu"):
        return default_collate(values)
