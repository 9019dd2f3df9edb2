"""Confidence intervals of the mean over independent runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from augsynth.errors import ArgumentError, PluginError


class Interval(NamedTuple):
    """Mean with its confidence interval.

    Args:
        mean: mean of the values.
        low: lower bound of the interval; NaN for a single value.
        high: upper bound of the interval; NaN for a single value.
    """

    mean: float
    low: float
    high: float

    @property
    def half_width(self) -> float:
        """Half the length of the interval: the number after the ± sign."""
        return (self.high - self.low) / 2


def mean_interval(values: Sequence[float], confidence: float = 0.95, *, overlap: float = 0.0) -> Interval:
    """Return the mean of independent runs with Student's t interval, mean ± t(n−1)·s/√n.

    One value has no spread: its bounds are NaN. Needs scipy, in `augsynth[eval]`.

    Runs of a cross-validation share training images, so they are not independent, and s/√n is too small. With
    `overlap`, it becomes s·√(1/n + overlap) (Nadeau & Bengio, "Inference for the generalization error", Machine
    Learning 52, 2003; for repeated cross-validation, Bouckaert & Frank, PAKDD 2004).

    Args:
        values: one number a run, at least one.
        confidence: probability in (0, 1) that the interval contains the true mean; default 0.95.
        overlap: number of test images of a run divided by that of its training images, for runs of a cross-validation;
            default 0, for independent runs.

    >>> interval = mean_interval([0.90, 0.92, 0.94])
    >>> print(f"{interval.mean:.2f} ± {interval.half_width:.3f}")
    0.92 ± 0.050
    """
    data = np.asarray(values, dtype=np.float64)
    if data.ndim != 1 or len(data) == 0:
        raise ArgumentError(f"values must be a list of at least one number: got shape {data.shape}")
    if not 0 < confidence < 1:
        raise ArgumentError(f"confidence must lie between 0 and 1, as in 0.95: got {confidence}")
    mean = float(data.mean())
    if len(data) == 1:
        return Interval(mean, math.nan, math.nan)
    half = (
        _student_t((1 + confidence) / 2, len(data) - 1) * float(data.std(ddof=1)) * math.sqrt(1 / len(data) + overlap)
    )
    return Interval(mean, mean - half, mean + half)


def paired_interval(
    values: Sequence[float], baseline: Sequence[float], confidence: float = 0.95, *, overlap: float = 0.0
) -> Interval:
    """Return the mean of `values − baseline` with Student's paired t interval.

    A gain is shown if the interval lies above zero. Pairing removes the part that both share because of the seed.

    Args:
        values: one number a seed, at least one.
        baseline: numbers to compare with, for the same seeds in the same order.
        confidence: probability in (0, 1); default 0.95.
        overlap: test images by training images of a cross-validation, as in `mean_interval`; default 0.

    >>> paired_interval([0.93, 0.92, 0.95], [0.90, 0.90, 0.91]).low > 0
    True
    """
    if len(values) != len(baseline):
        raise ArgumentError(f"a paired comparison needs equal lengths: got {len(values)} and {len(baseline)}")
    return mean_interval(np.subtract(values, baseline).tolist(), confidence, overlap=overlap)


def _student_t(probability: float, degrees: int) -> float:
    try:
        from scipy.stats import t
    except ImportError as error:
        raise PluginError('confidence intervals need scipy: pip install "augsynth[eval]"') from error
    return float(t.ppf(probability, degrees))
