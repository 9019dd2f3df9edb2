"""The registry of transforms: their names, and building them from descriptions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from augsynth.core.checks import suggestion
from augsynth.core.names import listed
from augsynth.errors import ArgumentError, ArgumentTypeError, shown
from augsynth.transforms.compose import Compose
from augsynth.transforms.contract import Transform
from augsynth.transforms.examples import examples
from augsynth.transforms.pipeline import Pipeline

# The class of every transform, in the order of the examples.
TRANSFORMS: tuple[type[Transform], ...] = tuple(type(example) for example in examples())
_DEEPEST = 32


def from_dict(
    description: Mapping[str, Any],
    *,
    functions: Mapping[str, Any] | None = None,
    transforms: Sequence[type[Pipeline]] = (),
) -> Pipeline:
    """Build the transform that `to_dict` described; `ArgumentError` names the part that is unknown.

    A description never runs code of its own.

    Args:
        description: a mapping with the `type` and the parameters.
        functions: the functions and the reference images that a description may name, by name; none by default.
        transforms: classes of your own that a description may name; none by default.

    >>> from augsynth import transforms as T
    >>> T.from_dict({"type": "RandomHorizontalFlip", "p": 0.25})
    RandomHorizontalFlip(p=0.25)
    """
    kinds: list[type[Pipeline]] = [*TRANSFORMS, Compose, *transforms]
    return _Builder({kind.__name__: kind for kind in kinds}, dict(functions or {})).build(description)


@dataclass(frozen=True)
class _Builder:
    known: Mapping[str, type[Pipeline]]
    functions: Mapping[str, Any]

    def build(self, description: Any, depth: int = 0) -> Pipeline:
        if not isinstance(description, Mapping) or not isinstance(description.get("type"), str):
            raise ArgumentError(f"a transform's description must be a mapping with a 'type', got {shown(description)}")
        name = description["type"]
        if name not in self.known:
            raise ArgumentError(f"unknown transform {shown(name)}{_suggestion(name, list(self.known))}")
        kind = self.known[name]
        values = {key: self._value(value, depth + 1) for key, value in description.items() if key != "type"}
        for key in values:
            if key not in kind.parameter_names():
                close = _suggestion(str(key), kind.parameter_names())
                raise ArgumentError(f"{name} has no parameter {shown(key)}{close}")
        try:
            return kind.from_description(values, self.functions)
        except TypeError as error:
            if isinstance(error, ArgumentTypeError):
                raise
            raise ArgumentError(f"{name}: {error}") from error

    def _value(self, value: Any, depth: int) -> Any:
        if depth > _DEEPEST:
            raise ArgumentError(f"a description may be nested {_DEEPEST} deep, and this one is deeper")
        if isinstance(value, (list, tuple)):
            return tuple(self._value(entry, depth + 1) for entry in value)
        return self.build(value, depth) if isinstance(value, Mapping) and "type" in value else value


_MOST_NAMES = 30


def _suggestion(name: str, known: Sequence[str]) -> str:
    return suggestion(name, known) or f"; known are {listed(known, _MOST_NAMES)}"
