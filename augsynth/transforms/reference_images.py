"""Reference images: other images whose look a transform takes over."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from augsynth.core.images import as_view
from augsynth.core.items import ItemStructure
from augsynth.core.typing import Image
from augsynth.errors import ArgumentError, ArgumentTypeError


class ReferenceImages:
    """Images that are read one at a time, when a plan needs them.

    Args:
        items: an array (n, H, W, C) or a tensor (n, C, H, W), or any object with a length whose items are images, or
            pairs or dicts with an image, such as `EncodedImageFolder`, a `SyntheticPool` or a list.

    >>> ReferenceImages(np.zeros((3, 4, 6, 1), np.uint8))
    ReferenceImages(3 images)
    """

    def __init__(self, items: Any) -> None:
        try:
            count = None if isinstance(items, (str, bytes)) or not hasattr(items, "__getitem__") else len(items)
        except TypeError:  # an array without axes, or a class
            count = None
        if count is None:
            raise ArgumentTypeError(
                "references must be images: an array, a list, or a data set with a length, such as "
                f"augsynth.data.EncodedImageFolder(path); got {type(items).__name__}"
            )
        if count == 0:
            raise ArgumentError("references must hold at least one image, got none")
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, number: int) -> Image:
        """The image (H, W, C) of that number."""
        what = f"references[{number}]"
        item = self.items[number]
        return as_view(ItemStructure.of(item, what).split(item)[0], what)

    def __repr__(self) -> str:
        return f"ReferenceImages({len(self)} images)"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ReferenceImages):
            return NotImplemented
        one, two = self.items, other.items
        if one is two:
            return True
        if isinstance(one, (np.ndarray, torch.Tensor)) or isinstance(two, (np.ndarray, torch.Tensor)):
            return type(one) is type(two) and one.dtype == two.dtype and np.array_equal(one, two)
        return bool(one == two)

    def __hash__(self) -> int:
        return hash(len(self))
