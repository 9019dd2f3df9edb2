"""Classes that users ask a generator for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from augsynth.core.arrays import unwrapped
from augsynth.errors import ArgumentError, ArgumentTypeError, shown


def check_labels(name: str, labels: Any, n: int, start: int, num_classes: int | None) -> Tensor | None:
    """Return classes, int64 (n,), on the CPU, or None for a generator without classes.

    Args:
        name: name of the generator, for messages.
        labels: one class, or `n` classes. For None, sample k has the class k mod K, so that every run of samples is
            balanced.
        n: number of samples, at least 0.
        start: number of the first sample, at least 0.
        num_classes: K, the number of classes; None for a generator without classes.
    """
    if num_classes is None:
        if labels is not None:
            raise ArgumentError(f"generator {name!r} is not conditional, so it takes no labels")
        return None
    if labels is None:
        return torch.arange(n, dtype=torch.int64, device="cpu").add_(start % num_classes).remainder_(num_classes)
    classes = _as_array(labels)
    if n == 0 and classes.size == 0:
        return torch.empty(0, dtype=torch.int64, device="cpu")
    if classes.dtype.kind not in "iu":
        raise ArgumentTypeError(f"labels must be integers, got {classes.dtype}: {shown(labels)}")
    if classes.shape not in ((), (n,)):
        raise ArgumentError(f"labels must be one class or {n} of them, got shape {classes.shape}")
    if classes.size and not 0 <= int(classes.min()) <= int(classes.max()) < num_classes:
        found = f"{int(classes.min())}…{int(classes.max())}"
        raise ArgumentError(f"labels must lie in 0…{num_classes - 1}, got {found}")
    return torch.from_numpy(np.broadcast_to(classes, (n,)).astype(np.int64))


def _as_array(labels: Any) -> np.ndarray[Any, Any]:
    """Convert labels of any form to an array, whose dtype shows their kind."""
    if isinstance(labels, Tensor):
        labels = labels.detach().cpu()
    elif isinstance(labels, Sequence) and not isinstance(labels, str):
        labels = [unwrapped(label) for label in labels]
    try:
        return np.asarray(labels)
    except Exception as cause:
        raise ArgumentTypeError(f"labels must be integers, got {shown(labels)}: {cause}") from cause
