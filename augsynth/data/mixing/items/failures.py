"""Errors of a user's data set or transform, with the item that caused them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

from augsynth.errors import DataError


def each(function: Callable[..., Any], rows: Iterable[Any], where: Callable[[int], str]) -> list[Any]:
    """Return `function(*row)` of every row; an error also names the row.

    Args:
        function: called with the columns of each row.
        rows: arguments of each call.
        where: gives words for the row with a number.

    >>> each(int, [("1",), ("x",)], "row {}".format)
    Traceback (most recent call last):
    ValueError: invalid literal for int() with base 10: 'x' (row 1)
    """
    results: list[Any] = []
    try:
        for row in rows:
            results.append(function(*row))
    except Exception as error:
        raise located(error, where(len(results))) from error
    return results


def together(function: Callable[..., Any], columns: tuple[Sequence[Any], ...], where: Callable[[int], str]) -> Any:
    """Return `function(*columns)` of all rows at once; after an error, each row is tried alone to find its cause.

    Args:
        function: called with the columns.
        columns: sequences of one length.
        where: gives words for the row with a number.
    """
    try:
        return function(*columns)
    except Exception as error:
        count = len(columns[0])
        for number in range(count) if count > 1 else ():
            try:
                function(*(column[number : number + 1] for column in columns))
            except Exception:
                raise located(error, where(number)) from error
        raise located(error, f"in a batch of {count} from {where(0)}" if count > 1 else where(0)) from error


def located(error: Exception, where: str) -> Exception:
    """Return an error of the same class with the same attributes, whose text also says where it happened.

    Workers of a DataLoader send only the class and the text. `StopIteration`, which would end a loop, and a class that
    accepts no text become a `DataError`.
    """
    with suppress(Exception):
        copy = _copy(error, where)
        vars(copy).update(vars(error))
        if where in str(copy) and not isinstance(error, StopIteration):
            return copy
    return DataError(f"{type(error).__name__} ({where}): its message is in the error that caused this one")


def _copy(error: Exception, where: str) -> Exception:
    if isinstance(error, UnicodeError) and len(error.args) == 5:
        return type(error)(*error.args[:4], f"{error.args[4]} ({where})")
    if isinstance(error, OSError) and error.strerror is not None:
        return type(error)(error.errno, f"{error.strerror} ({where})", error.filename)
    # Without __init__, which may take other arguments.
    return type(error).__new__(type(error), f"{error} ({where})")
