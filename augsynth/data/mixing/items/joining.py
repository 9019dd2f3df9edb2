"""Real and synthetic values that go into one batch: refused when a mix is built if no batch could hold both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from augsynth.data.mixing.items.form import Fields, form, is_array, is_number, label_like
from augsynth.errors import DataError


def require_joinable(real: Fields, synthetic: Fields) -> None:
    """Raise `DataError` if a field of a real item and the same field of a synthetic one cannot be joined in a batch.

    Both must be numbers, text, None, arrays of one shape (and one dtype, but for labels, which are converted), or
    sequences or dicts of such. `default_collate` would fail on others, or give a type that depends on their order.
    """
    for name in real.keys() & synthetic.keys():
        one, other = real[name], synthetic[name]
        other = label_like(other, one) if name == "label" else other
        if not _joinable(one, other):
            raise DataError(
                f"the {name} of a real item and of a synthetic one cannot be joined in a batch: {form(one)} and "
                f"{form(synthetic[name])}; give both in one form"
            )


def _joinable(one: Any, other: Any) -> bool:
    if is_number(one) and is_number(other):
        return _shape(one) == _shape(other)
    if is_array(one) and is_array(other):
        alike = isinstance(one, torch.Tensor) == isinstance(other, torch.Tensor)
        return bool(alike and one.shape == other.shape and one.dtype == other.dtype)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() <= other.keys() and all(_joinable(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(_joinable, one, other))
    numeric = any(map(is_number, (one, other))) or any(map(is_array, (one, other)))
    return not numeric and (isinstance(other, type(one)) or isinstance(one, type(other)))


def _shape(number: Any) -> tuple[int, ...]:
    return tuple(getattr(number, "shape", ()))
