"""Options of a generator, checked by name and type, with suggestions for typing errors."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from augsynth.core.arrays import as_float
from augsynth.core.checks import suggestion
from augsynth.errors import ArgumentError, ArgumentTypeError, AugsynthError, error_text, shown

_SCALARS: dict[str, type] = {kind.__name__: kind for kind in (int, float, str, bool)}


@dataclasses.dataclass(frozen=True)
class NoOptions:
    """Options of a generator without options."""


def make_config(name: str, config_type: type[Any], options: Mapping[str, Any]) -> Any:
    """Make a config from options. Raises `ArgumentError` or `ArgumentTypeError`.

    A field that is annotated `int`, `float`, `str` or `bool`, or one of these or None, takes these types only. An
    integer is converted for a float field. NumPy's numbers and 0-d arrays are converted to Python's, and numbers must
    be finite. Lists become tuples, so that the config can be hashed.

    Args:
        name: name of the generator, for messages.
        config_type: a frozen dataclass.
        options: values by field name.
    """
    fields = {field.name: field for field in dataclasses.fields(config_type) if field.init}
    for option in options:
        if option not in fields:
            listed = ", ".join(fields) or "none"
            raise ArgumentError(
                f"generator {name!r} has no option {shown(option)}{suggestion(option, fields)}; it has: {listed}"
            )
    given = {option: _converted(fields[option], value) for option, value in options.items()}
    try:
        return config_type(**given)
    except AugsynthError:
        raise
    except Exception as cause:
        raise ArgumentError(f"generator {name!r} refuses its options {shown(given)}: {error_text(cause)}") from cause


def _converted(field: dataclasses.Field[Any], value: Any) -> Any:
    names, value = _type_names(field.type), _plain_tuples(field.name, value)
    if not names <= {*_SCALARS, "None"}:
        return value
    if (value is None and "None" in names) or type(value) in {_SCALARS[name] for name in names - {"None"}}:
        return value
    if "float" in names and type(value) is int and math.isfinite(as_float(value)):
        return float(value)
    raise ArgumentTypeError(f"option {field.name!r} must be {' or '.join(sorted(names))}, got {shown(value)}")


def _type_names(annotation: Any) -> set[str]:
    """Return the names of types in an annotation: `{"float", "None"}` for `float | None` in any spelling."""
    # The annotation is a string where the plugin's module postpones the evaluation of annotations.
    text = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    optional = re.fullmatch(r"(?:typing\.)?Optional\[(.*)\]", text.strip())
    parts = f"{optional[1]} | None" if optional else text
    return {part.strip().replace("NoneType", "None") for part in parts.split("|")}


def _plain_tuples(option: str, value: Any) -> Any:
    """Convert lists and arrays to tuples, and numbers to Python's; raise `ArgumentError` for one that is not finite."""
    if isinstance(value, (np.generic, np.ndarray, Tensor)):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return tuple(_plain_tuples(option, item) for item in value)
    if isinstance(value, float) and not math.isfinite(value):
        raise ArgumentError(f"{option} must be finite, got {value}")
    return value
