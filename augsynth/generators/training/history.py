"""The history of a run: means of its metrics over each hundredth, and what was found at its checkpoints."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from augsynth.errors import CheckpointError, shown
from augsynth.generators.errors import TrainingError
from augsynth.generators.training.ranks import Ranks

Listener = Callable[[int, Mapping[str, float]], object]
"""Function that is called with a number of steps and the metrics that are then known."""


class History:
    """Entries `{"step": …, metric: …}`, one for each hundredth of a run.

    Args:
        total: number of steps of the run.
        ranks: the processes of the fit; metrics are means over all of them.
        advice: what to change if a metric is not finite.
    """

    def __init__(self, total: int, ranks: Ranks, advice: str) -> None:
        self.entries: list[dict[str, float]] = []
        self.listeners: list[Listener] = []
        self.note = ""  # the last value of each metric, as a short text
        self._every, self._total = max(1, total // 100), total
        self._ranks, self._advice = ranks, advice
        self._sums: dict[str, Tensor] = {}
        self._count = 0

    def add(self, step: int, metrics: Mapping[str, Tensor | float]) -> None:
        """Add the metrics of a step. After each hundredth of the run, their means become an entry.

        Args:
            step: number of steps so far, at least 1.
            metrics: scalars by name.
        """
        for name, value in metrics.items():
            value = torch.as_tensor(value, dtype=torch.float64).detach()
            self._sums[name] = self._sums[name] + value if name in self._sums else value
        self._count += 1
        if step % self._every == 0 or step == self._total:
            means = self.means(step)
            self._sums, self._count = {}, 0
            self.include(step, means)

    def include(self, step: int, metrics: Mapping[str, float]) -> None:
        """Write metrics into the entry of a step, which is made if there is none.

        Args:
            step: number of steps so far, at least that of the last entry.
            metrics: numbers by name.
        """
        if not self.entries or self.entries[-1]["step"] != step:
            self.entries.append({"step": step})
        self.entries[-1].update(metrics)
        self._note_latest()
        for listener in self.listeners:
            listener(step, metrics)

    def means(self, step: int) -> dict[str, float]:
        """Return the means of the metrics since the last entry. Raises `TrainingError` if one is not finite.

        Args:
            step: number of steps so far.
        """
        sums = [total.clone() for total in self._sums.values()]
        self._ranks.average(sums)
        means = {name: float(total) / self._count for name, total in zip(self._sums, sums, strict=True)}
        if not all(map(math.isfinite, means.values())):
            raise TrainingError(f"training diverged before step {step}: {means}; {self._advice}")
        return means

    def restore(self, entries: Any) -> None:
        """Continue a history from a checkpoint. Raises `CheckpointError` for entries that are none.

        Args:
            entries: the entries.
        """
        for entry in entries:
            if "step" not in entry or not all(type(value) in (int, float) for value in entry.values()):
                raise CheckpointError(f"its history has the entry {shown(entry)}")
        self.entries = list(entries)
        self._note_latest()

    def _note_latest(self) -> None:
        latest = {name: value for entry in self.entries for name, value in entry.items() if name != "step"}
        self.note = "  ".join(f"{name} {value:.4g}" for name, value in latest.items())
