"""Result of a sweep: what was tried, what won, whether it was confirmed, and what to be careful about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, ClassVar

from augsynth.evaluate.intervals import mean_interval, paired_interval
from augsynth.evaluate.reporting.pictures import Picture
from augsynth.evaluate.sweeping.arms import Arm
from augsynth.evaluate.sweeping.confusion import confusion_matrix, without_confusion
from augsynth.evaluate.sweeping.label_safety import Safety
from augsynth.evaluate.sweeping.trials import SECONDS, Scores
from augsynth.evaluate.sweeping.verdict import Verdict


@dataclass(frozen=True)
class SweepResult:
    """Result of a sweep.

    Args:
        data_name: name of the data set.
        class_names: name of each class.
        verdict: the answer, from repetitions and images that nothing was chosen by.
        controls: scores of the cheap arms on the images to choose by, one a seed, the best first. Arms that were
            dropped early have fewer.
        synthetic: scores of the synthetic arms on the images to choose by, one a seed, the best first.
        control_choosing: scores of the best control for the same seeds.
        confirmed: scores of the winner and of the control on the test part, one a confirming seed.
        warnings: sentences about what makes the answer less certain.
        settings: settings by name, JSON-ready.
        provenance: versions, machine and data, JSON-ready.
        seconds: duration of each part.
        label_safety: label safety of the policies by name; default none.
        notes: remarks about the data, such as files that were left out; none by default.
        gates: what an audit of one repetition found, JSON-ready; None (default) if there was none.
        pictures: real, augmented and synthetic images of one repetition; none by default.
    """

    kind: ClassVar[str] = "sweep"

    data_name: str
    class_names: tuple[str, ...]
    verdict: Verdict
    controls: Mapping[Arm, Sequence[Scores]]
    synthetic: Mapping[Arm, Sequence[Scores]]
    control_choosing: Sequence[Scores]
    confirmed: Mapping[Arm, Sequence[Scores]]
    warnings: tuple[str, ...]
    settings: Mapping[str, Any]
    provenance: Mapping[str, Any]
    seconds: Mapping[str, float]
    label_safety: Mapping[str, Safety] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    gates: Mapping[str, Any] | None = None
    pictures: tuple[Picture, ...] = ()

    def dropped(self) -> list[str]:
        """Return what was left out and why, one sentence each."""
        most = max(len(scores) for scores in self.controls.values())
        early = {arm.name: len(scores) for arm, scores in self.controls.items() if len(scores) < most}
        halved = [f"{name}: dropped after {count} repetitions, worse than half" for name, count in early.items()]
        beaten = [f"{arm.name}: not the best synthetic arm" for arm in self.synthetic if arm != self.verdict.arm]
        return [*halved, *beaten, *self.notes]

    def recall_changes(self) -> dict[int, float]:
        """Return the mean change of the recall of each class, winner less control, on the test part."""
        winner, control = (self.confirmed[arm] for arm in (self.verdict.arm, self.verdict.control))
        pairs = list(zip(winner, control, strict=True))
        names = [name for name in winner[0] if name.startswith("recall ")]
        return {int(n.removeprefix("recall ")): fmean(a[n] - b[n] for a, b in pairs) for n in names}

    def to_dict(self) -> dict[str, Any]:
        """Return the result, JSON-ready."""
        return {
            "kind": self.kind,
            "data": self.data_name,
            "headline": self.verdict.sentence,
            "class names": list(self.class_names),
            "verdict": self.verdict.to_dict(),
            "warnings": list(self.warnings),
            "controls": [self._row(arm, scores) for arm, scores in self.controls.items()],
            "synthetic": [self._row(arm, scores, self.control_choosing) for arm, scores in self.synthetic.items()],
            "confirmed": [self._confirmed(arm, scores) for arm, scores in self.confirmed.items()],
            "recall changes": self.recall_changes(),
            "label safety": {policy: safety.to_dict() for policy, safety in self.label_safety.items()},
            "gates": None if self.gates is None else dict(self.gates),
            "dropped": self.dropped(),
            "settings": dict(self.settings),
            "provenance": dict(self.provenance),
            "seconds": {name: round(value, 1) for name, value in self.seconds.items()},
        }

    def _confirmed(self, arm: Arm, scores: Sequence[Scores]) -> dict[str, Any]:
        confusion = confusion_matrix(scores, len(self.class_names))
        return {**self._row(arm, scores), "confusion": None if confusion is None else confusion.tolist()}

    def _row(self, arm: Arm, scores: Sequence[Scores], control: Sequence[Scores] | None = None) -> dict[str, Any]:
        values = [one[self.verdict.metric] for one in scores]
        row = {
            "arm": arm.name,
            "ratio": arm.ratio,
            self.verdict.metric: values,
            "means": {
                name: fmean(one[name] for one in scores) for name in without_confusion(scores[0]) if name != SECONDS
            },
            "interval": mean_interval(values)._asdict(),
        }
        if control is not None:
            base = [one[self.verdict.metric] for one in control]
            row["difference"] = paired_interval(values, base)._asdict()
        return row
