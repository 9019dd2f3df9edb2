"""Fitting a generator of either floor, for callers that choose it by name."""

from __future__ import annotations

from typing import Any

from augsynth.generators.contract.generator import Generator
from augsynth.generators.contract.network import NetworkGenerator
from augsynth.generators.samples import FitReport


def fit_if_needed(generator: Generator, dataset: Any, *, steps: int, **options: Any) -> FitReport | None:
    """Fit a generator if it can learn.

    Args:
        generator: a generator of either floor.
        dataset: the data set, as for `Generator.fit`.
        steps: number of training steps of networks, at least 1. Other generators learn once.
        options: other arguments of `Generator.fit`.

    Returns:
        The report, or None for a generator that has nothing to learn.
    """
    if not generator.can_learn:
        return None
    if isinstance(generator, NetworkGenerator):
        return generator.fit(dataset, steps=steps, **options)
    return generator.fit(dataset, **options)
