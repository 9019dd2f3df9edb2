"""What an experiment found: scores of each arm, paired changes against the baseline, and the verdict in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from augsynth.evaluate.scores import Interval, mean_interval, paired_interval

Verdict = Literal["helped", "made it worse", "no clear difference"]
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Arm:
    """One way of making the training set: with or without augmentation, and a share of synthetic images."""

    name: str
    ratio: float
    augmented: bool


REAL_ONLY = Arm("real only", 0.0, augmented=False)
BASELINE = Arm("real + augmentation", 0.0, augmented=True)


def synthetic_arm(ratio: float) -> Arm:
    """Real and augmentation, with the fraction `ratio` of each epoch's images synthetic."""
    return Arm(f"real + augmentation + {ratio:.0%} synthetic", ratio, augmented=True)


@dataclass(frozen=True)
class ArmScores:
    """Test scores of one arm, in [0, 1], one entry a seed; seeds are in the same order in every arm."""

    arm: Arm
    accuracy: tuple[float, ...]
    macro_f1: tuple[float, ...]

    @property
    def interval(self) -> Interval:
        """Mean accuracy with its 95% t interval over the seeds."""
        return mean_interval(self.accuracy, CONFIDENCE)


@dataclass(frozen=True)
class Change:
    """The paired change of accuracy of an arm against the baseline, in [−1, 1], and what it amounts to."""

    interval: Interval
    verdict: Verdict


@dataclass(frozen=True)
class Examples:
    """Images to look at, uint8 `(rows × columns, H, W, C)`; a column holds one class, named in `class_names`."""

    real: NDArray[np.uint8]
    augmented: NDArray[np.uint8]
    synthetic: NDArray[np.uint8]
    class_names: tuple[str, ...]


@dataclass(frozen=True)
class ExperimentResult:
    """Everything a report needs. `arms` begins with `REAL_ONLY` and `BASELINE`; the others are synthetic."""

    data_name: str
    arms: tuple[ArmScores, ...]
    examples: Examples
    settings: Mapping[str, Any]
    provenance: Mapping[str, Any]
    seconds: Mapping[str, float]
    notes: tuple[str, ...] = field(default=())

    @property
    def baseline(self) -> ArmScores:
        return next(scores for scores in self.arms if scores.arm == BASELINE)

    @property
    def synthetic(self) -> tuple[ArmScores, ...]:
        return tuple(scores for scores in self.arms if scores.arm.ratio > 0)

    def change(self, scores: ArmScores) -> Change:
        """How `scores` differ from the baseline, seed by seed.

        The confidence is raised for the number of synthetic arms (Bonferroni), so that all their intervals hold
        together with probability 95%: trying more ratios does not make it easier to find one that "helped".
        """
        together = 1 - (1 - CONFIDENCE) / len(self.synthetic)
        interval = paired_interval(scores.accuracy, self.baseline.accuracy, together)
        if interval.low > 0:
            return Change(interval, "helped")
        return Change(interval, "made it worse" if interval.high < 0 else "no clear difference")

    @property
    def best(self) -> tuple[ArmScores, Change]:
        """The synthetic arm with the largest mean change."""
        changes = [(scores, self.change(scores)) for scores in self.synthetic]
        return max(changes, key=lambda pair: pair[1].interval.mean)

    @property
    def headline(self) -> str:
        """The answer in one sentence, whichever it is."""
        scores, change = self.best
        points = f"{100 * change.interval.mean:+.1f} points of accuracy at {scores.arm.ratio:.0%} synthetic"
        if change.verdict == "helped":
            return f"Synthetic images helped: {points}."
        if change.verdict == "made it worse":
            return f"Synthetic images did not help, they made it worse: {points}, the best ratio tried."
        return f"Synthetic images made no clear difference: {points}, the best ratio tried."

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, without the example images."""
        return {
            "data": self.data_name,
            "headline": self.headline,
            "arms": [self._arm_to_dict(scores) for scores in self.arms],
            "settings": dict(self.settings),
            "provenance": dict(self.provenance),
            "seconds": dict(self.seconds),
            "notes": list(self.notes),
        }

    def _arm_to_dict(self, scores: ArmScores) -> dict[str, Any]:
        described: dict[str, Any] = {
            "name": scores.arm.name,
            "ratio": scores.arm.ratio,
            "accuracy": list(scores.accuracy),
            "macro_f1": list(scores.macro_f1),
            "accuracy_interval": _limits(scores.interval),
        }
        if scores.arm.ratio > 0:
            change = self.change(scores)
            described["change"] = {"interval": _limits(change.interval), "verdict": change.verdict}
        return described


def _limits(interval: Interval) -> list[float]:
    return [interval.low, interval.mean, interval.high]
