"""Fitting a generator of either floor, for callers that are given one by name."""

from __future__ import annotations

from typing import Any

from augsynth.generators.contract.generator import Generator
from augsynth.generators.contract.network import NetworkGenerator
from augsynth.generators.samples import FitReport


def fit_if_needed(generator: Generator, dataset: Any, *, steps: int, **options: Any) -> FitReport | None:
    """Fit networks for `steps`, and others once; return None for a generator that has nothing to learn."""
    if not generator.can_learn:
        return None
    if isinstance(generator, NetworkGenerator):
        return generator.fit(dataset, steps=steps, **options)
    return generator.fit(dataset, **options)
