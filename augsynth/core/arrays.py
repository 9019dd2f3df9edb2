"""NumPy arrays, torch tensors and lists: read as NumPy arrays, and returned in the form in which they came."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from augsynth.core.pillow import is_pil
from augsynth.core.typing import Array, Floats
from augsynth.errors import ArgumentError, ArgumentTypeError, shown

_FARTHEST = 2.0**53


def to_numpy(value: Any, what: str) -> Array:
    """Return the values of an array, a tensor or nested lists as a NumPy array, copied only if necessary.

    Args:
        value: NumPy array, torch tensor on any device, or nested lists.
        what: the value's name in messages.
    """
    if isinstance(value, torch.Tensor):
        values = readable(value, what).cpu().resolve_conj()
        return tensor_array(values.float() if values.dtype == torch.bfloat16 else values, what)
    if isinstance(value, np.ndarray):
        return plain_array(value, what)
    if isinstance(value, (list, tuple)):
        outer = [to_numpy(part, what) if isinstance(part, (torch.Tensor, np.ndarray)) else part for part in value]
        try:
            return np.asarray(outer)
        except (ValueError, TypeError, RuntimeError):  # the latter two from tensors farther inside
            raise ArgumentError(f"{what} must be rows of one length, got {shown(value)}") from None
    raise ArgumentTypeError(f"{what} must be a NumPy array, a torch tensor or a list, got {type(value).__name__}")


def plain_array(array: Array, what: str) -> Array:
    """Return an array as one of NumPy's own class; `ArgumentTypeError` for a masked array.

    Args:
        array: array of any class.
        what: the array's name in messages.
    """
    if isinstance(array, np.ma.MaskedArray):
        raise ArgumentTypeError(
            f"{what} is a masked array, and nothing here looks at its mask: pass its .filled(value), or its .data to "
            "have the masked values too"
        )
    return array if type(array) is np.ndarray else np.asarray(array)


def readable(tensor: torch.Tensor, what: str) -> torch.Tensor:
    """Return a tensor without its history, whose memory holds its values; `ArgumentTypeError` if it has none.

    Args:
        tensor: tensor of any kind.
        what: the tensor's name in messages.
    """
    if type(tensor).__torch_dispatch__ is not torch.Tensor.__torch_dispatch__:
        raise ArgumentTypeError(
            f"{what} is a {type(tensor).__name__}, expected an ordinary tensor, which has its values in its own memory"
        )
    if tensor.is_nested:
        raise ArgumentTypeError(f"{what} is a nested tensor, expected a dense one: give the list of its .unbind()")
    if tensor.layout != torch.strided or tensor.is_quantized:
        method, kind = ("dequantize", tensor.dtype) if tensor.is_quantized else ("to_dense", tensor.layout)
        raise ArgumentTypeError(f"{what} is a tensor of {kind}, expected a dense one: call .{method}()")
    if tensor.is_meta:
        raise ArgumentTypeError(f"{what} is on the meta device, whose tensors have no values")
    plain = tensor.detach() if tensor.requires_grad else tensor
    return plain.resolve_neg() if plain.is_neg() else plain


def tensor_array(tensor: torch.Tensor, what: str) -> Array:
    """Return the values of a readable tensor on the CPU as an array over the same memory.

    Args:
        tensor: tensor that `readable` returned.
        what: the tensor's name in messages.
    """
    try:
        array: Array = tensor.numpy()
    except RuntimeError as error:  # inside torch.func's transforms
        raise ArgumentTypeError(f"{what} has no values that can be read here: {error}") from error
    return array


def unwrapped(value: Any) -> Any:
    """Return Python's own number or text for a NumPy scalar, a 0-d array or a 0-d tensor; other values unchanged.

    >>> unwrapped(np.int64(3)), unwrapped(torch.tensor(0.5)), unwrapped("3")
    (3, 0.5, '3')
    """
    if isinstance(value, (np.generic, np.ndarray, torch.Tensor)) and value.ndim == 0:
        return value if isinstance(value, torch.Tensor) and value.is_meta else value.item()
    return value


def as_float(value: Any) -> float:
    """Return a number as float64; infinity for an integer that is too large.

    >>> as_float(10**400)
    inf
    """
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def coordinates(value: Any, what: str, *widths: int, nowhere: bool = False) -> Floats:
    """Return numbers (..., w) in float64.

    They must be finite and within 2**53, up to which float64 distinguishes all whole pixels.

    Args:
        value: array, tensor or nested lists; an empty list counts as (0, widths[0]).
        what: the value's name in messages.
        widths: allowed values of w.
        nowhere: whether NaN is allowed.

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
        index = tuple(int(axis[0]) for axis in np.nonzero(~valid))
        raise ArgumentError(f"{what} must be finite and within 2**53, got {result[index]} at {list(index)}")
    return result


def like(array: Array, original: Any) -> Any:
    """Return an array in the library, on the device and in the floating-point type of another value.

    Integers become float32: coordinates that were whole may no longer be, and float32 holds whole numbers up to 2**24
    exactly. A list of arrays becomes a list of arrays.

    Args:
        array: the values.
        original: the value whose form is taken.

    >>> like(np.array([0.5]), torch.zeros(1, dtype=torch.float16)), like(np.array([0.5]), [7])
    (tensor([0.5000], dtype=torch.float16), [0.5])
    """
    if is_list_of_arrays(original):
        return type(original)(like(part, original[0]) for part in array)
    if isinstance(original, torch.Tensor):
        kind = original.dtype if original.is_floating_point() else torch.float32
        return torch.from_numpy(np.ascontiguousarray(array)).to(original.device, kind)
    if isinstance(original, np.ndarray):
        return array.astype(original.dtype if original.dtype.kind == "f" else np.float32)
    return array.tolist()


def same_values(array: Array | torch.Tensor, original: Any) -> Any:
    """Return an array in the library and on the device of another value, and in its own dtype.

    A list of arrays becomes a list of arrays. For a PIL image, the result is a tensor, as for images.

    Args:
        array: the values; a tensor is on the right device already.
        original: the value whose form is taken.
    """
    if is_list_of_arrays(original):
        return type(original)(same_values(part, original[0]) for part in array)
    if isinstance(array, torch.Tensor):
        return array
    if isinstance(original, torch.Tensor):
        return torch.from_numpy(np.ascontiguousarray(array)).to(original.device, original.dtype)
    if is_pil(original):
        return torch.from_numpy(np.ascontiguousarray(array))
    return array if isinstance(original, np.ndarray) else array.tolist()


def is_list_of_arrays(value: Any) -> bool:
    """Return whether a value is a list or a tuple of arrays, tensors or PIL images, and has at least one."""
    return type(value) in (list, tuple) and bool(value) and (getattr(value[0], "ndim", 0) > 0 or is_pil(value[0]))


def select(value: Any, kept: npt.NDArray[np.bool_], what: str) -> Any:
    """Return the entries of an array, a tensor, a list or a tuple that are kept.

    Args:
        value: entries, one for each object.
        kept: bool (n,), whether each object is kept.
        what: the value's name in messages.

    Raises `ArgumentError` if the number of entries is not n.
    """
    if getattr(value, "ndim", 1) == 0 or not hasattr(value, "__len__") or len(value) != len(kept):
        raise ArgumentError(f"{what} must have one entry an object, {len(kept)} in all; got {shown(value)}")
    if isinstance(value, torch.Tensor):
        readable(value, what)
        return value[torch.from_numpy(kept).to(value.device)]
    if isinstance(value, np.ndarray):
        return value[kept]
    chosen = [entry for entry, keep in zip(value, kept, strict=True) if keep]
    return tuple(chosen) if isinstance(value, tuple) else chosen
