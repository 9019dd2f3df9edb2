"""Rules of options, declared beside their defaults."""

from __future__ import annotations

import dataclasses
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from augsynth.errors import ArgumentError, shown

Value = TypeVar("Value")
_RULE = "augsynth rule"


@dataclasses.dataclass(frozen=True)
class _Rule:
    """The values that an option takes, in code and in words."""

    allows: Callable[[Any], bool]
    expected: str


def option(
    default: Value,
    *,
    above: float | None = None,
    at_least: float | None = None,
    below: float | None = None,
    at_most: float | None = None,
    one_of: Sequence[Value] | None = None,
    or_none: bool = False,
) -> Value:
    """Declare a field of a `Config`, with the values that it takes. `check_options` checks them.

    Numbers are finite, and integers if the default is an integer. None is allowed if it is the default.

    Args:
        default: the default of the option.
        above: the number is greater than this bound.
        at_least: the number is at least this bound.
        below: the number is less than this bound.
        at_most: the number is at most this bound.
        one_of: the choices, for an option that is no number.
        or_none: True also allows None; default False.

    >>> @dataclasses.dataclass(frozen=True)
    ... class Config:
    ...     width: int = option(32, at_least=1)
    ...     decay: float = option(0.999, at_least=0, below=1)
    ...
    ...     def __post_init__(self) -> None:
    ...         check_options(self)
    >>> Config(decay=1.0)
    Traceback (most recent call last):
    augsynth.errors.ArgumentError: decay must be a finite number at least 0 and below 1, got 1.0
    """
    if one_of is not None:
        rule = _Rule(lambda value: value in one_of, f"one of {', '.join(map(repr, one_of))}")
    else:
        rule = _number_rule(type(default) is int, above, at_least, below, at_most)
    if default is None or or_none:
        rule = _or_none(rule)
    return dataclasses.field(default=default, metadata={_RULE: rule})


def check_options(config: Any) -> None:
    """Raise `ArgumentError` for the first option whose value is not allowed. Call it in `__post_init__`.

    Args:
        config: a dataclass, whose fields are declared by `option`.
    """
    for field in dataclasses.fields(config):
        rule, value = field.metadata.get(_RULE), getattr(config, field.name)
        if rule is not None and not rule.allows(value):
            raise ArgumentError(f"{field.name} must be {rule.expected}, got {shown(value)}")


def _number_rule(
    whole: bool, above: float | None, at_least: float | None, below: float | None, at_most: float | None
) -> _Rule:
    bounds: list[tuple[float | None, str, Callable[[Any, Any], bool]]] = [
        (above, "above", operator.gt),
        (at_least, "at least", operator.ge),
        (below, "below", operator.lt),
        (at_most, "at most", operator.le),
    ]
    given = [(word, bound, holds) for bound, word, holds in bounds if bound is not None]
    words = " and ".join(f"{word} {bound}" for word, bound, _ in given)
    kind = "an integer" if whole else "a finite number"
    return _Rule(
        lambda value: _is_number(value, whole) and all(holds(value, bound) for _, bound, holds in given),
        f"{kind} {words}".rstrip(),
    )


def _is_number(value: Any, whole: bool) -> bool:
    kinds = int if whole else (int, float)
    return isinstance(value, kinds) and not isinstance(value, bool) and math.isfinite(value)


def _or_none(rule: _Rule) -> _Rule:
    return _Rule(lambda value: value is None or rule.allows(value), f"{rule.expected}, or None")
