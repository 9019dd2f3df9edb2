"""Schedules: numbers that change from epoch to epoch, for the `ratio` of a mix.

A schedule is called with an epoch and returns a number. It pickles, compares by its parameters, and describes itself in
JSON, so a saved state of a mix knows it exactly. A function of the epoch does the same work, but can only be compared
by its values. The classes have names in lower case, because they are used as functions.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from augsynth.core.checks import check_integer, check_number
from augsynth.errors import ArgumentError, ArgumentTypeError, shown

__all__ = ["Schedule", "constant", "cosine", "linear", "steps", "strengths"]


class Schedule(ABC):
    """Number for each epoch, with known bounds. Subclasses are frozen dataclasses."""

    @abstractmethod
    def __call__(self, epoch: int) -> float:
        """Return the number of an epoch, an integer of at least 0."""

    @abstractmethod
    def levels(self) -> tuple[float, ...]:
        """Return numbers of which the smallest and the largest bound the schedule in every epoch."""

    def description(self) -> dict[str, Any]:
        """Return the name and the parameters, JSON-ready."""
        parameters = {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
        return {"schedule": type(self).__name__, **parameters}


@dataclass(frozen=True)
class constant(Schedule):
    """The same number in every epoch.

    Args:
        value: finite number.

    >>> constant(0.25)(7)
    0.25
    """

    value: float

    def __post_init__(self) -> None:
        _set_number(self, "value")

    def __call__(self, epoch: int) -> float:
        return self.value

    def levels(self) -> tuple[float, ...]:
        return (self.value,)


@dataclass(frozen=True)
class _Ramp(Schedule):
    """Numbers that go from `start` in epoch 0 to `end` in epoch `epochs` − 1, and stay there.

    Args:
        start: finite number of epoch 0.
        end: finite number of epoch `epochs` − 1 and of all later ones.
        epochs: number of epochs on the way, both ends included, at least 2.
    """

    start: float
    end: float
    epochs: int

    def __post_init__(self) -> None:
        _set_number(self, "start")
        _set_number(self, "end")
        object.__setattr__(self, "epochs", check_integer("epochs", self.epochs, 2))

    def levels(self) -> tuple[float, ...]:
        return (self.start, self.end)

    def _between(self, weight: float) -> float:
        # Both ends are exact, and rounding never leaves the interval.
        low, high = sorted((self.start, self.end))
        return min(max(self.start * (1 - weight) + self.end * weight, low), high)

    def _progress(self, epoch: int) -> float:
        return min(epoch / (self.epochs - 1), 1.0)


@dataclass(frozen=True)
class linear(_Ramp):
    """A straight line: start + (end − start) · t, with t = min(epoch / (epochs − 1), 1).

    Args:
        start: finite number of epoch 0.
        end: finite number of epoch `epochs` − 1 and of all later ones.
        epochs: number of epochs on the way, both ends included, at least 2.

    >>> [linear(0.8, 0.2, epochs=4)(epoch) for epoch in (0, 1, 3, 9)]
    [0.8, 0.6000000000000001, 0.2, 0.2]
    """

    def __call__(self, epoch: int) -> float:
        return self._between(self._progress(epoch))


@dataclass(frozen=True)
class cosine(_Ramp):
    """Half a cosine: end + (start − end) · (1 + cos(π · t)) / 2, with t = min(epoch / (epochs − 1), 1).

    It is level at both ends (Loshchilov & Hutter, "SGDR", ICLR 2017, without restarts).

    Args:
        start: finite number of epoch 0.
        end: finite number of epoch `epochs` − 1 and of all later ones.
        epochs: number of epochs on the way, both ends included, at least 2.

    >>> [round(cosine(0.8, 0.2, epochs=5)(epoch), 3) for epoch in range(6)]
    [0.8, 0.712, 0.5, 0.288, 0.2, 0.2]
    """

    def __call__(self, epoch: int) -> float:
        return self._between((1 - math.cos(math.pi * self._progress(epoch))) / 2)


@dataclass(frozen=True, init=False)
class steps(Schedule):
    """Numbers that jump: each holds from its epoch on, until the next one.

    Args:
        values: `{first epoch: number}`, with a number for epoch 0.

    >>> [steps({0: 0.5, 10: 0.1})(epoch) for epoch in (0, 9, 10, 99)]
    [0.5, 0.5, 0.1, 0.1]
    """

    values: tuple[tuple[int, float], ...]

    def __init__(self, values: Mapping[int, float]) -> None:
        if not isinstance(values, Mapping):
            raise ArgumentTypeError(f"steps needs {{first epoch: number}}, got {shown(values)}")
        pairs = sorted(
            (check_integer("an epoch of steps", epoch, 0), check_number(f"the value of steps at epoch {epoch}", value))
            for epoch, value in values.items()
        )
        if not pairs or pairs[0][0] != 0:
            raise ArgumentError(f"steps needs a number for epoch 0, got epochs {[epoch for epoch, _ in pairs]}")
        object.__setattr__(self, "values", tuple(pairs))

    def __call__(self, epoch: int) -> float:
        return next(value for first, value in reversed(self.values) if first <= epoch)

    def levels(self) -> tuple[float, ...]:
        return tuple(value for _, value in self.values)

    def description(self) -> dict[str, Any]:
        return {"schedule": "steps", "values": [list(pair) for pair in self.values]}


@dataclass(frozen=True, init=False)
class strengths:
    """Shares of several sources, so that the mean strength of their items follows a schedule.

    For images that were varied at several strengths (`Generator.vary`): strong first, and close to the real ones last
    (the curriculum of "DisCL", arXiv 2410.13674). In each epoch, the two sources whose strengths enclose the scheduled
    strength t share the ratio r: the weaker one has r · (b − t) / (b − a) and the stronger one r · (t − a) / (b − a),
    for their strengths a < b. Beyond the weakest or the strongest source, this source has the whole ratio.

    Args:
        of: `{name of a source: its strength}`, all different.
        at: schedule of the strength, or a number.
        ratio: synthetic fraction of an epoch: a number in [0, 1], or a schedule.

    >>> shares = strengths({"strong": 0.75, "weak": 0.25}, at=linear(0.75, 0.25, epochs=3), ratio=0.5)
    >>> [shares(epoch) for epoch in range(3)]
    [{'strong': 0.5, 'weak': 0.0}, {'strong': 0.25, 'weak': 0.25}, {'strong': 0.0, 'weak': 0.5}]
    """

    of: tuple[tuple[str, float], ...]
    at: Schedule
    ratio: Schedule

    def __init__(self, of: Mapping[str, float], at: Schedule | float, ratio: Schedule | float) -> None:
        if not isinstance(of, Mapping) or not of:
            raise ArgumentTypeError(f"strengths needs {{name of a source: its strength}}, got {shown(of)}")
        pairs = tuple((name, check_number(f"the strength of {name!r}", value)) for name, value in of.items())
        if len({value for _, value in pairs}) < len(pairs):
            raise ArgumentError(f"strengths needs a different strength for each source, got {shown(dict(of))}")
        object.__setattr__(self, "of", pairs)
        object.__setattr__(self, "at", as_schedule("at", at))
        object.__setattr__(self, "ratio", as_schedule("ratio", ratio))

    def __call__(self, epoch: int) -> dict[str, float]:
        """Return the share of each source in an epoch."""
        names, values = zip(*sorted(self.of, key=lambda pair: pair[1]), strict=True)
        target = min(max(self.at(epoch), values[0]), values[-1])
        above = next(number for number, value in enumerate(values) if value >= target)
        below = max(above - 1, 0)
        gap = values[above] - values[below]
        weight = (target - values[below]) / gap if gap else 1.0
        ratio = self.ratio(epoch)
        shares = {name: 0.0 for name, _ in self.of}
        shares[names[below]] = ratio * (1 - weight)
        shares[names[above]] = ratio * weight
        return shares

    def description(self) -> dict[str, Any]:
        """Return the name and the parameters, JSON-ready."""
        return {
            "schedule": "strengths",
            "of": [list(pair) for pair in self.of],
            "at": self.at.description(),
            "ratio": self.ratio.description(),
        }


def as_schedule(name: str, value: Any) -> Schedule:
    """Return a schedule as it is, and a number as a constant one; raise `ArgumentTypeError` for everything else.

    Args:
        name: name of the value in messages.
        value: schedule or number.
    """
    return value if isinstance(value, Schedule) else constant(check_number(name, value))


def _set_number(schedule: Schedule, name: str) -> None:
    value = check_number(f"{name} of {type(schedule).__name__}", getattr(schedule, name))
    object.__setattr__(schedule, name, value)
