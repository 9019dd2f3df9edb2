"""NumPy arrays, torch tensors and lists alike: read as NumPy arrays, and given back as what they were."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from augsynth.errors import ArgumentError, ArgumentTypeError, shown

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

_FARTHEST = 2.0**53


def to_numpy(value: Any, what: str) -> Array:
    """The values of a NumPy array, a torch tensor (on any device) or nested lists; copied only where they must be."""
    if isinstance(value, torch.Tensor):
        _require_dense(value, what)
        tensor = value.detach().cpu().resolve_conj().resolve_neg()
        array: Array = (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()
        return array
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, (list, tuple)):
        outer = [to_numpy(one, what) if isinstance(one, torch.Tensor) else one for one in value]
        try:
            return np.asarray(outer)
        except (ValueError, TypeError, RuntimeError):  # the latter two from tensors farther inside
            raise ArgumentError(f"{what} must be rows of one length, got {shown(value)}") from None
    raise ArgumentTypeError(f"{what} must be a NumPy array, a torch tensor or a list, got {type(value).__name__}")


def _require_dense(tensor: torch.Tensor, what: str) -> None:
    if tensor.layout != torch.strided or tensor.is_meta or tensor.is_quantized:
        raise ArgumentTypeError(
            f"{what} must be a dense tensor, got {tensor.dtype}, {tensor.layout}, on {tensor.device}"
        )


def unwrapped(value: Any) -> Any:
    """The Python number in a NumPy number, a 0-d array or a 0-d tensor; anything else as it is.

    >>> unwrapped(np.int64(3)), unwrapped(torch.tensor(3)), unwrapped("3")
    (3, 3, '3')
    """
    return value.item() if getattr(value, "ndim", None) == 0 and hasattr(value, "item") else value


def as_float(value: Any) -> float:
    """The number as float64; infinite if it is an integer beyond that.

    >>> as_float(10**400)
    inf
    """
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def coordinates(value: Any, what: str, *widths: int, nowhere: bool = False) -> Floats:
    """Numbers (..., w) in float64, w being one of `widths`; nothing at all counts as (0, widths[0]).

    They must be finite and within 2**53, up to which float64 tells whole pixels apart; `nowhere` allows NaN.

    >>> coordinates([[1, 2, 3, 4]], "boxes", 4)
    array([[1., 2., 3., 4.]])
    """
    array = to_numpy(value, what)
    if array.shape == (0,):
        array = array.reshape(0, widths[0])
    if array.ndim < 2 or array.shape[-1] not in widths:
        raise ArgumentError(f"{what} must have shape (..., {' or '.join(map(str, widths))}), got {array.shape}")
    if array.dtype.kind not in "iuf" and array.size:
        raise ArgumentTypeError(f"{what} must be numbers, got dtype {array.dtype}")
    result: Floats = array.astype(np.float64)
    valid = (np.abs(result) <= _FARTHEST) | (nowhere & np.isnan(result))
    if not valid.all():
        place = tuple(int(axis[0]) for axis in np.nonzero(~valid))
        raise ArgumentError(f"{what} must be finite and within 2**53, got {result[place]} at {list(place)}")
    return result


def like(array: Array, original: Any) -> Any:
    """`array` in the library, on the device and in the floating-point type of `original`; float32 for integers.

    Coordinates that were whole may be so no longer, and float32 holds all whole ones up to 2**24 exactly.

    >>> like(np.array([0.5]), torch.zeros(1, dtype=torch.float16)), like(np.array([0.5]), [7])
    (tensor([0.5000], dtype=torch.float16), [0.5])
    """
    if isinstance(original, torch.Tensor):
        kind = original.dtype if original.is_floating_point() else torch.float32
        return torch.from_numpy(np.ascontiguousarray(array)).to(original.device, kind)
    if isinstance(original, np.ndarray):
        return array.astype(original.dtype if original.dtype.kind == "f" else np.float32)
    return array.tolist()


def same_values(array: Array | torch.Tensor, original: Any) -> Any:
    """`array` in the library and on the device of `original`, and in its own type; a tensor is there already."""
    if isinstance(array, torch.Tensor):
        return array
    if isinstance(original, torch.Tensor):
        return torch.from_numpy(np.ascontiguousarray(array)).to(original.device)
    return array if isinstance(original, np.ndarray) else array.tolist()


def select(value: Any, kept: npt.NDArray[np.bool_], what: str) -> Any:
    """Those entries of an array, a tensor, a list or a tuple that are kept; `ArgumentError` if it has not one each."""
    if getattr(value, "ndim", 1) == 0 or not hasattr(value, "__len__") or len(value) != len(kept):
        raise ArgumentError(f"{what} must have one entry an object, {len(kept)} in all; got {shown(value)}")
    if isinstance(value, torch.Tensor):
        _require_dense(value, what)
        return value[torch.from_numpy(kept).to(value.device)]
    if isinstance(value, np.ndarray):
        return value[kept]
    chosen = [one for one, keep in zip(value, kept, strict=True) if keep]
    return tuple(chosen) if isinstance(value, tuple) else chosen
