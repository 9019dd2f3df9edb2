"""Items of a user's data set, read into an image and named fields, and the class that a label names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from augsynth.core.checks import as_integer
from augsynth.errors import ArgumentTypeError, AugsynthError

if TYPE_CHECKING:
    from typing_extensions import Self

Fields = dict[str, Any]


@dataclass(frozen=True)
class ItemStructure:
    """Form of the items of a data set.

    Args:
        kind: "pair" for `(image, label, …)`, "dict" for a mapping with "image", or "image" for a bare image.
        fields: names of the values beside the image; in a pair "label", or none if it is an image alone.

    >>> pair = ItemStructure.of(("picture", 7), "items of real")
    >>> pair.split(("picture", 7))
    ('picture', {'label': 7})
    >>> pair.join("other picture", {"label": 3})
    ('other picture', 3)
    """

    kind: str
    fields: tuple[str, ...]

    @classmethod
    def of(cls, item: Any, what: str, *, error: type[AugsynthError] = ArgumentTypeError) -> Self:
        """Return the form of an item.

        Args:
            item: `(image, label, …)`, a mapping with the key "image", or a bare image.
            what: what messages call the item.
            error: the class of the error for an item without an image.
        """
        if isinstance(item, Mapping):
            if "image" not in item:
                found = ", ".join(map(str, item)) or "none"
                raise error(f"{what} must have the key 'image', got the keys {found}")
            return cls("dict", tuple(key for key in item if key != "image"))
        if isinstance(item, (tuple, list)):
            if not item:
                raise error(f"{what} must be (image, label) or a dict, got an empty {type(item).__name__}")
            return cls("pair", ("label",) if len(item) > 1 else ())
        return cls("image", ())

    def split(self, item: Any) -> tuple[Any, Fields]:
        """Return the image of an item, and its other fields by name."""
        if self.kind == "dict":
            return item["image"], {key: value for key, value in item.items() if key != "image"}
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
            return {"image": image, **fields}
        return (image, *fields.values())


def class_of(label: Any) -> int | None:
    """Return the class that a label names, an integer in any form or an array of one integer; else None.

    >>> class_of(np.array([3])), class_of(torch.tensor(3)), class_of(3.0), class_of(torch.eye(3)[1])
    (3, 3, None, None)
    """
    try:
        return as_integer(label.item() if isinstance(label, (np.ndarray, torch.Tensor)) else label)
    except (ValueError, RuntimeError, NotImplementedError):  # several numbers, or none that can be read
        return None
