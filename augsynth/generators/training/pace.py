"""An estimate of the time that a fit takes, as soon as some steps are known."""

from __future__ import annotations

import math
import sys
import time

from augsynth.generators.training.steps import StepReport

_STEPS = 10


class Pace:
    """The line on standard error that says how long a fit takes. The first step is left out: it allocates memory.

    Args:
        what: the work, for the line.
        device: name of the device, for the line.
    """

    def __init__(self, what: str, device: str) -> None:
        self._what, self._device = what, device
        self._taken, self._begin = 0, 0.0

    def __call__(self, report: StepReport) -> None:
        """Count a step, and print the line after ten steps.

        Args:
            report: facts about the step.
        """
        self._taken += 1
        if self._taken not in (1, _STEPS):
            return
        _ = report.metrics  # waits for the GPU
        if self._taken == 1:
            self._begin = time.perf_counter()
        elif report.step < report.total:
            seconds = (time.perf_counter() - self._begin) / (_STEPS - 1)
            whole = duration(seconds * (report.total - report.step + _STEPS))
            print(
                f"{self._what}: about {whole} for {report.total - report.step + _STEPS:,} steps "
                f"({seconds:.2g} s a step on {self._device})",
                file=sys.stderr,
            )


def duration(seconds: float) -> str:
    """Write a duration for people.

    Args:
        seconds: the duration, at least 0.

    >>> duration(7.4), duration(151), duration(8000)
    ('8 s', '3 min', '2 h 14 min')
    """
    if seconds <= 90:
        return f"{max(1, math.ceil(seconds))} s"
    minutes = math.ceil(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
