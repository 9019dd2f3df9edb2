"""Loss weights of real and synthetic items, with a mean of 1 over an epoch."""

from __future__ import annotations

from typing import Any

import numpy as np

from augsynth.core.checks import check_number
from augsynth.errors import ArgumentError


def check_synthetic_weight(value: Any, return_weight: bool) -> float | None:
    """Return the weight of the synthetic side if it is in [0, 1], or None; raise `ArgumentError` otherwise."""
    if value is None:
        return None
    if not return_weight:
        raise ArgumentError("synthetic_weight needs return_weight=True, which adds the weight to each item")
    return check_number("synthetic_weight", value, 0.0, 1.0)


def loss_weights(synthetic_weight: float | None, length: int, synthetic: int) -> tuple[np.float32, np.float32]:
    """Return the weight of a real item and that of a synthetic item of an epoch.

    With n real and m synthetic items, the mean of weight · loss over the epoch is (1 − α)/n · Σ real + α/m · Σ
    synthetic. An epoch with items of one kind alone has weights of 1.

    Args:
        synthetic_weight: α in [0, 1]; None for the share of synthetic items, so that all weights are 1.
        length: number n + m of items.
        synthetic: number m of synthetic items.

    >>> loss_weights(0.5, length=100, synthetic=80)
    (np.float32(2.5), np.float32(0.625))
    """
    real = length - synthetic
    if synthetic_weight is None or not real or not synthetic:
        return np.float32(1), np.float32(1)
    return np.float32((1 - synthetic_weight) * length / real), np.float32(synthetic_weight * length / synthetic)
