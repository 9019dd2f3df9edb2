"""A pipeline as Python: the lines that build it again."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from augsynth.transforms.compose import Compose
from augsynth.transforms.pipeline import Pipeline


def python_source(pipeline: Pipeline, name: str = "transform") -> str:
    """Return the Python that builds a pipeline, with the parameters that are not the defaults.

    Args:
        pipeline: the pipeline.
        name: name of the variable that it is bound to; "transform" by default.

    >>> from augsynth import transforms as T
    >>> print(python_source(T.Compose([T.RandomHorizontalFlip(), T.Resize((32, 32))])))
    from augsynth import transforms as T
    <BLANKLINE>
    transform = T.Compose([
        T.RandomHorizontalFlip(),
        T.Resize((32, 32)),
    ])
    """
    return f"from augsynth import transforms as T\n\n{name} = {_expression(pipeline, '')}"


def _expression(value: Any, indent: str) -> str:
    if isinstance(value, Pipeline):
        return f"T.{value.to_dict()['type']}({', '.join(_arguments(value, indent))})"
    if isinstance(value, (list, tuple)) and any(isinstance(item, Pipeline) for item in value):
        inner = indent + "    "
        lines = "".join(f"{inner}{_expression(item, inner)},\n" for item in value)
        return f"[\n{lines}{indent}]"
    return repr(value)


def _arguments(pipeline: Pipeline, indent: str) -> Iterator[str]:
    """Yield the arguments that are not the defaults. Leading parameters without a default go by position."""
    described, leading = pipeline.to_dict(), True
    made_by = Compose if isinstance(pipeline, Compose) else type(pipeline)
    for name, parameter in inspect.signature(made_by).parameters.items():
        value = getattr(pipeline, name, described.get(name))
        if parameter.default is inspect.Parameter.empty:
            yield _expression(value, indent) if leading else f"{name}={_expression(value, indent)}"
        elif value != parameter.default:
            leading = False
            yield f"{name}={_expression(value, indent)}"
