"""Real and synthetic values that go into one batch: a mix refuses values that no batch can hold, when it is built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from augsynth.core.items import Fields
from augsynth.data.mixing.items.form import form, is_array, is_number, label_like
from augsynth.errors import DataError, shown
from augsynth.generators.reading.class_names import differing_label, read_class_names


def require_same_class_names(real: Any, synthetic: Any) -> None:
    """Raise `DataError` if both data sets name their classes and a label has another name on each side.

    Names are compared for the labels that both sides name. A data set without names is not compared.
    """
    names, others = read_class_names(real), read_class_names(synthetic)
    label = differing_label(names, others)
    if label is None or names is None or others is None:
        return
    kind = "are the same in another order" if set(names) == set(others) else "differ"
    raise DataError(
        f"the class names of real and synthetic {kind}: label {label} is {shown(names[label])} in real and "
        f"{shown(others[label])} in synthetic (real {shown(list(names))}, synthetic {shown(list(others))}); "
        "number the classes of both alike"
    )


def require_joinable(real: Fields, synthetic: Fields, label: str) -> None:
    """Raise `DataError` if a field of a real item and the same field of a synthetic one do not fit into one batch.

    Both must be numbers, text, None, arrays of one shape (and one dtype, except labels, which are converted), or
    sequences or dicts of these. `default_collate` would fail on others, or give a type that depends on their order.

    Args:
        real, synthetic: fields of one item of each side.
        label: name of the field that is the label.
    """
    for name in real.keys() & synthetic.keys():
        ours, theirs = real[name], synthetic[name]
        theirs = label_like(theirs, ours) if name == label else theirs
        if not _joinable(ours, theirs):
            raise DataError(
                f"the {name} of a real item and of a synthetic one cannot be joined in a batch: {form(ours)} and "
                f"{form(synthetic[name])}; give both in one form"
            )


def _joinable(real: Any, synthetic: Any) -> bool:
    both = (real, synthetic)
    if all(map(is_number, both)):
        return _shape(real) == _shape(synthetic)
    if all(map(is_array, both)):
        alike = isinstance(real, torch.Tensor) == isinstance(synthetic, torch.Tensor)
        return bool(alike and real.shape == synthetic.shape and real.dtype == synthetic.dtype)
    if isinstance(real, Mapping) and isinstance(synthetic, Mapping):
        return real.keys() <= synthetic.keys() and all(_joinable(real[key], synthetic[key]) for key in real)
    if isinstance(real, (list, tuple)) and isinstance(synthetic, (list, tuple)):
        return len(real) == len(synthetic) and all(map(_joinable, real, synthetic))
    numeric = any(map(is_number, both)) or any(map(is_array, both))
    return not numeric and (isinstance(synthetic, type(real)) or isinstance(real, type(synthetic)))


def _shape(number: Any) -> tuple[int, ...]:
    return tuple(getattr(number, "shape", ()))
