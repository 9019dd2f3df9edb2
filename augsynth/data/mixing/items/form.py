"""Forms of items, `(image, label)` or a dict, of images and of labels; conversion to another form."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from augsynth.core.arrays import to_numpy
from augsynth.core.images import as_view
from augsynth.core.items import DEFAULT_KEYS, Fields, ItemKeys, ItemStructure
from augsynth.errors import ArgumentTypeError, DataError, shown
from augsynth.targets import check_fields, is_plain, is_target


class Structure(ItemStructure):
    """Form of the items of a mix, which also tells the part that moves with the image.

    >>> pair = structure_of((np.zeros((2, 2), np.uint8), 7), "real")
    >>> pair.join("picture", {"label": 3})
    ('picture', 3)
    """

    def target(self, fields: Fields, passthrough: Collection[str] = ()) -> Any:
        """Return the part of an item that moves with its image: the label of a pair, or fields of a dict; or None.

        Raises `ArgumentError` for a field that would wrongly stay behind.

        Args:
            fields: fields of the item.
            passthrough: names of fields that stay as they are.
        """
        candidate = self._candidate(fields, passthrough)
        if is_plain(candidate):
            return None
        if is_target(candidate):
            return candidate
        check_fields(candidate if isinstance(candidate, Mapping) else {"label": candidate}, passthrough)
        return None

    def has_target(self, fields: Fields) -> bool:
        """Return whether an item has boxes, masks or keypoints."""
        return is_target(self._candidate(fields, ()))

    def _candidate(self, fields: Fields, passthrough: Collection[str]) -> Any:
        if self.kind == "pair":
            return None if "label" in passthrough else fields["label"]
        return {name: value for name, value in fields.items() if name not in passthrough}

    def with_target(self, fields: Fields, target: Any) -> Fields:
        """Return the fields with another target."""
        return {**fields, **({"label": target} if self.kind == "pair" else target)}


def structure_of(item: Any, name: str, keys: ItemKeys = DEFAULT_KEYS) -> Structure:
    """Return the form of an item: `(image, label)`, a dict with an image, or a bare image.

    Args:
        item: item of a data set.
        name: name of the data set in messages.
        keys: keys of the image and the label in a dict.
    """
    if isinstance(item, (tuple, list)) and len(item) != 2:
        raise ArgumentTypeError(
            f"items of {name} must be (image, label) or a dict, got a {type(item).__name__} of {len(item)}"
        )
    return Structure.of(item, f"items of {name}", keys=keys)


@dataclass(frozen=True)
class ImageForm:
    """Form of the images of a data set.

    Args:
        library: "numpy", "torch" or "pil".
        ndim: 2 or 3 dimensions.
        dtype: name of the dtype.
        channels: number of channels.
    """

    library: str
    ndim: int
    dtype: str
    channels: int

    @classmethod
    def of(cls, image: Any, name: str) -> ImageForm:
        """Return the form of an image; `name` is the name of its data set in messages."""
        view = as_view(image, f"an image of {name}")
        if isinstance(image, torch.Tensor):
            return cls("torch", image.ndim, view.dtype.name, view.shape[2])
        if isinstance(image, np.ndarray):
            return cls("numpy", image.ndim, view.dtype.name, view.shape[2])
        return cls("pil", np.asarray(image).ndim, view.dtype.name, view.shape[2])

    def require_same_values(self, synthetic: ImageForm) -> None:
        """Raise `DataError` if values of synthetic images would have to be converted."""
        if self.dtype != synthetic.dtype:
            raise DataError(
                f"real images are {self.dtype}, synthetic ones {synthetic.dtype}, and nothing is rescaled silently: "
                f"let the real data set give {synthetic.dtype} images and convert both in `transform` "
                "(for example with transforms.ToDtype)"
            )
        if self.channels != synthetic.channels:
            raise DataError(
                f"real images have {self.channels} channels, synthetic ones {synthetic.channels}: "
                "convert one of the two data sets"
            )

    def convert(self, image: Any) -> Any:
        """Return the same pixels in this form, as a view if the library allows it."""
        if self.library == "numpy" and isinstance(image, np.ndarray) and image.ndim == self.ndim:
            return image
        view = as_view(image, "a synthetic image")
        array = view[:, :, 0] if self.ndim == 2 else view
        if self.library == "numpy":
            return array
        if self.library == "torch":
            writable = array if array.flags.writeable else array.copy()
            return torch.from_numpy(writable if self.ndim == 2 else writable.transpose(2, 0, 1))
        from PIL import Image

        return Image.fromarray(array)


def label_like(label: Any, example: Any) -> Any:
    """Return a synthetic label, a number or a vector, in the type of a real one, so that both fit into one batch."""
    if type(label) is type(example) is int:
        return label
    if is_number(label) and is_number(example):
        value = label.item() if isinstance(label, (torch.Tensor, np.ndarray, np.generic)) else label
        if isinstance(example, torch.Tensor):
            result: Any = torch.full(example.shape, value, dtype=example.dtype, device=example.device)
        elif isinstance(example, np.ndarray):
            result = np.full(example.shape, value).astype(example.dtype)
        else:
            result = type(example)(value)
        same = result == value
    elif is_array(label) and is_array(example):
        result, same = _array_like(label, example)
    else:
        return label
    if not same:
        raise DataError(f"the synthetic label {shown(label)} does not fit the type of real labels, {form(example)}")
    return result


def _array_like(label: Any, example: Any) -> tuple[Any, bool]:
    """Return the values in the library and dtype of another array, and whether they fit; fractions may be rounded."""
    values = to_numpy(label, "a synthetic label")
    cast = values.astype(to_numpy(example, "a label of real").dtype, copy=False)
    same = values.dtype.kind == cast.dtype.kind == "f" or bool((cast == values).all())
    if isinstance(example, np.ndarray):
        return cast, same
    return (label if isinstance(label, torch.Tensor) and cast is values else torch.from_numpy(cast)), same


def is_number(value: Any) -> bool:
    """Return whether a value is one number, of any library."""
    if isinstance(value, torch.Tensor):
        return value.numel() == 1
    if isinstance(value, np.ndarray):
        return value.size == 1 and value.dtype.kind in "biuf"
    return isinstance(value, (int, float, np.number))


def is_array(value: Any) -> bool:
    """Return whether a value is a tensor or an array of several numbers, or of none."""
    if isinstance(value, np.ndarray):
        return value.size != 1 and value.dtype.kind in "biuf"
    return isinstance(value, torch.Tensor) and value.numel() != 1


def form(value: Any) -> str:
    """Describe the form of a value in messages.

    >>> form(3), form(np.zeros((2, 3))), form(torch.zeros(2)), form([1, 2])
    ('int', 'ndarray float64 (2, 3)', 'Tensor float32 (2,)', 'list of 2')
    """
    if isinstance(value, (torch.Tensor, np.ndarray)):
        return f"{type(value).__name__} {str(value.dtype).removeprefix('torch.')} {tuple(value.shape)}"
    sized = isinstance(value, (list, tuple, Mapping))
    return f"{type(value).__name__} of {len(value)}" if sized else type(value).__name__
