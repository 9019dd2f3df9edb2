"""Options of a generator: checked by name, with suggestions for typing errors."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from augsynth.errors import ArgumentError, ArgumentTypeError

_SCALARS: dict[str, type] = {kind.__name__: kind for kind in (int, float, str, bool)}


def make_config(name: str, config_type: type[Any], options: Mapping[str, Any]) -> Any:
    """Make the frozen dataclass `config_type` from options; lists become tuples, so that it can be hashed.

    Fields annotated `int`, `float`, `str` or `bool` take these types only (an int is taken for a float).
    """
    fields = {field.name: field for field in dataclasses.fields(config_type) if field.init}
    for option in options:
        if option not in fields:
            listed = ", ".join(fields) or "none"
            raise ArgumentError(
                f"generator {name!r} has no option {option!r}{suggestion(option, fields)}; it has: {listed}"
            )
    return config_type(**{option: _converted(fields[option], value) for option, value in options.items()})


def suggestion(word: str, known: Iterable[str]) -> str:
    """`" (did you mean 'x'?)"` for the nearest known word, or nothing.

    >>> suggestion("epocs", ["steps", "epochs"])
    " (did you mean 'epochs'?)"
    """
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _converted(field: dataclasses.Field[Any], value: Any) -> Any:
    # The annotation is a string where the plugin's module postpones the evaluation of annotations.
    annotation = field.type if isinstance(field.type, str) else getattr(field.type, "__name__", "")
    expected = _SCALARS.get(annotation)
    if expected is None:
        return _as_tuple(value)
    if expected is float and type(value) is int:
        return float(value)
    if type(value) is not expected:
        raise ArgumentTypeError(f"option {field.name!r} must be {annotation}, got {value!r}")
    return value


def _as_tuple(value: Any) -> Any:
    return tuple(_as_tuple(item) for item in value) if isinstance(value, (list, tuple)) else value
