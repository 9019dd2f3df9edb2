"""Items of a user's data set, read into an image and named fields, and the class that a label names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from augsynth.core.checks import as_integer
from augsynth.errors import ArgumentError, ArgumentTypeError, AugsynthError

if TYPE_CHECKING:
    from typing_extensions import Self

Fields = dict[str, Any]


@dataclass(frozen=True)
class ItemKeys:
    """Keys of the image and of the label in items that are dicts.

    Args:
        image: key of the image; default "image".
        label: key of the label, which an item need not have if it is the default "label".
    """

    image: str = "image"
    label: str = "label"

    @classmethod
    def checked(cls, image_key: Any, label_key: Any) -> Self:
        """Return the keys that a user gives; raise `ArgumentTypeError` or `ArgumentError` if they cannot be keys."""
        for name, key in (("image_key", image_key), ("label_key", label_key)):
            if not isinstance(key, str):
                raise ArgumentTypeError(f"{name} must be a text, a key of the dicts, got {type(key).__name__}")
        if image_key == label_key:
            raise ArgumentError(f"image_key and label_key must differ, got {image_key!r} for both")
        return cls(image_key, label_key)


DEFAULT_KEYS = ItemKeys()
"""Keys of items whose user names none."""


@dataclass(frozen=True)
class ItemStructure:
    """Form of the items of a data set.

    Args:
        kind: "pair" for `(image, label, …)`, "dict" for a mapping with an image, or "image" for a bare image.
        fields: names of the values beside the image; in a pair "label", or none if it is an image alone.
        keys: keys of the image and the label in a mapping.

    >>> pair = ItemStructure.of(("picture", 7), "items of real")
    >>> pair.split(("picture", 7))
    ('picture', {'label': 7})
    >>> pair.join("other picture", {"label": 3})
    ('other picture', 3)
    """

    kind: str
    fields: tuple[str, ...]
    keys: ItemKeys = DEFAULT_KEYS

    @classmethod
    def of(
        cls, item: Any, what: str, *, keys: ItemKeys = DEFAULT_KEYS, error: type[AugsynthError] = ArgumentTypeError
    ) -> Self:
        """Return the form of an item.

        Args:
            item: `(image, label, …)`, a mapping with the key of the image, or a bare image.
            what: what messages call the item.
            keys: keys of the image and the label in a mapping.
            error: the class of the error for an item without an image, or without the label that `keys` names.
        """
        if isinstance(item, Mapping):
            image = keys.image
            if image not in item or (keys.label not in item and keys.label != DEFAULT_KEYS.label):
                raise _missing_key(item, keys, what, error)
            return cls("dict", tuple([key for key in item if key != image]), keys)
        if keys != DEFAULT_KEYS:
            raise error(f"image_key and label_key are for items that are dicts, and {what} is a {type(item).__name__}")
        if isinstance(item, (tuple, list)):
            if not item:
                raise error(f"{what} must be (image, label) or a dict, got an empty {type(item).__name__}")
            return cls("pair", ("label",) if len(item) > 1 else ())
        return cls("image", ())

    @property
    def label(self) -> str:
        """Name of the field that holds the label, which items need not have."""
        return self.keys.label

    def split(self, item: Any) -> tuple[Any, Fields]:
        """Return the image of an item, and its other fields by name."""
        if self.kind == "dict":
            image = self.keys.image
            return item[image], {key: value for key, value in item.items() if key != image}
        if self.kind == "pair":
            return item[0], {"label": item[1]} if self.fields else {}
        return item, {}

    def split_all(self, items: Sequence[Any]) -> tuple[list[Any], list[Fields]]:
        """Return the images and the other fields of many items, much quicker than one by one."""
        if self.kind == "pair" and self.fields:
            return [item[0] for item in items], [{"label": item[1]} for item in items]
        split = [self.split(item) for item in items]
        return [image for image, _ in split], [fields for _, fields in split]

    def join(self, image: Any, fields: Fields) -> Any:
        """Return the item of an image and its fields, the inverse of `split`; a further field comes last."""
        if self.kind == "dict":
            return {self.keys.image: image, **fields}
        return (image, *fields.values()) if fields or self.kind == "pair" else image


def _missing_key(item: Mapping[Any, Any], keys: ItemKeys, what: str, error: type[AugsynthError]) -> AugsynthError:
    name, key = ("image_key", keys.image) if keys.image not in item else ("label_key", keys.label)
    found = ", ".join(map(str, item)) or "none"
    return error(f"{what} must have the key {key!r}, got the keys {found}; name the right one in {name}")


def class_of(label: Any) -> int | None:
    """Return the class that a label names, an integer in any form or an array of one integer; else None.

    >>> class_of(np.array([3])), class_of(torch.tensor(3)), class_of(3.0), class_of(torch.eye(3)[1])
    (3, 3, None, None)
    """
    try:
        return as_integer(label.item() if isinstance(label, (np.ndarray, torch.Tensor)) else label)
    except (ValueError, RuntimeError, NotImplementedError):  # several numbers, or none that can be read
        return None
