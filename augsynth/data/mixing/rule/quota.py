"""Numbers of synthetic items in an epoch: in all, and in each group of real items."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from numbers import Rational
from typing import Any, Literal

import numpy as np

from augsynth.core.arrays import as_float, unwrapped
from augsynth.core.typing import Ints
from augsynth.errors import ArgumentError, ArgumentTypeError

Mode = Literal["replace", "extend"]
FixedRatio = float | Mapping[int, float]
Ratio = FixedRatio | Callable[[int], FixedRatio]


def quota(ratio: float, count: int, mode: Mode) -> int:
    """Return the number s of synthetic items that goes with `count` real ones.

    Args:
        ratio: synthetic fraction of an epoch, in [0, 1] ("extend": [0, 1)).
        count: number of real items.
        mode: "replace": s = round(ratio · count); "extend": the s with s = round(ratio · (count + s)).

    >>> quota(0.25, 100, "replace"), quota(0.25, 75, "extend")
    (25, 25)
    """
    # Rounding count·r/(1−r) moves s by at most 1/2, and s − r·(count+s) by (1−r) times that: still below 1/2.
    return round(ratio * count) if mode == "replace" else round(ratio * count / (1 - ratio))


def check_ratio(ratio: Any, mode: Mode, epoch: int | None = None) -> FixedRatio:
    """Return the ratio with Python's numbers, if it is in range; raise `ArgumentError` or `ArgumentTypeError`.

    Args:
        ratio: a number, or `{class: number}`, each in [0, 1] ("extend": [0, 1)); also NumPy's numbers and 0-d arrays.
        mode: "replace" or "extend".
        epoch: the epoch for which a function returned the ratio, for messages; None if the user gave it.
    """
    what = "ratio" if epoch is None else f"ratio({epoch})"
    if isinstance(ratio, Mapping):
        by_class = ((unwrapped(label), value) for label, value in ratio.items())
        return {label: _check_number(value, mode, f"{what} of class {label!r}") for label, value in by_class}
    return _check_number(ratio, mode, what)


def _check_number(value: Any, mode: Mode, what: str) -> float:
    number = unwrapped(value)
    if isinstance(number, bool) or not isinstance(number, (int, float, Rational)):
        raise ArgumentTypeError(
            f"{what} must be a number, a {{class: number}} or a callable of the epoch that gives one, "
            f"got {type(value).__name__}"
        )
    fraction = as_float(number)
    if not 0 <= fraction <= 1:
        raise ArgumentError(f"{what} must be in [0, 1], the synthetic fraction of the epoch, got {value}")
    if mode == "extend" and fraction == 1:
        raise ArgumentError(
            f"{what} must be below 1 in mode 'extend', which keeps every real item; use mode='replace' for 1"
        )
    return fraction


def group_quotas(ratio: FixedRatio, sizes: Ints, classes: Ints | None, mode: Mode, phase: float) -> Ints:
    """Return the number of synthetic items (G,) in each group of real items.

    A ratio for each class is rounded in each class. A class without a ratio has no synthetic items. One ratio for all
    gives its exact quota, which is divided in proportion: each group gets its share rounded down or up. If phases are
    uniform, every group gets its exact share on average (systematic sampling; Cox, "A constructive procedure for
    unbiased controlled rounding", JASA 1987).

    Args:
        ratio: synthetic fraction, one for all or by class.
        sizes: (G,) number of real items in each group.
        classes: (G,) class of each group; None if the groups are no classes.
        mode: "replace" or "extend".
        phase: number in [0, 1) that decides which groups round up.

    >>> group_quotas(0.5, np.array([3, 3]), np.array([0, 1]), "replace", phase=0.0).tolist()
    [1, 2]
    """
    if isinstance(ratio, Mapping):
        assert classes is not None
        ratios = [ratio.get(label, 0.0) for label in classes.tolist()]
        quotas = [quota(fraction, size, mode) for fraction, size in zip(ratios, sizes.tolist(), strict=True)]
        return np.array(quotas, np.int64)
    total, count = quota(ratio, int(sizes.sum()), mode), int(sizes.sum())
    offset = int(phase * count)
    ends = (total * np.cumsum(sizes) + offset) // count
    return np.diff(ends, prepend=0)
