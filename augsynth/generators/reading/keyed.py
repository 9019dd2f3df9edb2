"""Data sets whose items are dicts with other keys than "image" and "label"."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from augsynth.core.items import DEFAULT_KEYS, ItemKeys, ItemStructure
from augsynth.errors import DataError
from augsynth.generators.reading.class_names import read_class_names


class KeyedItems:
    """View of a data set of dicts as `(image, label)`; a bare image if the item has no label.

    Args:
        dataset: map-style data set of dicts.
        keys: keys of the image and the label.

    >>> data = KeyedItems([{"img": "picture", "species": 3}], ItemKeys("img", "species"))
    >>> data[0], len(data)
    (('picture', 3), 1)
    """

    def __init__(self, dataset: Any, keys: ItemKeys) -> None:
        self.dataset = dataset
        self.keys = keys

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Any:
        item = self.dataset[index]
        image, fields = ItemStructure.of(item, f"item {index}", keys=self.keys, error=DataError).split(item)
        return (image, fields[self.keys.label]) if self.keys.label in fields else image

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """Names of the classes, if the data set has them."""
        return read_class_names(self.dataset, label=self.keys.label)


def with_default_keys(dataset: Any, keys: ItemKeys) -> Any:
    """Return a data set whose items are read without `keys`: the data set itself if these are the default ones.

    Args:
        dataset: map-style data set; None and a tensor of images stay as they are.
        keys: keys of the image and the label of its items.
    """
    as_it_is = keys == DEFAULT_KEYS or dataset is None or isinstance(dataset, Tensor)
    return dataset if as_it_is else KeyedItems(dataset, keys)
