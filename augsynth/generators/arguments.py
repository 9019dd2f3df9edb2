"""Checks of the arguments that users give."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from augsynth.errors import ArgumentError, ArgumentTypeError


def check_count(argument: str, value: int, least: int) -> int:
    """Return `value` if it is an integer of at least `least`; raise `ArgumentError` otherwise."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise ArgumentError(f"{argument} must be an integer, got {value!r}")
    if value < least:
        raise ArgumentError(f"{argument} must be at least {least}, got {value}")
    return int(value)


def check_labels(
    name: str, labels: int | Sequence[int] | Tensor | None, n: int, start: int, num_classes: int | None
) -> Tensor | None:
    """Return int64 `(n,)` classes, or None for a generator without classes.

    None goes round the classes: sample k is of class k mod K, so that any run of samples is balanced.
    """
    if num_classes is None:
        if labels is not None:
            raise ArgumentError(f"generator {name!r} is not conditional, so it takes no labels")
        return None
    if labels is None:
        return torch.arange(start, start + n) % num_classes
    classes = torch.as_tensor(labels)
    if n == 0 and classes.numel() == 0:
        return torch.empty(0, dtype=torch.int64)
    if classes.is_floating_point() or classes.is_complex() or classes.dtype == torch.bool:
        raise ArgumentTypeError(f"labels must be integers, got {classes.dtype}")
    classes = classes.to("cpu", torch.int64)
    if classes.ndim == 0:
        classes = classes.expand(n).clone()
    if classes.shape != (n,):
        raise ArgumentError(f"labels must be one class or {n} of them, got shape {tuple(classes.shape)}")
    if n and not 0 <= int(classes.min()) <= int(classes.max()) < num_classes:
        found = f"{int(classes.min())}…{int(classes.max())}"
        raise ArgumentError(f"labels must lie in 0…{num_classes - 1}, got {found}")
    return classes
