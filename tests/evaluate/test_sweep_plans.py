"""Halving and budgets: how many trials, which arms stay, and what is left out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augsynth.errors import ArgumentError
from augsynth.evaluate import SweepSettings
from augsynth.evaluate.sweeping.arms import Arm
from augsynth.evaluate.sweeping.budget import fit_to_budget, seconds_of
from augsynth.evaluate.sweeping.halving import halve, trials_of
from augsynth.evaluate.sweeping.stored import content_key

SETTINGS = SweepSettings(workers=2, budget=1.0)


@given(st.integers(1, 20), st.integers(1, 9), st.randoms(use_true_random=False))
def test_halving_keeps_the_best_and_runs_the_trials_it_announces(arms, seeds, random):
    quality = {Arm(f"policy {number}"): random.random() for number in range(arms)}
    ran = []

    def run(left, chosen):
        ran.extend((arm, seed) for arm in left for seed in chosen)
        return {arm: [{"accuracy": quality[arm]}] * len(chosen) for arm in left}

    found = halve(list(quality), range(seeds), run, "accuracy")
    assert len(ran) == len(set(ran)) == trials_of(arms, seeds)
    assert set(found) == set(quality)
    best = next(iter(found))
    assert quality[best] == max(quality.values())
    assert len(found[best]) == seeds
    lengths = [len(scores) for scores in found.values()]
    assert lengths == sorted(lengths, reverse=True)


@given(st.floats(0.1, 1e5), st.floats(0.01, 50), st.floats(0.01, 200))
def test_a_sweep_fits_its_budget_or_is_refused_with_the_time_it_needs(budget, trial, pool):
    settings = replace(SETTINGS, budget=budget)
    smallest = replace(settings, seeds=2, confirm_seeds=5, ratios=(0.5,), policies=("none", "gentle"))
    if seconds_of(smallest, 2, trial, pool) > budget:
        with pytest.raises(ArgumentError, match="too small"):
            fit_to_budget(settings, 2, trial, pool)
        return
    fitted = fit_to_budget(settings, 2, trial, pool)
    assert seconds_of(fitted, 2, trial, pool) <= budget
    assert fitted.seeds >= 2
    assert fitted.confirm_seeds >= 5
    assert len(fitted.ratios) >= 1
    assert len(fitted.policies) >= 2


def test_a_large_budget_leaves_nothing_out_and_none_is_no_limit():
    assert fit_to_budget(replace(SETTINGS, budget=1e9), 1, 1, 1) == replace(SETTINGS, budget=1e9)
    assert fit_to_budget(replace(SETTINGS, budget=None), 1, 1e9, 1e9) == replace(SETTINGS, budget=None)


def test_a_key_depends_on_values_and_not_on_their_order():
    assert content_key({"a": 1, "b": [2, None]}) == content_key({"b": [2, None], "a": 1})
    assert content_key({"a": 1}) != content_key({"a": 2})
    with pytest.raises(ValueError):
        content_key({"a": float("nan")})
