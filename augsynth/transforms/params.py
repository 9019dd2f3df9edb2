"""Readers of parameters: ranges, sizes, names and colours. A wrong value raises an error that names the parameter."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from enum import Enum, IntEnum
from functools import lru_cache
from numbers import Integral, Real
from typing import Any, TypeVar

import numpy as np
import torch

from augsynth._native.layout import Border, DType, Interpolation
from augsynth.core.arrays import as_float, to_numpy
from augsynth.core.checks import check_flag, check_integer, check_number
from augsynth.errors import ArgumentError, ArgumentTypeError, shown
from augsynth.plan import LARGEST
from augsynth.plan.lowering import PerChannel, Sampling

Range = float | Sequence[float]
_Enum = TypeVar("_Enum", bound=IntEnum)


_Reader = TypeVar("_Reader", bound=Callable[..., Any])
_DEEPEST = 32


def _remembered(reader: _Reader) -> _Reader:
    # A transform's parameters never change, and reading them for every image would cost more than a small image does.
    return lru_cache(maxsize=1024, typed=True)(reader)  # type: ignore[return-value]


def frozen(value: Any) -> Any:
    """A parameter as a transform keeps it: lists as tuples, NumPy and torch values as Python's own.

    A member of an enum becomes the name that is its value, or else its own name in lower case.

    >>> frozen([np.int64(4), torch.tensor(0.5), Border.WRAP])
    (4, 0.5, 'wrap')
    """
    return _frozen(value, 0)


def _frozen(value: Any, depth: int) -> Any:
    if isinstance(value, (np.ndarray, torch.Tensor)):
        value = to_numpy(value, "a parameter").tolist()
    elif isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, (list, tuple)):
        return _frozen_sequence(value, depth)
    if isinstance(value, Enum):
        value = value.value if isinstance(value.value, str) else value.name.lower()
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, Real) and not isinstance(value, bool):
        return int(value) if isinstance(value, Integral) else as_float(value)
    if not isinstance(value, Hashable):
        raise ArgumentTypeError(
            f"a parameter must be a number, a name, a flag or a sequence of them, got {shown(value)}"
        )
    return value


def _frozen_sequence(values: Sequence[Any], depth: int) -> tuple[Any, ...]:
    if depth == _DEEPEST:
        raise ArgumentError(f"a parameter may be nested {_DEEPEST} deep, and this one is deeper")
    result = tuple(_frozen(value, depth + 1) for value in values)
    # (True, 5) equals (1, 5): what is remembered of the one would let the other pass. The rows of a mask are all flags.
    flags = [isinstance(value, bool) for value in result]
    if any(flags) and (depth == 0 or not all(flags)):
        raise ArgumentTypeError(f"a sequence must hold numbers or names, and no flags, got {shown(values)}")
    return result


def number(value: Any, name: str, low: float = -math.inf, high: float = math.inf) -> float:
    """A finite number in [low, high]."""
    return check_number(name, value, low, high, type_error=ArgumentTypeError)


def integer(value: Any, name: str, low: int, high: int = LARGEST) -> int:
    """An integer in [low, high]; `high` is by default the longest side that an image may have."""
    return check_integer(name, value, low, high, type_error=ArgumentTypeError)


@_remembered
def numbers(value: Any, name: str, count: int, low: float = -math.inf, high: float = math.inf) -> tuple[float, ...]:
    """Exactly `count` numbers in [low, high]."""
    if not isinstance(value, (tuple, list)) or len(value) != count:
        raise ArgumentError(f"{name} must have {count} numbers, got {shown(value)}")
    return tuple(number(entry, f"{name}[{i}]", low, high) for i, entry in enumerate(value))


@_remembered
def interval(value: Any, name: str, low: float = -math.inf, high: float = math.inf) -> tuple[float, float]:
    """A pair (lowest, highest) within [low, high]."""
    first, last = numbers(value, name, 2, low, high)
    if first > last:
        raise ArgumentError(f"{name} must be (lowest, highest), got {shown(value)}")
    return first, last


@_remembered
def span(value: Any, name: str, low: float = -math.inf, high: float = math.inf) -> tuple[float, float]:
    """A pair (lowest, highest) to draw from, within [low, high]; a single number stands for both."""
    if isinstance(value, (tuple, list)):
        return interval(value, name, low, high)
    fixed = number(value, name, low, high)
    return fixed, fixed


def whole_range(value: Any, name: str, low: int, high: int) -> tuple[int, int]:
    """A pair (lowest, highest) of integers within [low, high]; one integer stands for both."""
    given = value if isinstance(value, tuple) else (value, value)
    if len(given) != 2:
        raise ArgumentError(f"{name} must be an integer or (lowest, highest), got {value!r}")
    first, last = integer(given[0], name, low, high), integer(given[1], name, low, high)
    if first > last:
        raise ArgumentError(f"{name} must be (lowest, highest), got {value!r}")
    return first, last


@_remembered
def positive(value: Any, name: str) -> tuple[float, float]:
    """`span` of numbers above 0."""
    lowest, highest = span(value, name, low=0.0)
    if lowest == 0:
        raise ArgumentError(f"{name} must be greater than 0, got {shown(value)}")
    return lowest, highest


@_remembered
def symmetric(value: Any, name: str) -> tuple[float, float]:
    """A pair (lowest, highest), or a number d >= 0 for (-d, d)."""
    if isinstance(value, (tuple, list)):
        return interval(value, name)
    bound = number(value, name, low=0.0)
    return -bound, bound


def probability(value: Any, name: str = "p") -> float:
    """A number in [0, 1]."""
    return number(value, name, 0.0, 1.0)


def flag(value: Any, name: str) -> bool:
    """True or False."""
    return check_flag(name, value)


@_remembered
def size_pair(value: Any, name: str = "size") -> tuple[int, int]:
    """(height, width), or one integer for a square."""
    if isinstance(value, (tuple, list)):
        if len(value) == 1:
            return size_pair(value[0], name)
        if len(value) != 2:
            raise ArgumentError(f"{name} must be an integer or (height, width), got {shown(value)}")
        return integer(value[0], f"{name}[0]", 1), integer(value[1], f"{name}[1]", 1)
    side = integer(value, name, 1)
    return side, side


@_remembered
def margins(value: Any, name: str = "padding", negative: bool = False) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) from one integer, (left and right, top and bottom), or all four.

    Args:
        value: the integers.
        name: the parameter's name, for messages.
        negative: True allows integers below 0; False (the default) does not.
    """
    given = value if isinstance(value, (tuple, list)) else (value,)
    if len(given) not in (1, 2, 4):
        raise ArgumentError(f"{name} must be an integer or 2 or 4 of them, got {shown(value)}")
    left, top, right, bottom = (tuple(given) * 4)[:4]
    low = -LARGEST if negative else 0
    return tuple(integer(margin, name, low) for margin in (left, top, right, bottom))  # type: ignore[return-value]


def per_channel(value: Any, name: str) -> PerChannel:
    """One number, or one a channel."""
    if isinstance(value, (tuple, list)):
        if not value:
            raise ArgumentError(f"{name} must be a number or one a channel, got none")
        return numbers(value, name, len(value))
    return number(value, name)


def _member(kind: type[_Enum], value: Any, name: str) -> _Enum:
    try:
        return kind[value.upper()]
    except (KeyError, AttributeError):
        known = ", ".join(member.name.lower() for member in kind)
        raise ArgumentError(f"{name} must be one of {known}, got {shown(value)}") from None


def named_border(value: Any) -> Border:
    """The border of that name."""
    return _member(Border, value, "border")


def _named_interpolation(value: Any) -> Interpolation:
    return _member(Interpolation, value, "interpolation")


@_remembered
def sampling(interpolation: Any = None, antialias: bool | None = None, border: Any = None, fill: Any = 0.0) -> Sampling:
    """The declaration of how a step reads pixels; steps share a pass if their declarations agree.

    Args:
        interpolation: "nearest", "bilinear" or "bicubic"; None (the default) where all give the same result, as for a
            step that moves whole pixels.
        antialias: True widens the filter where the image becomes smaller; None (the default) where that makes no
            difference.
        border: the values outside the image: "constant", "replicate", "reflect", "reflect101" or "wrap"; None (the
            default) for a step that never looks outside.
        fill: the level of a constant border, in the image's units: a number, or one for each channel; 0 by default.

    >>> sampling("nearest", border="wrap").border.name
    'WRAP'
    """
    return Sampling(
        None if interpolation is None else _named_interpolation(interpolation),
        None if antialias is None else flag(antialias, "antialias"),
        None if border is None else named_border(border),
        per_channel(fill, "fill"),
    )


@_remembered
def filtered(interpolation: Any, antialias: bool | None) -> Sampling:
    """The declaration of a transform that resamples and never looks outside; `interpolation` must be a name."""
    return Sampling(_named_interpolation(interpolation), antialias)


@_remembered
def bordered(border: Any, fill: Any) -> Sampling:
    """The declaration of a transform that moves whole pixels and shows the border, which must be a name."""
    return Sampling(border=named_border(border), fill=per_channel(fill, "fill"))


@_remembered
def resampled(interpolation: Any, antialias: bool | None, border: Any, fill: Any) -> Sampling:
    """The declaration of a transform that resamples and shows the border; both must be names."""
    return Sampling(_named_interpolation(interpolation), antialias, named_border(border), per_channel(fill, "fill"))


def dtype_named(value: Any) -> DType:
    """The dtype called `value` ("uint8", …, "bfloat16"), or of a torch or NumPy dtype."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    try:
        text = (
            value if isinstance(value, str) else str(value) if isinstance(value, torch.dtype) else np.dtype(value).name
        )
    except (TypeError, ValueError, RecursionError):  # the latter from what is nested too deep
        text = shown(value)
    return _member(DType, text.removeprefix("torch."), "dtype")
