"""Verdicts follow from intervals, in both directions, and trying more ratios makes them harder to reach."""

from __future__ import annotations

import json

import numpy as np
import pytest

from augsynth.evaluate.metrics import METRICS
from augsynth.evaluate.reporting.pictures import Picture
from augsynth.evaluate.results import (
    BASELINE,
    REAL_ONLY,
    ArmScores,
    ExperimentResult,
    synthetic_arm,
)

NAMES = ("zero", "one & two", "three")
SPREAD = (-0.01, 0.0, 0.01, 0.005, -0.005)


def made_up(*changes: float, spread: float = 1.0) -> ExperimentResult:
    base = np.array([0.90, 0.92, 0.91, 0.89, 0.93])

    def scores(arm, accuracies):
        lower = {name: tuple((accuracies - 0.01 * i).tolist()) for i, name in enumerate(METRICS)}
        return ArmScores(arm, lower, ((8, 1, 1), (0, 10, 0), (3, 0, 7)))

    arms = [scores(REAL_ONLY, base - 0.05), scores(BASELINE, base)]
    for i, change in enumerate(changes):
        noise = spread * np.roll(np.array(SPREAD), i)
        arms.append(scores(synthetic_arm(0.25 * (i + 1)), base + change + noise))
    images = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 1), np.uint8)
    return ExperimentResult(
        data_name="<digits>",
        arms=tuple(arms),
        class_names=NAMES,
        pictures=(Picture("real", "Real", "Some of them.", images, NAMES),),
        gates={"sizes": {"samples": 9}, "findings": []},
        settings={"images per class": 20, "test images": 450},
        provenance={"augsynth": "0.1.0"},
        seconds={"total": 12.0},
        notes=("5 images used",),
    )


@pytest.mark.parametrize(
    ("change", "verdict"), [(0.03, "helped"), (-0.03, "made it worse"), (0.004, "no clear difference")]
)
def test_the_verdict_says_what_the_interval_says(change, verdict):
    result = made_up(change)
    found = result.change(result.synthetic[0])
    assert found.verdict == verdict
    assert found.interval.mean == pytest.approx(change)
    assert verdict in result.headline


def test_trying_more_ratios_asks_for_more_evidence():
    alone, among_four = made_up(0.012), made_up(0.012, 0, 0, 0)
    first = alone.change(alone.synthetic[0])
    same = among_four.change(among_four.synthetic[0])
    assert (first.verdict, same.verdict) == ("helped", "no clear difference")
    assert same.interval.half_width > first.interval.half_width


def test_the_change_is_paired_by_seed():
    """The seeds differ by far more than the change, and it is found all the same."""
    result = made_up(0.001, spread=0.01)
    assert result.change(result.synthetic[0]).verdict == "helped"
    assert result.baseline.interval.half_width > 0.015


def test_the_headline_tells_of_the_best_ratio():
    assert "+3.0 points of accuracy at 50% synthetic" in made_up(0.01, 0.03).headline
    assert "did not help" in made_up(-0.03, -0.05).headline


def test_the_dictionary_is_json_and_complete():
    found = json.loads(json.dumps(made_up(0.03, -0.03).to_dict()))
    assert [arm["ratio"] for arm in found["arms"]] == [0.0, 0.0, 0.25, 0.5]
    assert [arm.get("change", {}).get("verdict") for arm in found["arms"][2:]] == ["helped", "made it worse"]
    assert len(found["arms"][0]["accuracy"]) == 5
