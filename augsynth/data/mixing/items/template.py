"""The form of the real items of a mix, and synthetic items in this form."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from augsynth.core.items import DEFAULT_KEYS, Fields, ItemKeys
from augsynth.data.mixing.items.form import ImageForm, label_like, structure_of
from augsynth.data.mixing.items.joining import require_joinable
from augsynth.errors import ArgumentError, ArgumentTypeError, DataError
from augsynth.generators.reading.keyed import with_default_keys


class ItemTemplate:
    """Form of the items of `real`: their structure, their images and their fields, read from its first item.

    Args:
        real: map-style dataset with at least one item, `(image, label)` or a dict.
        passthrough: names of fields that stay as they are when an image is transformed.
        keys: keys of the image and the label in items that are dicts.
        bare: accept items that are an image alone. Default False.
    """

    def __init__(
        self, real: Any, passthrough: Collection[str], keys: ItemKeys = DEFAULT_KEYS, *, bare: bool = False
    ) -> None:
        if len(real) == 0:
            raise DataError("real has no items")
        item = real[0]
        self.structure = structure_of(item, "real", keys)
        if self.structure.kind == "image" and not bare:
            raise ArgumentTypeError(
                f"items of real must be (image, label) or a dict with 'image', got a bare {type(item).__name__}"
            )
        image, self.example = self.structure.split(item)
        self._holds_class = self.structure.kind == "pair" and type(self.example.get("label")) is int
        self.passthrough = frozenset(passthrough)
        self._form = ImageForm.of(image, "real")

    def target(self, fields: Fields) -> Any:
        """Return the part of the fields that moves with the image, or None; see `Structure.target`."""
        return self.structure.target(fields, self.passthrough)

    def require_no_target(self, fields: Fields) -> None:
        """Raise `ArgumentError` if fields would stay behind when the image alone is transformed."""
        if self.target(fields) is not None:
            raise self.stays_behind()

    def stays_behind(self) -> ArgumentError:
        """Return the error for targets that a transform would not move."""
        return ArgumentError(
            f"items of real hold targets ({', '.join(self.example)}), which would not move with the transformed "
            "image: use one of augsynth.transforms, transform them after the mix (transform=None), or name in "
            "passthrough the fields that shall stay as they are"
        )

    def has_all_fields(self, item: Any) -> bool:
        """Return whether a synthetic item has every field of the real ones."""
        return self.example.keys() <= self._split(item)[1].keys()

    def convert(self, item: Any, partner: Any = None) -> Any:
        """Return a synthetic item in the form of the real ones.

        Args:
            item: item of the synthetic data set, in any form.
            partner: real item that gives the fields which the synthetic one lacks; None if it lacks none.
        """
        if self._holds_class and type(item) is tuple and len(item) == 2 and type(item[1]) is int:
            return self._form.convert(item[0]), item[1]  # by far the most, and three times quicker than the general way
        image, fields = self._split(item)
        if partner is not None:
            fields = {**self.structure.split(partner)[1], **fields}
        kept = {name: fields[name] for name in self.example}
        label = self.structure.label
        if label in kept:
            kept[label] = label_like(kept[label], self.example[label])
        return self.structure.join(self._form.convert(image), kept)

    def check_synthetic(self, item: Any, pairing: str) -> None:
        """Raise `DataError` if a synthetic item cannot stand beside the real ones."""
        image, fields = self._split(item)
        missing = sorted(self.example.keys() - fields.keys())
        if missing and pairing != "index":
            raise DataError(
                f"synthetic items lack {', '.join(missing)}, which real items have; give them, or use pairing='index', "
                "where a synthetic item takes them from the real one it was made from"
            )
        self._form.require_same_values(ImageForm.of(image, "synthetic"))
        real_has_target = self.structure.has_target(self.example)
        if real_has_target != self.structure.has_target(fields):
            having, lacking = ("real", "synthetic") if real_has_target else ("synthetic", "real")
            raise DataError(
                f"the {', '.join(self.example)} of {having} items say where things are in the image, those of "
                f"{lacking} ones do not: give both in one form"
            )
        if not real_has_target:  # Items with boxes, masks or keypoints are collated as lists.
            require_joinable(self.example, fields, self.structure.label)

    def with_default_keys(self, synthetic: Any) -> Any:
        """Return a synthetic data set whose items are read with the default keys, a view if it has those of `real`."""
        if self.structure.keys == DEFAULT_KEYS or not hasattr(synthetic, "__getitem__") or len(synthetic) == 0:
            return synthetic
        return with_default_keys(synthetic, keys_of(synthetic[0], self.structure.keys))

    def _split(self, item: Any) -> tuple[Any, Fields]:
        """Return the image of a synthetic item and its fields, of which the label has the name that real items use."""
        if type(item) is tuple and len(item) == 2:  # five times quicker than the general way
            return item[0], {self.structure.label: item[1]}
        structure = structure_of(item, "synthetic", keys_of(item, self.structure.keys))
        image, fields = structure.split(item)
        if structure.label != self.structure.label and structure.label in fields:
            fields[self.structure.label] = fields.pop(structure.label)
        return image, fields


def keys_of(item: Any, keys: ItemKeys) -> ItemKeys:
    """Return the keys of a synthetic item: those of the real ones that it has, "image" and "label" otherwise.

    Args:
        item: item of the synthetic data set, in any form.
        keys: keys of the real items.
    """
    if keys == DEFAULT_KEYS or not isinstance(item, Mapping):
        return DEFAULT_KEYS
    named = {name: key for name, key in vars(keys).items() if key in item}
    return replace(DEFAULT_KEYS, **named)
