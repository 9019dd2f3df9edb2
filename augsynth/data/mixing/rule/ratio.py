"""The `ratio` of a mix in all its forms: numbers, classes, schedules and functions, for one source or several."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from numbers import Rational
from typing import Any

from augsynth.core.arrays import as_float, unwrapped
from augsynth.core.checks import suggestion
from augsynth.data.mixing.items.failures import located
from augsynth.data.schedules import Schedule, strengths
from augsynth.errors import ArgumentError, ArgumentTypeError, shown

FixedRatio = float | Mapping[int, float]
Share = float | Callable[[int], float]
SourceRatio = Share | Mapping[int, Share] | Callable[[int], FixedRatio]
Ratio = SourceRatio | Mapping[str, SourceRatio] | Callable[[int], Mapping[str, FixedRatio]]

_FORMS = "a number, a {class: number} or a callable of the epoch that gives one"
_TOLERANCE = 1e-9  # by which a sum of rounded decimals may exceed 1


class Ratios:
    """Synthetic fraction of each source in every epoch.

    Everything that can be known without an epoch is checked at once: numbers, and the bounds of schedules. Raises
    `ArgumentError` or `ArgumentTypeError`.

    Args:
        ratio: as in `SyntheticMixDataset`.
        names: names of the sources; None for a single one without a name.
        below_one: refuse 1, for mode "extend".

    `uses` says of each source if some epoch may need its items.
    """

    def __init__(self, ratio: Any, names: Sequence[str] | None, below_one: bool) -> None:
        self._names = names
        self._below_one = below_one
        if names is None and isinstance(ratio, Mapping) and any(isinstance(key, str) for key in ratio):
            raise ArgumentError(
                f"ratio names {shown(list(ratio))}, and synthetic is one source: give synthetic={{name: source}} with "
                "the same names"
            )
        by_source = names is None or not callable(ratio)
        self._ratio = self._matched(ratio) if names is not None and by_source else ratio
        parts = [self._ratio] if names is None else list(self._ratio.values()) if by_source else []
        for part, what in zip(parts, self._words("ratio"), strict=False):
            _check_bounds(part, what, below_one)
        self.at(0)
        self.uses = tuple(map(_may_exceed_zero, parts)) if by_source else (True,) * len(names or ())

    def at(self, epoch: int) -> tuple[FixedRatio, ...]:
        """Return the ratio of each source in an epoch, a number or by class."""
        what = f"ratio({epoch})" if callable(self._ratio) else "ratio"
        ratio = _called(self._ratio, epoch, "ratio")
        parts = [ratio] if self._names is None else list(self._matched(ratio).values())
        words = self._words(what)
        fixed = tuple(_fixed(part, epoch, word, self._below_one) for part, word in zip(parts, words, strict=True))
        _check_sum(fixed, what, self._below_one)
        return fixed

    def largest(self) -> tuple[FixedRatio, ...]:
        """Return the ratio of each source in epoch 0, with schedules of a source or a class at their upper bounds."""
        if self._names is None:
            return (_fixed(_largest(self._ratio), 0, "ratio", self._below_one),)
        if callable(self._ratio):
            return self.at(0)
        return tuple(_fixed(_largest(part), 0, "ratio", self._below_one) for part in self._ratio.values())

    def description(self, epoch: int) -> Any:
        """Return the ratio, JSON-ready; functions by their values at epoch 0, at the powers of two, and at `epoch`."""
        epochs = sorted({0, epoch, *(1 << power for power in range(epoch.bit_length()))})
        return _described(self._ratio, epochs, "ratio")

    def _words(self, what: str) -> list[str]:
        return [what] if self._names is None else [f"{what} of {name!r}" for name in self._names]

    def _matched(self, ratio: Any) -> dict[str, Any]:
        """Return the ratios in the order of the sources."""
        names = self._names
        assert names is not None
        if not isinstance(ratio, Mapping):
            raise ArgumentTypeError(
                f"with several sources, ratio must be {{name: ratio}} with the names {', '.join(names)}, or a callable "
                f"of the epoch that gives one, got {shown(ratio)}"
            )
        if set(ratio) != set(names):
            wrong = [name for name in ratio if name not in names]
            missing = [name for name in names if name not in ratio]
            hint = suggestion(wrong[0], names) if wrong else ""
            raise ArgumentError(
                f"ratio must name the sources {', '.join(names)}: "
                + "; ".join(
                    [f"{shown(name)} is none of them" for name in wrong] + [f"{name!r} is missing" for name in missing]
                )
                + hint
            )
        return {name: ratio[name] for name in names}


def check_ratio(value: Any, what: str, below_one: bool) -> float:
    """Return a fraction as Python's number, if it is in range; raise `ArgumentError` or `ArgumentTypeError`.

    Args:
        value: number in [0, 1], also NumPy's numbers and 0-d arrays.
        what: name of the value in messages.
        below_one: refuse 1.
    """
    number = unwrapped(value)
    if isinstance(number, bool) or not isinstance(number, (int, float, Rational)):
        raise ArgumentTypeError(f"{what} must be {_FORMS}, got {type(value).__name__}")
    fraction = as_float(number)
    if not 0 <= fraction <= 1:
        raise ArgumentError(f"{what} must be in [0, 1], the synthetic fraction of the epoch, got {value}")
    if below_one and fraction == 1:
        raise ArgumentError(
            f"{what} must be below 1 in mode 'extend', which keeps every real item; use mode='replace' for 1"
        )
    return fraction


def _fixed(ratio: Any, epoch: int, what: str, below_one: bool) -> FixedRatio:
    """Return the ratio of one source in an epoch."""
    value = _called(ratio, epoch, what)
    if not isinstance(value, Mapping):
        return check_ratio(value, what, below_one)
    result = {}
    for label, part in value.items():
        where = f"{what} of class {unwrapped(label)!r}"
        result[unwrapped(label)] = check_ratio(_called(part, epoch, where), where, below_one)
    return result


def _called(ratio: Any, epoch: int, what: str) -> Any:
    if not callable(ratio):
        return ratio
    try:
        return ratio(epoch)
    except Exception as error:
        raise located(error, f"the {what} at epoch {epoch}") from error


def _check_sum(ratios: tuple[FixedRatio, ...], what: str, below_one: bool) -> None:
    """Raise `ArgumentError` if the sources together exceed the epoch, or a class of it."""
    if len(ratios) == 1:
        return
    classes = {label for ratio in ratios if isinstance(ratio, Mapping) for label in ratio}
    labels: list[Any] = sorted(classes, key=str)
    for label in labels or [None]:
        parts = [ratio.get(label, 0.0) if isinstance(ratio, Mapping) else ratio for ratio in ratios]
        total = math.fsum(parts)
        where = what if label is None else f"{what} of class {label!r}"
        if total > 1 + _TOLERANCE:
            raise ArgumentError(f"{where} must add up to at most 1 over the sources, got {_sum(parts)} = {total:g}")
        if below_one and total > 1 - _TOLERANCE:
            raise ArgumentError(
                f"{where} must add up to less than 1 in mode 'extend', which keeps every real item, got "
                f"{_sum(parts)} = {total:g}"
            )


def _sum(parts: list[float]) -> str:
    return " + ".join(f"{part:g}" for part in parts)


def _check_bounds(ratio: Any, what: str, below_one: bool) -> None:
    """Check a schedule in its whole range at once, and not when an epoch reaches it."""
    if isinstance(ratio, strengths):
        raise ArgumentError(f"{what} must be {_FORMS}, and strengths gives the ratios of all sources: give it as ratio")
    if isinstance(ratio, Schedule):
        for level in ratio.levels():
            check_ratio(level, what, below_one)
    elif isinstance(ratio, Mapping):
        for label, part in ratio.items():
            _check_bounds(part, f"{what} of class {label!r}", below_one)


def _largest(ratio: Any) -> Any:
    """Return a ratio of one source in which schedules are replaced by their upper bounds."""
    if isinstance(ratio, Mapping):
        return {label: _largest(part) for label, part in ratio.items()}
    return max(ratio.levels()) if isinstance(ratio, Schedule) else ratio


def _may_exceed_zero(ratio: Any) -> bool:
    if isinstance(ratio, Mapping):
        return any(map(_may_exceed_zero, ratio.values()))
    if isinstance(ratio, Schedule):
        return max(ratio.levels()) > 0
    return callable(ratio) or bool(ratio > 0)


def _described(ratio: Any, epochs: list[int], what: str) -> Any:
    if isinstance(ratio, (Schedule, strengths)):
        return ratio.description()
    if callable(ratio):
        return [[epoch, _described(_called(ratio, epoch, what), epochs, what)] for epoch in epochs]
    if isinstance(ratio, Mapping):
        return [[unwrapped(label), _described(ratio[label], epochs, what)] for label in sorted(ratio, key=_rank)]
    return as_float(unwrapped(ratio))


def _rank(label: Any) -> tuple[bool, Any]:
    """Sort names as texts, and classes as numbers."""
    return isinstance(label, str), unwrapped(label)
