"""Transforming the items of a batch: images by their keys, and targets with them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from augsynth.core.items import Fields
from augsynth.core.typing import Ints
from augsynth.data.mixing.items.batch import Batch
from augsynth.data.mixing.items.failures import each, together
from augsynth.data.mixing.items.template import ItemTemplate
from augsynth.errors import ArgumentTypeError
from augsynth.targets import all_plain


@runtime_checkable
class KeyedTransform(Protocol):
    """Transform of a batch of images with one random key (seed, epoch, index) each.

    It returns the tensor of the images, or with `targets` this tensor and a list of the moved targets.
    """

    def batch(self, images: list[Any], targets: Any = None, *, keys: Ints) -> Any: ...


class ItemTransform:
    """Transform of a mix, applied to the items of a batch.

    Args:
        transform: a `KeyedTransform`, a function of one image, or None to leave images as they are.
        template: form of the items.

    Raises `ArgumentTypeError` if the transform is not callable, and `ArgumentError` if it would leave a target of
    the real items behind.
    """

    def __init__(self, transform: Callable[..., Any] | None, template: ItemTemplate) -> None:
        if transform is not None and not callable(transform):
            raise ArgumentTypeError(f"transform must be callable, got {type(transform).__name__}")
        self._transform = transform
        self._keyed = transform if isinstance(transform, KeyedTransform) else None  # a slow question, asked once
        self._template = template
        self._moves_targets = _takes_targets(transform)
        if transform is not None:
            check = template.target if self._moves_targets else template.require_no_target
            check(template.example)

    @property
    def draws_numbers(self) -> bool:
        """True if results depend on the epoch: a transform takes keys, and does not say that it draws nothing."""
        said = getattr(self._transform, "draws_numbers", None)
        if said is None:  # `Planned` and `DecodingTransform` hold a pipeline, which says it
            said = getattr(getattr(self._transform, "transform", None), "draws_numbers", None)
        return self._keyed is not None if said is None else bool(said)

    @property
    def leaves_all(self) -> bool:
        """True if items stay as they are."""
        return self._transform is None

    def apply(
        self,
        images: list[Any],
        fields: list[Fields],
        keys: Ints,
        where: Callable[[int], str],
        added: list[Fields] | None = None,
    ) -> Sequence[Any]:
        """Return the items: a `Batch` from a `KeyedTransform`, else a list.

        Args:
            images, fields: images of the items, and their other fields.
            keys: int64 (n, 3), the key (seed, epoch, position) of each item.
            where: gives words for the item with a number, for errors.
            added: fields that are set in each item after its transform; None for none.
        """
        transform = self._keyed
        if transform is not None:
            batch = together(lambda *columns: self._batch(transform, *columns), (images, fields, keys), where)
            return batch if added is None else batch.with_fields(added)
        if self._transform is not None:
            each(self._template.require_no_target, zip(fields, strict=True), where)
            images = each(self._transform, zip(images, strict=True), where)
        if added is not None:
            fields = [{**field, **more} for field, more in zip(fields, added, strict=True)]
        join = self._template.structure.join
        return [join(image, field) for image, field in zip(images, fields, strict=True)]

    def _batch(self, transform: KeyedTransform, images: list[Any], fields: list[Fields], keys: Ints) -> Batch:
        structure = self._template.structure
        if all_plain(chain.from_iterable(map(dict.values, fields))):
            return Batch(transform.batch(images, keys=keys), fields, structure)
        targets = [self._template.target(field) for field in fields]
        if all(target is None for target in targets):
            return Batch(transform.batch(images, keys=keys), fields, structure)
        if not self._moves_targets:
            raise self._template.stays_behind()
        batch, moved = transform.batch(images, [{} if target is None else target for target in targets], keys=keys)
        results = [
            field if target is None else structure.with_target(field, new)
            for field, target, new in zip(fields, targets, moved, strict=True)
        ]
        return Batch(batch, results, structure, stacked=_are_masks(moved))


def batch_keys(seed: int, epoch: int, positions: npt.NDArray[np.int64]) -> Ints:
    """Return the keys (n, 3) of the items at some positions of an epoch."""
    keys = np.empty((len(positions), 3), np.int64)
    keys[:, 0], keys[:, 1], keys[:, 2] = seed, epoch, positions
    return keys


def _are_masks(targets: Sequence[Any]) -> bool:
    """Return whether all targets are arrays or tensors of one shape, as masks by themselves are."""
    shapes = {getattr(target, "shape", None) for target in targets}
    return len(shapes) == 1 and None not in shapes


def _takes_targets(transform: Any) -> bool:
    return isinstance(transform, KeyedTransform) and "targets" in inspect.signature(transform.batch).parameters
