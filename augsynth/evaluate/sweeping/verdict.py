"""The verdict: does an arm help, by how much, and how sure is that?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from augsynth.evaluate.intervals import Interval, paired_interval
from augsynth.evaluate.sweeping.arms import Arm

Answer = Literal["helps", "hurts", "no clear difference"]


@dataclass(frozen=True)
class Verdict:
    """Answer to the question of a sweep.

    Args:
        answer: "helps" if the interval lies above zero, "hurts" if below, otherwise "no clear difference".
        arm: the best synthetic arm.
        control: the best cheap arm, with which it was compared.
        difference: mean difference of their scores, paired by seed, and its interval.
        confidence: probability of the interval, in (0, 1).
        metric: name of the score.
        arms: number of synthetic arms that were confirmed. With several, the best is named, and the intervals of all
            of them hold together.
    """

    answer: Answer
    arm: Arm
    control: Arm
    difference: Interval
    confidence: float
    metric: str = "accuracy"
    arms: int = 1

    @property
    def sentence(self) -> str:
        """The answer in one sentence."""
        points, low, high = (f"{100 * value:+.1f}" for value in self.difference)
        measured = f"{points} points of {self.metric}, {self.confidence:.0%} interval {low} to {high}"
        measured += f" (for {self.arms} arms together)" if self.arms > 1 else ""
        recipe = "" if self.arm.recipe == "pool" else f" ({self.arm.recipe})"
        what = f"{self.arm.ratio:.0%} of {self.arm.source}{recipe}"
        if self.answer == "helps":
            return f"Use {what}: {measured}."
        if self.answer == "hurts":
            return f"Do not use synthetic data here: {measured}, with {what}."
        return f"Synthetic data makes no clear difference here: {measured}, with {what}."

    def __str__(self) -> str:
        return self.sentence

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict, JSON-ready."""
        mean, low, high = self.difference
        return {
            "answer": self.answer,
            "sentence": self.sentence,
            "arm": self.arm.name,
            "control": self.control.name,
            "difference": {"mean": mean, "low": low, "high": high, "confidence": self.confidence},
            "metric": self.metric,
            "arms confirmed": self.arms,
        }


def verdict_of(
    arm: Arm,
    control: Arm,
    scores: Sequence[float],
    control_scores: Sequence[float],
    *,
    confidence: float,
    metric: str = "accuracy",
    overlap: float = 0.0,
    arms: int = 1,
) -> Verdict:
    """Compare an arm with its control, repetition by repetition, by Student's t interval of the differences.

    Args:
        arm: the synthetic arm.
        control: the control.
        scores: scores of the arm, one a seed, at least two.
        control_scores: scores of the control for the same seeds.
        confidence: probability of the interval, in (0, 1).
        metric: name of the score.
        overlap: test images by training images of a cross-validation, as in `mean_interval`; default 0.
        arms: number of arms that are compared with the control. With several, the probability that an interval misses
            its difference is divided among them (Bonferroni; Dunn, JASA 1961). Default 1.

    >>> arm, control = Arm("gentle", "pool", 0.5, "cvae"), Arm("gentle")
    >>> verdict_of(arm, control, [0.95, 0.94, 0.96], [0.90, 0.90, 0.91], confidence=0.95).answer
    'helps'
    """
    difference = paired_interval(scores, control_scores, 1 - (1 - confidence) / arms, overlap=overlap)
    answer: Answer = "no clear difference"
    if difference.low > 0:
        answer = "helps"
    elif difference.high < 0:
        answer = "hurts"
    return Verdict(answer, arm, control, difference, confidence, metric, arms)
