"""Schedules of learning rates."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class WarmupCosine:
    """A linear rise of the learning rate, and then half a cosine down.

    Args:
        steps: longest rise, in steps, at least 1.
        share: longest rise as a share of the run, in [0, 1]; the shorter of the two counts, and is at least one step.
        end: factor at the end of the run, in [0, 1].

    >>> schedule = WarmupCosine(steps=100, share=0.1, end=0.01)
    >>> [round(schedule(index, total=50), 3) for index in (0, 5, 49)]
    [0.167, 0.976, 0.011]
    """

    steps: int
    share: float
    end: float

    def __call__(self, index: int, total: int) -> float:
        """Compute the factor of the learning rate, in (0, 1].

        Args:
            index: number of the step; 0 is the first.
            total: number of steps of the run.
        """
        rise = min(1.0, (index + 1) / min(self.steps, 1 + int(self.share * total)))
        return rise * (self.end + (1 - self.end) * (1 + math.cos(math.pi * index / total)) / 2)
