"""Result of a sweep: what was tried, what won, whether it was confirmed, and what to be careful about."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

from augsynth.core.files import replacing
from augsynth.evaluate.intervals import mean_interval, paired_interval
from augsynth.evaluate.sweeping.arms import Arm
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
    """

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

    def recall_changes(self) -> dict[int, float]:
        """Return the mean change of the recall of each class, winner less control, on the test part."""
        winner, control = (self.confirmed[arm] for arm in (self.verdict.arm, self.verdict.control))
        pairs = list(zip(winner, control, strict=True))
        names = [name for name in winner[0] if name.startswith("recall ")]
        return {int(n.removeprefix("recall ")): fmean(a[n] - b[n] for a, b in pairs) for n in names}

    def to_dict(self) -> dict[str, Any]:
        """Return the result, JSON-ready."""
        return {
            "data": self.data_name,
            "verdict": self.verdict.to_dict(),
            "warnings": list(self.warnings),
            "controls": [self._row(arm, scores) for arm, scores in self.controls.items()],
            "synthetic": [self._row(arm, scores, self.control_choosing) for arm, scores in self.synthetic.items()],
            "confirmed": [self._row(arm, scores) for arm, scores in self.confirmed.items()],
            "recall changes": self.recall_changes(),
            "label safety": {policy: safety.to_dict() for policy, safety in self.label_safety.items()},
            "settings": dict(self.settings),
            "provenance": dict(self.provenance),
            "seconds": {name: round(value, 1) for name, value in self.seconds.items()},
        }

    def save(self, path: str | Path) -> Path:
        """Write the result as JSON, and return the path.

        Args:
            path: path of the file; missing folders are created.
        """
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as stream:
            stream.write((json.dumps(self.to_dict(), indent=2) + "\n").encode())
        return path

    def _row(self, arm: Arm, scores: Sequence[Scores], control: Sequence[Scores] | None = None) -> dict[str, Any]:
        values = [one[self.verdict.metric] for one in scores]
        row = {
            "arm": arm.name,
            "ratio": arm.ratio,
            self.verdict.metric: values,
            "means": {name: fmean(one[name] for one in scores) for name in scores[0] if name != SECONDS},
            "interval": mean_interval(values)._asdict(),
        }
        if control is not None:
            base = [one[self.verdict.metric] for one in control]
            row["difference"] = paired_interval(values, base)._asdict()
        return row
