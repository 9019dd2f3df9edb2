"""Options of a generator: checked by name, with suggestions for typing errors."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from augsynth.errors import ArgumentError


def make_config(name: str, config_type: type[Any], options: Mapping[str, Any]) -> Any:
    """Make the frozen dataclass `config_type` from options; lists become tuples, so that it can be hashed."""
    known = [field.name for field in dataclasses.fields(config_type) if field.init]
    for option in options:
        if option not in known:
            listed = ", ".join(known) or "none"
            raise ArgumentError(
                f"generator {name!r} has no option {option!r}{suggestion(option, known)}; it has: {listed}"
            )
    return config_type(**{option: _as_tuple(value) for option, value in options.items()})


def suggestion(word: str, known: Iterable[str]) -> str:
    """`" (did you mean 'x'?)"` for the nearest known word, or nothing.

    >>> suggestion("epocs", ["steps", "epochs"])
    " (did you mean 'epochs'?)"
    """
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _as_tuple(value: Any) -> Any:
    return tuple(_as_tuple(item) for item in value) if isinstance(value, (list, tuple)) else value
