"""Parameters that several transforms of Albumentations share, read from their serialised form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from augsynth.errors import ArgumentError
from augsynth.transforms import choice
from augsynth.transforms.converting.conversion import Converter, Notes
from augsynth.transforms.pipeline import Pipeline

Values = Mapping[str, Any]
"""A transform in serialised form: the name of its class, and its parameters by name."""

BORDERS = ("constant", "replicate", "reflect", "wrap", "reflect101")
"""Borders by OpenCV's numbers."""
INTERPOLATIONS = {0: "nearest", 1: "bilinear", 2: "bicubic", 6: "nearest"}
"""Filters by OpenCV's numbers."""


def probability(v: Values, default: float = 0.5) -> float:
    """Return the probability of a transform.

    Args:
        v: the transform in serialised form.
        default: the library's default; 0.5 by default.
    """
    return float(v.get("p", default))


def sometimes(v: Values, transforms: list[Pipeline], default: float = 0.5) -> list[Pipeline]:
    """Wrap transforms without a probability of their own in the one that is given.

    Args:
        v: the transform in serialised form.
        transforms: what it was converted to.
        default: the library's default; 0.5 by default.
    """
    p = probability(v, default)
    return [choice.RandomApply(transforms, p)] if transforms and p != 1 else transforms


def first_given(v: Values, names: str, default: Any) -> Any:
    """Return the first of several parameters that is given, and not None.

    Args:
        v: the transform in serialised form.
        names: names of the parameters, newest first, with spaces between them.
        default: the result if none is given.
    """
    given = (v.get(name) for name in names.split())
    return next((value for value in given if value is not None), default)


def ends(value: Any, around: float = 0.0) -> tuple[float, float]:
    """Return the ends of a range. One number d stands for (around − d, around + d).

    Args:
        value: a number or a pair.
        around: the middle for one number; 0 by default.
    """
    if isinstance(value, (list, tuple)):
        return float(value[0]), float(value[1])
    return around - float(value), around + float(value)


def size(v: Values) -> tuple[int, int]:
    """Return (height, width), which older versions give as two parameters.

    Args:
        v: the transform in serialised form.
    """
    given = v.get("size")
    if given is not None:
        return (int(given), int(given)) if isinstance(given, int) else (int(given[0]), int(given[1]))
    return int(v["height"]), int(v["width"])


def both(v: Values, height: str, width: str, default: int | None) -> tuple[int, int] | None:
    """Return two parameters, or None if one of them is None.

    Args:
        v: the transform in serialised form.
        height: name of the first.
        width: name of the second.
        default: value of one that is not given.
    """
    rows, columns = v.get(height, default), v.get(width, default)
    return None if rows is None or columns is None else (int(rows), int(columns))


def numbers(given: Any) -> Any:
    """Return a list as a tuple, and anything else as it is.

    Args:
        given: a number, a list or None.
    """
    return tuple(given) if isinstance(given, (list, tuple)) else given


def resizing_filter(v: Values, notes: Notes) -> dict[str, Any]:
    """Return the filter of a change of size. OpenCV's number 3 averages areas, which is an antialiased filter here.

    Args:
        v: the transform in serialised form.
        notes: collects differences.
    """
    number = int(first_given(v, "interpolation", 1))
    if number == 3:
        notes.differs("the filter INTER_AREA is replaced by an antialiased bilinear one")
        return {"interpolation": "bilinear", "antialias": True}
    if number == 0:
        notes.differs("nearest takes the pixel under the centre, as OpenCV's INTER_NEAREST_EXACT does")
    if number not in INTERPOLATIONS:
        notes.differs(f"the filter of OpenCV's number {number} is replaced by 'bicubic'")
        return {"interpolation": "bicubic", "antialias": False}
    return {"interpolation": INTERPOLATIONS[number], "antialias": False}


def border(v: Values, default: int = 0) -> dict[str, Any]:
    """Return the border and its fill.

    Args:
        v: the transform in serialised form.
        default: OpenCV's number if none is given; 0, a constant, by default.
    """
    fill = first_given(v, "fill value cval", 0.0)
    if isinstance(fill, str):
        raise ArgumentError(f"fill={fill!r} has no counterpart: give a number")
    number = int(first_given(v, "border_mode mode", default))
    if not 0 <= number < len(BORDERS):
        raise ArgumentError(f"OpenCV's border {number} has no counterpart")
    return {"border": BORDERS[number], "fill": tuple(fill) if isinstance(fill, (list, tuple)) else float(fill)}


def moving_filter(v: Values, border_number: int = 0) -> dict[str, Any]:
    """Return the filter and the border of a map of coordinates.

    Args:
        v: the transform in serialised form.
        border_number: OpenCV's number of the border if none is given; 0, a constant, by default.
    """
    number = int(first_given(v, "interpolation", 1))
    return {"interpolation": INTERPOLATIONS.get(number, "bilinear"), **border(v, border_number)}


def of_probability(make: Callable[[float], Pipeline], default: float = 0.5) -> Converter:
    """Return the converter of a transform that has no parameter but its probability.

    Args:
        make: function of the probability.
        default: the library's default; 0.5 by default.
    """
    return lambda v, notes: [make(probability(v, default))]
