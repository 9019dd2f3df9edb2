"""Values that a mix gives with each item, beside those of the data sets: label vector, loss weight, source."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from augsynth.core.items import Fields
from augsynth.core.typing import Floats, Labels
from augsynth.data.mixing.items.failures import each
from augsynth.data.mixing.items.form import structure_of
from augsynth.data.mixing.items.soft_labels import SoftLabels, between, label_vector, length_of_vector
from augsynth.data.mixing.items.template import ItemTemplate
from augsynth.data.mixing.items.weights import loss_weights
from augsynth.data.mixing.rule.labels import as_class, class_labels
from augsynth.data.mixing.rule.rule import MixRule, SyntheticSource
from augsynth.errors import ArgumentError

ItemSource = Callable[[int, int], Any]


class ItemAdditions:
    """Fields that are added to the items of a batch after their transform, in this order.

    * the vector of the label, in its place, with `soft`;
    * "weight", a float32, with `weighted`;
    * "source", with `source`.

    Args:
        template: form of the items; a field of the same name is refused.
        soft: label vectors; None for the labels as they are.
        weighted: whether items get a loss weight.
        synthetic_weight: α of the loss weights; see `loss_weights`.
        source: gives the source of an item, from the number of its data set and its position there; None for no source.
    """

    def __init__(
        self,
        template: ItemTemplate,
        soft: LabelVectors | None,
        weighted: bool,
        synthetic_weight: float | None,
        source: ItemSource | None,
    ) -> None:
        for name, wanted in (("weight", weighted), ("source", source is not None)):
            if wanted and name in template.example:
                raise ArgumentError(
                    f"items of real have a field {name!r} already, and return_{name}=True would replace it: rename it"
                )
        self._label = template.structure.label
        self._soft = soft
        self._weighted = weighted
        self._synthetic_weight = synthetic_weight
        self._source = source

    @property
    def adds_none(self) -> bool:
        """True if items get no further fields."""
        return self._soft is None and self._source is None and not self._weighted

    def of(
        self,
        length: int,
        synthetic: int,
        numbers: Sequence[int],
        items: Sequence[int],
        fields: Sequence[Fields],
        where: Callable[[int], str],
    ) -> list[Fields] | None:
        """Return the fields to add to each item, or None for none.

        Args:
            length: number of items of the epoch, or its share.
            synthetic: number of synthetic items among these.
            numbers: for each item 0, or k + 1 for synthetic source k.
            items: its position in this data set.
            fields: its fields, before the transform.
            where: gives words for the item with a number, for errors.
        """
        columns: dict[str, Any] = {}
        if self._soft is not None:
            labels = (field[self._label] for field in fields)
            columns[self._label] = each(self._soft.vector, zip(numbers, items, labels, strict=True), where)
        if self._weighted:
            of_real, of_synthetic = loss_weights(self._synthetic_weight, length, synthetic)
            columns["weight"] = [of_synthetic if number else of_real for number in numbers]
        if self._source is not None:
            columns["source"] = map(self._source, numbers, items)
        if not columns:
            return None
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


class LabelVectors:
    """Label vectors of a mix with `soft_labels`; raises `ArgumentError` or `DataError` if its labels have none.

    Args:
        options: strengths and γ.
        real: the real data set, as `class_labels` takes it.
        template: form of the items.
        rule: knows the real item that a synthetic one was made from.
        sources: synthetic sources.
        classes: gives the number of classes, when the options do not and labels are no vectors.
        progress: show a progress bar while labels are read.
    """

    def __init__(
        self,
        options: SoftLabels,
        real: Any,
        template: ItemTemplate,
        rule: MixRule,
        sources: Sequence[SyntheticSource],
        classes: Callable[[], int],
        progress: bool,
    ) -> None:
        self._real = real
        self._rule = rule
        self._weights: list[Floats] = [options.weights(source.name, len(source.data)) for source in sources]
        example = template.example.get(template.structure.label)
        length = length_of_vector(example)
        if length is None:
            as_class(example, "real")
        self._classes: Labels | None = None
        if length is None and sources:
            self._classes = class_labels(real, "real", progress=progress)
        self.num_classes = options.num_classes or length or classes()
        label_vector(example, self.num_classes)

    def vector(self, number: int, item: int, label: Any) -> torch.Tensor:
        """Return the label of an item as a vector (K,).

        Args:
            number: 0, or k + 1 for synthetic source k.
            item: position in this data set.
            label: label of the item.
        """
        own = label_vector(label, self.num_classes)
        partner = self._rule.partner(number - 1, item) if number else None
        if partner is None:
            return own
        return between(
            label_vector(self._label_of_real(partner), self.num_classes), own, self._weights[number - 1][item]
        )

    def _label_of_real(self, item: int) -> Any:
        if self._classes is not None:
            return int(self._classes[item])
        read = self._real[item]
        return structure_of(read, "real").split(read)[1]["label"]
