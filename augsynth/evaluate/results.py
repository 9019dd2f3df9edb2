"""Results of an experiment: scores of each arm, paired changes against the baseline, and the verdict in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

from augsynth.evaluate.intervals import Interval, mean_interval, paired_interval
from augsynth.evaluate.reporting.pictures import Picture

Verdict = Literal["helped", "made it worse", "no clear difference"]
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Arm:
    """A way to make the training set.

    Args:
        name: name of the arm in tables.
        ratio: share of synthetic images, in [0, 1].
        augmented: whether images are augmented.
    """

    name: str
    ratio: float
    augmented: bool


REAL_ONLY = Arm("real only", 0.0, augmented=False)
BASELINE = Arm("real + augmentation", 0.0, augmented=True)


def synthetic_arm(ratio: float) -> Arm:
    """Return the arm with augmentation, in which the fraction `ratio` of each epoch is synthetic."""
    return Arm(f"real + augmentation + {ratio:.0%} synthetic", ratio, augmented=True)


@dataclass(frozen=True)
class ArmScores:
    """Test scores of one arm.

    Args:
        arm: the arm.
        scores: values of each metric of `METRICS` by its name, in [0, 1], one a seed. All arms have the same order of
            seeds.
        confusion: confusion matrix of all seeds together, a row for each true class; default None.
    """

    arm: Arm
    scores: Mapping[str, tuple[float, ...]]
    confusion: tuple[tuple[int, ...], ...] | None = None

    @property
    def accuracy(self) -> tuple[float, ...]:
        """Accuracy of each seed."""
        return self.scores["accuracy"]

    @property
    def interval(self) -> Interval:
        """Mean accuracy with its 95% t interval over the seeds."""
        return mean_interval(self.accuracy, CONFIDENCE)


@dataclass(frozen=True)
class Change:
    """Paired change of the accuracy of an arm against the baseline.

    Args:
        interval: mean change with its confidence interval, in [−1, 1].
        verdict: the change in words.
    """

    interval: Interval
    verdict: Verdict


@dataclass(frozen=True)
class ExperimentResult:
    """Result of an experiment, with all that a report needs.

    Args:
        data_name: name of the data set.
        arms: scores of `REAL_ONLY`, of `BASELINE`, and then of each arm with synthetic images.
        class_names: names of the classes.
        settings: arguments of the experiment by name, JSON-ready.
        provenance: origin of the result, JSON-ready: versions, machine, data.
        seconds: duration of each part of the experiment, by its name.
        notes: remarks for the report; none by default.
        setting: the setting in a few words, for a report with several results; default "".
        findings: further measurements in words; none by default.
        warnings: sentences about what makes the answer less certain; none by default.
        gates: what an audit found, JSON-ready; None (default) if there was none.
        pictures: real, augmented and synthetic images; none by default.
    """

    kind: ClassVar[str] = "experiment"

    data_name: str
    arms: tuple[ArmScores, ...]
    class_names: tuple[str, ...]
    settings: Mapping[str, Any]
    provenance: Mapping[str, Any]
    seconds: Mapping[str, float]
    notes: tuple[str, ...] = field(default=())
    setting: str = ""
    findings: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    gates: Mapping[str, Any] | None = None
    pictures: tuple[Picture, ...] = ()

    @property
    def baseline(self) -> ArmScores:
        return next(scores for scores in self.arms if scores.arm == BASELINE)

    @property
    def synthetic(self) -> tuple[ArmScores, ...]:
        return tuple(scores for scores in self.arms if scores.arm.ratio > 0)

    def change(self, scores: ArmScores) -> Change:
        """Return the difference of an arm from the baseline, seed by seed.

        The confidence is raised for the number of synthetic arms (Bonferroni), so all their intervals hold together
        with probability 95%. So a verdict "helped" is not more likely if more ratios are tried.

        Args:
            scores: scores of a synthetic arm of this result.
        """
        together = 1 - (1 - CONFIDENCE) / len(self.synthetic)
        interval = paired_interval(scores.accuracy, self.baseline.accuracy, together)
        if interval.low > 0:
            return Change(interval, "helped")
        return Change(interval, "made it worse" if interval.high < 0 else "no clear difference")

    @property
    def best(self) -> tuple[ArmScores, Change]:
        """Synthetic arm with the largest mean change, and this change."""
        changes = [(scores, self.change(scores)) for scores in self.synthetic]
        return max(changes, key=lambda pair: pair[1].interval.mean)

    @property
    def headline(self) -> str:
        """Answer of the experiment in one sentence."""
        scores, change = self.best
        points = f"{100 * change.interval.mean:+.1f} points of accuracy at {scores.arm.ratio:.0%} synthetic"
        if change.verdict == "helped":
            return f"Synthetic images helped: {points}."
        if change.verdict == "made it worse":
            return f"Synthetic images did not help, they made it worse: {points}, the best ratio tried."
        return f"Synthetic images made no clear difference: {points}, the best ratio tried."

    def to_dict(self) -> dict[str, Any]:
        """Return the result, JSON-ready, without the pictures."""
        return {
            "kind": self.kind,
            "data": self.data_name,
            "class names": list(self.class_names),
            "setting": self.setting,
            "headline": self.headline,
            "arms": [self._arm_to_dict(scores) for scores in self.arms],
            "settings": dict(self.settings),
            "provenance": dict(self.provenance),
            "seconds": dict(self.seconds),
            "notes": list(self.notes),
            "findings": list(self.findings),
            "warnings": list(self.warnings),
            "gates": None if self.gates is None else dict(self.gates),
        }

    def _arm_to_dict(self, scores: ArmScores) -> dict[str, Any]:
        described: dict[str, Any] = {
            "name": scores.arm.name,
            "ratio": scores.arm.ratio,
            **{name: list(values) for name, values in scores.scores.items()},
            "accuracy_interval": _limits(scores.interval),
            "confusion": scores.confusion,
        }
        if scores.arm.ratio > 0:
            change = self.change(scores)
            described["change"] = {"interval": _limits(change.interval), "verdict": change.verdict}
        return described


def _limits(interval: Interval) -> list[float]:
    return [interval.low, interval.mean, interval.high]


@dataclass(frozen=True, eq=False)
class Experiments:
    """Results in several settings, for one report.

    Args:
        results: at least one result, on the same data, in the order of the report.
        explanation: why their answers differ; default "".
    """

    results: Sequence[ExperimentResult]
    explanation: str = ""

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """Pictures of all settings; their files are numbered by setting."""
        return tuple(picture for pictures in self._numbered() for picture in pictures)

    def to_dict(self) -> dict[str, Any]:
        """Return the first result, JSON-ready, with the others as "other settings"."""
        first, *others = (
            {**result.to_dict(), "pictures": [picture.to_dict() for picture in pictures]}
            for result, pictures in zip(self.results, self._numbered(), strict=True)
        )
        return {**first, "other settings": others, "explanation": self.explanation}

    def _numbered(self) -> list[list[Picture]]:
        return [
            [replace(picture, name=f"{number}-{picture.name}") for picture in result.pictures]
            for number, result in enumerate(self.results, start=1)
        ]
