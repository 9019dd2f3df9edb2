"""Fitting a sweep to the time that there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from augsynth.errors import ArgumentError
from augsynth.evaluate.sweeping.halving import trials_of
from augsynth.evaluate.sweeping.settings import SweepSettings

FEWEST_CONFIRMING = 5
"""Repetitions below which an interval is too wide to say much."""


def seconds_of(settings: SweepSettings, sources: int, trial: float, pool: float) -> float:
    """Estimate the duration of a sweep in seconds.

    Args:
        settings: the settings.
        sources: number of sources.
        trial: seconds of a trial on one processor.
        pool: seconds to fit and fill a pool on one processor.
    """
    arms = sources * len(settings.recipes or (1,)) * len(settings.ratios)
    cheap = trials_of(len(settings.policies) * len(settings.cheap or (1,)), settings.seeds)
    repetitions = settings.confirm_seeds * (settings.folds or 1)
    trials = cheap + arms * settings.seeds + (1 + settings.confirm_arms) * repetitions
    pools = sources * settings.seeds + settings.confirm_arms * repetitions
    return (trials * trial + pools * pool) / settings.workers


def fit_to_budget(settings: SweepSettings, sources: int, trial: float, pool: float) -> SweepSettings:
    """Return settings that fit the budget; raise `ArgumentError` if not even the fewest trials do.

    Left out are, in this order: repetitions to choose by, repetitions to confirm by, ratios, policies. At least two
    repetitions to choose by, five to confirm by, one ratio and two policies stay.

    Args:
        settings: the settings; those without a budget are returned as they are.
        sources: number of sources.
        trial: seconds of a trial on one processor.
        pool: seconds to fit and fill a pool on one processor.
    """
    if settings.budget is None:
        return settings
    smaller = settings
    for smaller in _smaller(settings):
        if seconds_of(smaller, sources, trial, pool) <= settings.budget:
            return smaller
    least = seconds_of(smaller, sources, trial, pool)
    raise ArgumentError(
        f"a budget of {settings.budget:.0f} s is too small: the smallest sweep of this data takes about {least:.0f} s. "
        "Raise it, or make a trial shorter (fewer training steps, a quicker generator)"
    )


def _smaller(settings: SweepSettings) -> Iterator[SweepSettings]:
    yield settings
    for seeds in range(settings.seeds - 1, 1, -1):
        settings = replace(settings, seeds=seeds)
        yield settings
    for seeds in range(settings.confirm_seeds - 1, FEWEST_CONFIRMING - 1, -1):
        settings = replace(settings, confirm_seeds=seeds)
        yield settings
    ratios = sorted(settings.ratios)
    while len(ratios) > 1:
        ratios = ratios[1:] if len(ratios) % 2 else ratios[:-1]
        settings = replace(settings, ratios=tuple(ratios))
        yield settings
    names = list(settings.policies)
    while len(names) > 2:
        names.pop()
        kept = settings.policies
        fewer = {name: kept[name] for name in names} if isinstance(kept, Mapping) else tuple(names)
        settings = replace(settings, policies=fewer)
        yield settings
