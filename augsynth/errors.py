"""Error classes of augsynth.

All derive from `AugsynthError`, and each also derives from the builtin class that callers would catch (`ValueError`,
`TypeError`, `RuntimeError`, …). A message says what came, what was expected and what to do.
"""

from __future__ import annotations

import reprlib


class AugsynthError(Exception):
    """Base of every error raised by augsynth."""


class ArgumentError(AugsynthError, ValueError):
    """An argument has a value outside its range."""


class ArgumentTypeError(AugsynthError, TypeError):
    """An argument has a type, dtype or layout that is not supported."""


class PlanError(AugsynthError, ValueError):
    """A plan is malformed, or does not fit the images it is applied to."""


class CheckpointError(AugsynthError, ValueError):
    """A saved generator, plan or pool is missing, damaged or of another version."""


class PluginError(AugsynthError, RuntimeError):
    """A generator plugin cannot be found, loaded or used."""


class NativeError(AugsynthError, RuntimeError):
    """The compiled extension is missing or outdated, or cannot do what was asked (an ISA that the CPU lacks)."""


class DataError(AugsynthError, ValueError):
    """A data set on disk or in memory is not as its user described it."""


def shown(value: object) -> str:
    """Return a value from outside as messages quote it: its `repr`, shortened if it is too long or nested too deeply.

    Args:
        value: any value.

    >>> shown([1, "a"]), shown([[[[[[[[1]]]]]]]])
    ("[1, 'a']", '[[[[[[[...]]]]]]]')
    """
    return _SHORT.repr(value)


def error_text(error: BaseException) -> str:
    """Return the class and the message of an error of other code, printable, whatever its own methods do.

    Args:
        error: the error.

    >>> error_text(KeyError("x"))
    "KeyError: 'x'"
    """
    name = type.__dict__["__name__"].__get__(type(error))
    try:
        message = str(error)
    except BaseException as failure:
        message = f"<its message cannot be read: {type(failure).__name__}>"
    return f"{name}: {message}".removesuffix(": ").encode("utf-8", "backslashreplace").decode()


class _Short(reprlib.Repr):
    def repr_int(self, x: int, level: int) -> str:
        try:
            return super().repr_int(x, level)
        except ValueError:  # Python writes no integer of more than 4,300 digits
            return f"<an integer of {x.bit_length()} bits>"


_SHORT = _Short()
_SHORT.maxstring = _SHORT.maxother = 120
