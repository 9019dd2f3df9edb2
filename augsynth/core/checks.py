"""Checks of single values: numbers in a range, flags, names, paths and sizes.

A check returns the value as Python's own type, or raises an error that says what came and what was expected. NumPy's
numbers, 0-d arrays and tensors, and enums count as the numbers that they hold. A flag is no number.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np

from augsynth.core.arrays import as_float, unwrapped
from augsynth.errors import ArgumentError, ArgumentTypeError, AugsynthError, shown

LARGEST_INT64 = 2**63 - 1
_WORD = 2**64


def as_integer(value: Any) -> int | None:
    """Return Python's integer for an integer in any form; None for everything else, flags included.

    >>> as_integer(np.int64(3)), as_integer(np.array(3)), as_integer(3.0), as_integer(True)
    (3, 3, None, None)
    """
    if type(value) is int:
        return value
    number = unwrapped(value)
    return int(number) if isinstance(number, Integral) and not isinstance(number, bool) else None


def check_integer(
    name: str,
    value: Any,
    low: int,
    high: int = LARGEST_INT64,
    *,
    expected: str = "",
    error: type[AugsynthError] = ArgumentError,
    type_error: type[AugsynthError] | None = None,
) -> int:
    """Return an integer in [low, high] as Python's integer.

    Args:
        name: what messages call the value.
        value: an integer in any form.
        low: the smallest integer that is allowed.
        high: the largest integer that is allowed.
        expected: what messages say of the range, "an integer in [0, 9]" for example; by default the bound that the
            value violates.
        error: the class of the error for a value outside the range.
        type_error: the class of the error for everything but integers; by default `error`.

    >>> check_integer("n", np.int64(3), 0)
    3
    >>> check_integer("n", -1, 0)
    Traceback (most recent call last):
    augsynth.errors.ArgumentError: n must be at least 0, got -1
    """
    number = as_integer(value)
    if number is None:
        raise (type_error or error)(f"{name} must be {expected or 'an integer'}, got {shown(value)}")
    if not low <= number <= high:
        raise error(f"{name} must be {expected or _integer_bound(number, low, high)}, got {shown(number)}")
    return number


def _integer_bound(number: int, low: int, high: int) -> str:
    if number < low:
        return f"at least {low}"
    return "below 2**63" if high == LARGEST_INT64 else f"at most {high}"


def check_number(
    name: str,
    value: Any,
    low: float = -math.inf,
    high: float = math.inf,
    *,
    type_error: type[AugsynthError] = ArgumentError,
) -> float:
    """Return a finite number in [low, high] as Python's float.

    Args:
        name: what messages call the value.
        value: a number in any form.
        low: the smallest number that is allowed.
        high: the largest number that is allowed.
        type_error: the class of the error for everything but numbers.

    >>> check_number("p", np.float32(0.5), 0.0, 1.0)
    0.5
    >>> check_number("p", 1.5, 0.0, 1.0)
    Traceback (most recent call last):
    augsynth.errors.ArgumentError: p must be in [0, 1], got 1.5
    """
    number = value if type(value) is float else unwrapped(value)
    if not isinstance(number, Real) or isinstance(number, bool):
        raise type_error(f"{name} must be a finite number, got {shown(value)}")
    result = as_float(number)
    if not math.isfinite(result) or not low <= result <= high:
        raise ArgumentError(f"{name} must be {_number_range(low, high)}, got {shown(value)}")
    return result


def _number_range(low: float, high: float) -> str:
    if math.isinf(low) and math.isinf(high):
        return "a finite number"
    if math.isinf(high):
        return f"finite and at least {low:g}"
    return f"in [{low:g}, {high:g}]"


def check_seed(seed: Any) -> int:
    """Return a signed or unsigned 64-bit integer as Python's integer; `ArgumentError` for everything else.

    >>> check_seed(np.uint64(2**64 - 1)) == 2**64 - 1
    True
    """
    return check_integer("seed", seed, -(_WORD // 2), _WORD - 1, expected="a 64-bit integer")


def check_flag(name: str, value: Any) -> bool:
    """Return True or False; `ArgumentTypeError` for everything else.

    >>> check_flag("antialias", True)
    True
    """
    if not isinstance(value, bool):
        raise ArgumentTypeError(f"{name} must be True or False, got {shown(value)}")
    return value


def check_choice(name: str, value: Any, choices: Iterable[str]) -> str:
    """Return a name that is one of the choices; `ArgumentError` for everything else.

    >>> check_choice("mode", "extent", ("replace", "extend"))
    Traceback (most recent call last):
    augsynth.errors.ArgumentError: mode must be one of replace, extend, got 'extent' (did you mean 'extend'?)
    """
    known = tuple(choices)
    if not isinstance(value, str) or value not in known:
        raise ArgumentError(f"{name} must be one of {', '.join(known)}, got {shown(value)}{suggestion(value, known)}")
    return value


def suggestion(word: Any, known: Iterable[str]) -> str:
    """Return `" (did you mean 'x'?)"` for the known word that is most alike, or nothing if none is.

    >>> suggestion("epocs", ["steps", "epochs"])
    " (did you mean 'epochs'?)"
    """
    close = difflib.get_close_matches(word, list(known), n=1) if isinstance(word, str) else []
    return f" (did you mean {close[0]!r}?)" if close else ""


def check_path(name: str, value: Any) -> Path:
    """Return the absolute path of a folder, which means the same after a change of the working folder.

    Raises `ArgumentTypeError` for what cannot be a path.
    """
    try:
        path = Path(value)
        path.exists()  # raises ValueError where no file can have that name
        return path.absolute()
    except (TypeError, ValueError) as cause:
        raise ArgumentTypeError(f"{name} must be the path of a folder, got {shown(value)}: {cause}") from cause
    except OSError:
        return Path(value).absolute()


def require_memory(what: str, size: int) -> None:
    """Raise `ArgumentError` if the system has no `size` bytes for `what`. It reserves them, and touches none."""
    try:
        np.empty(size, np.uint8)
    except (MemoryError, ValueError, OverflowError) as cause:
        raise ArgumentError(f"there is no memory for {what}: that takes {size / 2**30:,.0f} GiB") from cause
