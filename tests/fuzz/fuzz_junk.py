"""Hostile values, and what makes hostile values of sound ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import torch

Rng = np.random.Generator
Junk = Callable[[Rng], Any]
_T = TypeVar("_T")

FLOATS = (5e-324, 1e-300, 1e-30, 1e30, 1e300, -1e300, math.nan, math.inf, -math.inf)
SMALLER_NUMBERS = (0, -0.0, 1, -1, 0.5, 2, 255, 256, 65536, 2**24 + 1, 2**31, 2**53 + 1)
NUMBERS: tuple[Any, ...] = (
    *FLOATS,
    *(0, -0.0, 1, -1, 2, 3, 0.5, -0.5, 1.5, 17, 255, 256, 65536, 10**6, 2**24, 2**24 + 1),
    *(2**31 - 1, 2**31, -(2**31), 2**32, 2**53, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 2**64, 10**30, 10**400),
)
TEXTS = (
    *("", " ", "nan", "inf", "1", "-1e999", "None", "uint8", "float64", "bilinear", "wrap", "random", "channels_last"),
    *("__class__", "type", "RandomRotation", "Compose", "../../etc/passwd", "\0", "\ud800", "é" * 5, "a" * 5000, "%s"),
)


def pick(rng: Rng, values: Sequence[_T]) -> _T:
    """One of the values."""
    return values[int(rng.integers(len(values)))]


def json_junk(rng: Rng, depth: int = 3) -> Any:
    """Anything that JSON can say, and numbers that it cannot."""
    roll = rng.random()
    if depth and roll < 0.25:
        return [json_junk(rng, depth - 1) for _ in range(rng.integers(0, 5))]
    if depth and roll < 0.35:
        return {pick(rng, TEXTS): json_junk(rng, depth - 1) for _ in range(rng.integers(0, 3))}
    if roll < 0.37:
        return nested(rng, int(pick(rng, (30, 40, 900))))
    if roll < 0.7:
        return pick(rng, NUMBERS)
    return pick(rng, (None, True, False)) if roll < 0.8 else pick(rng, TEXTS)


def nested(rng: Rng, depth: int) -> Any:
    """Lists or descriptions within each other."""
    value: Any = pick(rng, NUMBERS)
    as_list = rng.random() < 0.5
    for _ in range(depth):
        value = [value] if as_list else {"type": "Compose", "transforms": [value]}
    return value


def junk(rng: Rng, depth: int = 3) -> Any:
    """Anything at all: what JSON says, arrays, tensors and objects."""
    roll = rng.random()
    if roll < 0.4:
        return json_junk(rng, depth)
    if roll < 0.7:
        return any_array(rng)
    if roll < 0.85:
        return any_tensor(rng)
    return pick(rng, (b"bytes", object(), {1, 2}, range(3), 1j, np.float64("nan"), int, slice(None), bytearray(9), len))


DTYPES = (*"?bBhHiIqQefdFDOSUMmV", ">u2", ">f4", ">f8", "<i4", [("a", "f4")])


def any_array(rng: Rng) -> Any:
    """An array of up to four short axes and of any dtype, with hostile numbers in it."""
    shape = tuple(rng.integers(0, 5, rng.integers(0, 5)).tolist())
    array = np.asarray(rng.normal(size=shape) * 10.0 ** rng.integers(-3, 12))
    if array.size and rng.random() < 0.5:
        array.reshape(-1)[rng.integers(array.size)] = pick(rng, (math.nan, math.inf, -math.inf, 1e300, -1.0))
    dtype = pick(rng, DTYPES)
    with np.errstate(all="ignore"):
        try:
            return np.asarray(array.astype(dtype))
        except (TypeError, ValueError):
            return np.zeros(shape, dtype)


def any_tensor(rng: Rng) -> torch.Tensor:
    """A tensor of any kind: dtype, device, layout, gradient."""
    shape = rng.integers(0, 5, rng.integers(0, 5)).tolist()
    kinds = (torch.uint8, torch.int64, torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64)
    tensor = torch.from_numpy(np.asarray(rng.normal(size=shape))).to(pick(rng, (*kinds, torch.bool)))
    return odd_tensor(rng, tensor)


def odd_tensor(rng: Rng, tensor: torch.Tensor) -> torch.Tensor:
    """The tensor in a form that few expect, or as it is."""
    roll = rng.random()
    if roll < 0.1:
        return tensor.to("meta")
    if roll < 0.2 and tensor.dtype.is_floating_point:
        return tensor.clone().requires_grad_()
    if roll < 0.3 and tensor.dtype not in (torch.uint16, torch.bool):
        return tensor.to_sparse()
    if roll < 0.4 and tensor.is_complex():
        return tensor.conj()
    return tensor


def mutated(rng: Rng, value: Any, other: Junk = junk) -> Any:
    """A copy of a nest of dicts, lists and arrays with one place changed; `other` makes what is put there."""
    descend = rng.random() < 0.9
    if isinstance(value, dict) and value and descend:
        return _mutated_dict(rng, value, other)
    if isinstance(value, (list, tuple)) and value and descend:
        return type(value)(_mutated_list(rng, list(value), other))
    if isinstance(value, np.ndarray) and descend:
        return mutated_array(rng, value)
    if isinstance(value, (int, float)) and rng.random() < 0.5:
        return pick(rng, NUMBERS)
    return other(rng)


def _mutated_dict(rng: Rng, value: dict[Any, Any], other: Junk) -> dict[Any, Any]:
    result, name, roll = dict(value), pick(rng, list(value)), rng.random()
    if roll < 0.08:
        del result[name]
    elif roll < 0.14:
        result[pick(rng, TEXTS)] = other(rng)
    elif roll < 0.22:
        result[name] = value[pick(rng, list(value))]
    else:
        result[name] = mutated(rng, value[name], other)
    return result


def _mutated_list(rng: Rng, items: list[Any], other: Junk) -> list[Any]:
    at, roll = int(rng.integers(len(items))), rng.random()
    if roll < 0.08:
        del items[at]
    elif roll < 0.16:
        items.insert(at, other(rng))
    elif roll < 0.2:
        items[at] = [items[at]]
    elif roll < 0.24:
        items *= int(pick(rng, (2, 40)))
    else:
        items[at] = mutated(rng, items[at], other)
    return items


def mutated_array(rng: Rng, array: Any) -> Any:
    """The array with one hostile number, of another shape, of another dtype, or with bytes turned over."""
    roll = rng.random()
    if roll < 0.5 and array.size and array.dtype.kind in "biuf":
        changed = array.copy()
        with np.errstate(all="ignore"):
            hostile = np.float64(pick(rng, SMALLER_NUMBERS)).astype(array.dtype)
            changed.reshape(-1)[rng.integers(array.size)] = hostile
        if array.dtype.kind == "f" and rng.random() < 0.5:
            changed.reshape(-1)[rng.integers(array.size)] = pick(rng, FLOATS)
        return changed
    if roll < 0.7 and array.ndim:
        return pick(rng, (array[:0], array[..., :1], array[None], array[::-1], array.ravel(), array[1:], array.T))
    if roll < 0.9:
        with np.errstate(all="ignore"):
            try:
                return array.astype(pick(rng, DTYPES))
            except (TypeError, ValueError, OverflowError):
                return array.ravel()[:0]
    return any_array(rng)
