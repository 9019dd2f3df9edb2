"""The one rule for fields that may stay behind when their image is transformed.

A field of a target moves with the image if it has one of the names in `docs/targets.md`, or is a tv_tensor. Every other
field is examined here. It is refused if its name or its value says that it holds positions or pixels, or one entry for
each box. All calls that take targets, mixes and their loaders follow this rule.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from itertools import islice
from typing import Any

import numpy as np
import torch

from augsynth.core.pillow import is_pil
from augsynth.errors import ArgumentError
from augsynth.targets import tv_tensors
from augsynth.targets.names import FOLLOWING, MOVING, OF_THE_PICTURE, taken_for

_NUMPY_NUMBERS = tuple(np.dtype(code).type for code in np.typecodes["AllInteger"] + np.typecodes["AllFloat"])
_PLAIN = frozenset((type(None), bool, int, float, complex, str, bytes, np.bool_, np.str_, *_NUMPY_NUMBERS))
_DEEPEST = 6
_LOOKED_AT = 64


def all_plain(values: Iterable[Any]) -> bool:
    """Return whether all values are texts or single numbers of Python or NumPy. Such values have no position.

    Args:
        values: any objects.
    """
    # Mixes call this for every item: without a Python call for each value, it takes 0.1 µs an item instead of 0.4.
    return _PLAIN.issuperset(map(type, values))


def is_plain(value: Any) -> bool:
    """Return whether a value is a text or one number, also as an array or a tensor without axes.

    Args:
        value: any object.
    """
    return type(value) in _PLAIN or (isinstance(value, (torch.Tensor, np.ndarray)) and value.ndim == 0)


def check_fields(
    fields: Mapping[str, Any], passthrough: Container[str] = (), objects: int | None = None, moves: bool = False
) -> None:
    """Raise `ArgumentError` for the first field that would wrongly stay behind.

    Fields that move, and fields listed in `passthrough`, are not examined.

    Args:
        fields: fields by name.
        passthrough: names of fields that may stay as they are.
        objects: number of boxes; None without any.
        moves: whether the target has fields that move.

    >>> check_fields({"caption": "a dog", "depth": np.zeros((4, 6))})
    Traceback (most recent call last):
    augsynth.errors.ArgumentError: the field 'depth' would not move with the image, and holds numbers along two or \
more axes: give it as 'masks', 'boxes' or 'keypoints', or say passthrough=('depth',) if it shall stay as it is
    """
    for name, value in fields.items():
        if is_plain(value) or name in passthrough or name in MOVING or tv_tensors.role_of(value) is not None:
            continue
        reason = _reason(name, value, objects, moves)
        if reason:
            raise ArgumentError(
                f"the field {name!r} would not move with the image{reason}, or say passthrough=({name!r},) if it shall "
                "stay as it is"
            )


def looks_like_map(value: Any) -> bool:
    """Return whether a value by itself has pixels: a PIL image, or an array or a tensor of two or more axes."""
    return not isinstance(value, (list, tuple)) and _axes(value) >= 2


def check_beside(fields: Mapping[str, Any], form: str, passthrough: Container[str]) -> None:
    """Raise `ArgumentError` for a field beside an annotation that would stay behind.

    Args:
        fields: the other fields.
        form: name of the annotation, which alone moves.
        passthrough: names of fields that may stay as they are.
    """
    for name, value in fields.items():
        if name not in passthrough and (name in MOVING or tv_tensors.role_of(value) is not None):
            raise ArgumentError(
                f"the field {name!r} would not move with the image beside {form}: give one of the two, or say "
                f"passthrough=({name!r},) if it shall stay as it is"
            )
    check_fields(fields, passthrough, moves=True)


def _reason(name: Any, value: Any, objects: int | None, moves: bool) -> str:
    """Return the reason why a field may not stay behind, and advice; empty if it may."""
    follows = name in FOLLOWING
    meant = None if follows else taken_for(name)
    if meant:
        return f": call it {meant!r}"
    inside = _inside(value, _DEEPEST)
    if inside:
        return f", and holds {inside}: give that as a field of the target itself"
    # Beside boxes, masks or keypoints the entry of an object may be a vector.
    if _axes(value, 3) > (2 if follows and moves else 1):
        return ", and holds numbers along two or more axes: give it as 'masks', 'boxes' or 'keypoints'"
    if not (follows and moves) and _is_box(value):
        return f", and holds {_numbers(value)}, which may be a box: give it as 'boxes', of shape (1, 4)"
    if objects and not follows and _entries(value) == objects and name not in OF_THE_PICTURE:
        return (
            f", and has one entry for each of {objects} boxes: call it 'labels', or by another name that "
            "docs/targets.md lists"
        )
    return ""


def _inside(value: Any, deepest: int) -> str:
    """Return the first value inside mappings, or lists of them, that would have to move; empty if there is none."""
    if deepest == 0 or isinstance(value, (torch.Tensor, np.ndarray)):
        return ""
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        found = (_inside(part, deepest - 1) for part in islice(value, _LOOKED_AT) if not is_plain(part))
        return next(filter(None, found), "")
    for name, member in _members(value):
        if is_plain(member):
            continue
        if name in MOVING or taken_for(name) or tv_tensors.role_of(member) is not None:
            return repr(name)
        if _axes(member) >= 2:
            return f"{name!r}, numbers along two or more axes"
        inside = _inside(member, deepest - 1)
        if inside:
            return inside
    return ""


def _members(value: Any) -> list[tuple[Any, Any]]:
    """Return the named parts of a mapping, a named tuple or a plain object; none for other values."""
    if isinstance(value, Mapping):
        return list(value.items())
    if hasattr(value, "_asdict"):
        return list(value._asdict().items())
    if isinstance(value, type) or callable(value) or hasattr(value, "__array__"):
        return []
    return list(getattr(value, "__dict__", {}).items())


def _axes(value: Any, limit: int = 2) -> int:
    """Return the number of axes along which a value holds numbers, at most `limit`; -1 if it holds none."""
    if isinstance(value, (bool, int, float, np.number, np.bool_)):
        return 0
    if isinstance(value, torch.Tensor):
        return min(value.ndim, limit)
    if isinstance(value, np.ndarray) and value.dtype.kind != "O":
        return min(value.ndim, limit) if value.dtype.kind in "biufc" else -1
    if isinstance(value, (list, tuple, np.ndarray)):
        if limit == 0:
            return 0
        inner = max((_axes(part, limit - 1) for part in islice(value, _LOOKED_AT)), default=-1)
        return inner + 1 if inner >= 0 else -1
    if is_pil(value):
        return limit
    return min(len(value.shape), limit) if hasattr(value, "__array__") and hasattr(value, "shape") else -1


def _numbers(value: Any) -> list[float]:
    return [float(number) for number in value]


def _is_box(value: Any) -> bool:
    """Return whether a value is four numbers (x1, y1, x2, y2) in order, and no shares that lie within [0, 1]."""
    if _entries(value) != 4 or _axes(value) != 1:
        return False
    try:
        x1, y1, x2, y2 = _numbers(value)
    except (TypeError, ValueError, RuntimeError):  # the last one from tensors without values
        return False
    return x1 < x2 and y1 < y2 and max(x2, y2) > 1


def _entries(value: Any) -> int | None:
    """Return the number of entries of a list, an array or a tensor; None for other values."""
    if isinstance(value, (str, bytes, Mapping)) or not hasattr(value, "__len__") or getattr(value, "ndim", 1) == 0:
        return None
    return len(value)


def has_entries(value: Any) -> bool:
    """Return whether a value is a list, an array or a tensor, and not one number or a text."""
    return _entries(value) is not None
