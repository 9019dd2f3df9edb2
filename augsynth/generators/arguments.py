"""Checks of the arguments that users give."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from augsynth.core.arrays import as_float, unwrapped
from augsynth.errors import ArgumentError, ArgumentTypeError, shown

_MOST = 2**63 - 1


def check_count(argument: str, value: Any, least: int) -> int:
    """Return `value` as Python's integer if it is one of at least `least`; raise `ArgumentError` otherwise."""
    number = unwrapped(value)
    if isinstance(number, bool) or not isinstance(number, int):
        raise ArgumentError(f"{argument} must be an integer, got {shown(value)}")
    if not least <= number <= _MOST:
        bound = f"at least {least}" if number < least else "below 2**63"
        raise ArgumentError(f"{argument} must be {bound}, got {shown(number)}")
    return int(number)


def check_number(argument: str, value: Any) -> float:
    """Return `value` as Python's float if it is a finite number; raise `ArgumentError` otherwise."""
    number = unwrapped(value)
    if isinstance(number, bool) or not isinstance(number, (int, float)) or not math.isfinite(as_float(number)):
        raise ArgumentError(f"{argument} must be a finite number, got {shown(value)}")
    return as_float(number)


def check_path(argument: str, value: Any) -> Path:
    """Return the absolute path, which means the same after a change of the working folder."""
    try:
        path = Path(value)
        path.exists()  # raises ValueError where no file can have that name
        return path.absolute()
    except (TypeError, ValueError) as cause:
        raise ArgumentTypeError(f"{argument} must be the path of a folder, got {shown(value)}: {cause}") from cause
    except OSError:
        return Path(value).absolute()


def check_labels(name: str, labels: Any, n: int, start: int, num_classes: int | None) -> Tensor | None:
    """Return int64 `(n,)` classes on the CPU, or None for a generator without classes.

    None goes round the classes: sample k is of class k mod K, so that any run of samples is balanced.
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
    """Labels of any form as an array, whose dtype tells what they are."""
    if isinstance(labels, Tensor):
        labels = labels.detach().cpu()
    elif isinstance(labels, Sequence) and not isinstance(labels, str):
        labels = [unwrapped(label) for label in labels]
    try:
        return np.asarray(labels)
    except Exception as cause:
        raise ArgumentTypeError(f"labels must be integers, got {shown(labels)}: {cause}") from cause


def require_memory(what: str, size: int) -> None:
    """Raise `ArgumentError` if the system has no `size` bytes. (It reserves them, and touches none.)"""
    try:
        np.empty(size, np.uint8)
    except (MemoryError, ValueError, OverflowError) as cause:
        raise ArgumentError(f"there is no memory for {what}: that takes {size / 2**30:,.0f} GiB") from cause
