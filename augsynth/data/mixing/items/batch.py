"""Batches whose images are one tensor already, and the collate function that keeps it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch.utils.data import default_collate

from augsynth.core.positions import Positional
from augsynth.data.mixing.items.form import Fields, Structure


class Batch(Positional[Any], Sequence[Any]):
    """The items of a batch, as any collate function takes them, and their `images` (B, C, H, W) as one tensor, or
    whatever else the transform made of them all (a `PlannedBatch`).

    An item is made when it is asked for; its image is a view of the tensor. Items with targets, whose numbers of boxes
    differ, are not `stacked`: collated, their fields are lists.

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
        self._stack = _stacked if stacked else list

    def __len__(self) -> int:
        return len(self._fields)

    def _item(self, position: int) -> Any:
        return self._structure.join(self.images[position], self._fields[position])

    def __iter__(self) -> Iterator[Any]:
        return map(self._structure.join, self.images, self._fields)

    def collated(self) -> Any:
        """What `default_collate` makes of the items (but for targets), around the tensor that is there already."""
        names = self._fields[0]
        joined = self._structure.join(
            self.images, {name: self._stack([fields[name] for fields in self._fields]) for name in names}
        )
        return list(joined) if isinstance(joined, tuple) else joined


def collate(batch: Sequence[Any]) -> Any:
    """What `torch.utils.data.default_collate` returns, without copying images that are one tensor already.

    >>> import torch
    >>> collate([(torch.zeros(3, 4, 4), 7), (torch.zeros(3, 4, 4), 8)])[1]
    tensor([7, 8])
    """
    return batch.collated() if isinstance(batch, Batch) else _stacked(list(batch))


def _stacked(values: list[Any]) -> Any:
    # Labels stay beside the images, wherever the user's own tensors begin.
    with torch.device("cpu"):
        return default_collate(values)
