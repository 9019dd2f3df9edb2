"""Images of users as (H, W, C) views of their own memory: NumPy, torch and PIL, any strides, without a copy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from augsynth import _native
from augsynth._native.layout import MAX_CHANNELS, DType
from augsynth.core.arrays import plain_array, readable, tensor_array
from augsynth.core.pillow import is_pil, pil_array
from augsynth.core.typing import Image
from augsynth.errors import ArgumentError, ArgumentTypeError

DTYPES: dict[np.dtype[Any], DType] = {
    np.dtype(np.uint8): DType.UINT8,
    np.dtype(np.uint16): DType.UINT16,
    np.dtype(np.float32): DType.FLOAT32,
}
TORCH_DTYPES: dict[DType, torch.dtype] = {
    DType.UINT8: torch.uint8,
    DType.UINT16: torch.uint16,
    DType.FLOAT32: torch.float32,
    DType.FLOAT16: torch.float16,
    DType.BFLOAT16: torch.bfloat16,
}
_SOURCES = {TORCH_DTYPES[kind]: kind for kind in DTYPES.values()}
_CPU = torch.device("cpu")
_PLAIN = {np.ndarray, np.memmap}
_FEW_INTEGERS = "to float32, which holds all its values"
_MANY_INTEGERS = "to uint8 or uint16 if its values fit, else to float32, which holds integers up to 2**24 exactly"
_CONVERSIONS = {
    "bool": "to uint8, with 255 or 1 for True, as you mean it",
    "int8": _FEW_INTEGERS,
    "int16": _FEW_INTEGERS,
    "int32": _MANY_INTEGERS,
    "int64": _MANY_INTEGERS,
    "uint32": _MANY_INTEGERS,
    "uint64": _MANY_INTEGERS,
}


def as_view(image: Any, what: str = "image") -> Image:
    """Return a view (H, W, C) of an image. Nothing is copied, except that PIL images are decoded into memory once.

    Args:
        image: `numpy (H, W, C)` or `(H, W)`, `torch (C, H, W)` or `(H, W)` on the CPU, or a PIL image, of dtype uint8,
            uint16 or float32, with 1 to 16 channels and at least one pixel. `docs/dtypes.md` lists the modes of PIL
            images.
        what: the image's name in messages.

    >>> as_view(np.zeros((4, 6), np.uint8)).shape
    (4, 6, 1)
    >>> as_view(torch.zeros(3, 4, 6)).shape
    (4, 6, 3)
    """
    if isinstance(image, torch.Tensor):
        array = _from_torch(image, what)
    elif isinstance(image, np.ndarray):
        array = plain_array(image, what)
    elif is_pil(image):
        array = pil_array(image, what)
    else:
        raise ArgumentTypeError(
            f"{what} must be a NumPy array, a torch tensor or a PIL image, got {type(image).__name__}"
        )
    if array.ndim == 2:
        array = array[:, :, None]
    _check(array, what, image)
    return array


@dataclass(frozen=True)
class ImageBatch:
    """Images of a batch in their own memory.

    Args:
        views: n views (H, W, C), or one array (n, H, W, C): NumPy arrays, or tensors if `device` is not the CPU.
        shapes: int64 (n, 3).
        dtype: dtype of all images; uint8 if there are none.
        device: device of the images.
    """

    views: Any
    shapes: npt.NDArray[np.int64]
    dtype: DType
    device: torch.device = _CPU

    def __len__(self) -> int:
        return len(self.shapes)


def as_batch(images: Any) -> ImageBatch:
    """Return views of the images of a batch.

    Args:
        images: sequence of images, or a batch `numpy (B, H, W, C)`, `torch (B, C, H, W)` or (B, H, W).

    >>> as_batch(np.zeros((5, 4, 6, 3), np.uint8)).shapes[0].tolist()
    [4, 6, 3]
    """
    if isinstance(images, torch.Tensor):
        images = readable(images, "images")
        if images.device.type == "cuda":
            return _one_tensor(images)
    if isinstance(images, (np.ndarray, torch.Tensor)):
        return _one_array(images)
    if not isinstance(images, Sequence):
        raise ArgumentTypeError(f"images must be a sequence of images or a batch, got {type(images).__name__}")
    plain = plain_arrays(images)
    if plain is not None:
        return plain
    views = list(images)
    device = common_device(views)
    if device.type == "cuda":
        return _tensors([_on_device(image, f"images[{number}]") for number, image in enumerate(views)], device)
    views = [as_view(image, f"images[{number}]") for number, image in enumerate(views)]
    shapes = np.array([view.shape for view in views], dtype=np.int64).reshape(-1, 3)
    return ImageBatch(views, shapes, _common_dtype(views))


def plain_arrays(images: Any) -> ImageBatch | None:
    """Return arrays (H, W, C) of one dtype as a batch; None for all other values, which need a closer look.

    Args:
        images: any value.

    >>> plain_arrays([np.zeros((4, 6), np.uint8)]) is None
    True
    """
    if not isinstance(images, Sequence):
        return None
    views = list(images)
    if not _PLAIN.issuperset(map(type, views)):
        return None
    described = _native.describe(views)
    return None if described is None else ImageBatch(views, *described)


def common_device(images: Sequence[Any]) -> torch.device:
    """Return the device of all images, which is the CPU for values that are no tensors; `ArgumentError` for several."""
    devices = {image.device if isinstance(image, torch.Tensor) else _CPU for image in images}
    if len(devices) > 1:
        names = " and ".join(sorted(map(str, devices)))
        raise ArgumentError(f"the images of a batch must be on one device, got {names}: move them to one first")
    return devices.pop() if devices else _CPU


def _tensors(views: Sequence[torch.Tensor], device: torch.device) -> ImageBatch:
    shapes = np.array([view.shape for view in views], dtype=np.int64).reshape(-1, 3)
    kinds = {view.dtype for view in views}
    if len(kinds) > 1:
        raise _mixed_dtypes(str(kind).removeprefix("torch.") for kind in kinds)
    return ImageBatch(views, shapes, _SOURCES[kinds.pop()], device)


def _one_tensor(images: torch.Tensor) -> ImageBatch:
    if images.ndim not in (3, 4):
        raise _not_a_batch(images)
    if not len(images):
        return ImageBatch([], np.zeros((0, 3), np.int64), DType.UINT8, images.device)
    first = _on_device(images[0], "images[0]")
    views = images[..., None] if images.ndim == 3 else images.permute(0, 2, 3, 1)
    shapes = np.tile(np.array(first.shape, np.int64), (len(images), 1))
    return ImageBatch(views, shapes, _SOURCES[first.dtype], images.device)


def _on_device(image: torch.Tensor, what: str) -> torch.Tensor:
    """Return a view (H, W, C) of a tensor (C, H, W) or (H, W) on any device."""
    view = readable(image, what)
    if view.dtype not in _SOURCES:
        raise ArgumentTypeError(_dtype_message(what, str(view.dtype)))
    view = view.permute(1, 2, 0) if view.ndim == 3 else view
    view = view[:, :, None] if view.ndim == 2 else view
    _check_shape(view.shape, what, image)
    return view


def _one_array(images: npt.NDArray[Any] | torch.Tensor) -> ImageBatch:
    if images.ndim not in (3, 4):
        raise _not_a_batch(images)
    if not len(images):
        return ImageBatch([], np.zeros((0, 3), np.int64), DType.UINT8)
    first = as_view(images[0], "images[0]")
    array = images if isinstance(images, np.ndarray) else tensor_array(images, "images")
    if array.ndim == 3:
        array = array[..., None]
    elif isinstance(images, torch.Tensor):
        array = array.transpose(0, 2, 3, 1)
    shapes = np.empty((len(array), 3), np.int64)
    shapes[:] = first.shape
    return ImageBatch(array, shapes, DTYPES[first.dtype])


def _not_a_batch(images: Any) -> ArgumentTypeError:
    return ArgumentTypeError(
        f"images must be a sequence of images or a 4-dimensional batch, got {images.ndim}-D {type(images).__name__}"
    )


def _mixed_dtypes(names: Iterable[str]) -> ArgumentTypeError:
    return ArgumentTypeError(f"the images of a batch must have one dtype, got {' and '.join(sorted(names))}")


def _common_dtype(views: Sequence[Image]) -> DType:
    kinds = {view.dtype for view in views}
    if len(kinds) > 1:
        raise _mixed_dtypes(kind.name for kind in kinds)
    return DTYPES[kinds.pop()] if kinds else DType.UINT8


def _from_torch(image: torch.Tensor, what: str) -> Image:
    values = readable(image, what)
    if values.device.type != "cpu":
        raise ArgumentTypeError(f"{what} must be on the CPU, got a tensor on {values.device}: move it with .cpu()")
    if values.dtype not in _SOURCES:
        raise ArgumentTypeError(_dtype_message(what, str(values.dtype)))
    array = tensor_array(values, what)
    return array.transpose(1, 2, 0) if array.ndim == 3 else array


def _check(array: Image, what: str, image: Any) -> None:
    if array.ndim == 3 and array.dtype not in DTYPES:
        if array.dtype.newbyteorder("=") in DTYPES:
            raise ArgumentTypeError(
                f"{what} must have the byte order of this machine, got {array.dtype}: convert it with "
                f".astype(np.{array.dtype.name})"
            )
        raise ArgumentTypeError(_dtype_message(what, str(array.dtype)))
    _check_shape(array.shape, what, image)


def _check_shape(found: Sequence[int], what: str, image: Any) -> None:
    """Check the shape `found`, (H, W, C), as which `image` was read."""
    order = "(C, H, W)" if isinstance(image, torch.Tensor) else "(H, W, C)"
    shape = tuple(getattr(image, "shape", found))
    if len(found) != 3:
        advice = ": give several images to .batch(...)" if len(found) == 4 else ""
        raise ArgumentError(f"{what} must have shape {order} or (H, W), got {shape}{advice}")
    if found[0] < 1 or found[1] < 1:
        raise ArgumentError(f"{what} has no pixels: its shape is {shape}, read as {order}")
    if not 1 <= found[2] <= MAX_CHANNELS:
        raise ArgumentError(
            f"{what} has {found[2]} channels, expected 1 to {MAX_CHANNELS}; its shape {shape} was read as {order}"
            f"{_other_order(shape, isinstance(image, torch.Tensor)) if found[2] else ''}"
        )


def _other_order(shape: Sequence[int], tensor: bool) -> str:
    """Return advice for an image whose channels may be on the other axis, or are too many."""
    if not 1 <= shape[-1 if tensor else 0] <= MAX_CHANNELS:
        return f"; Compose.clip transforms parts of up to {MAX_CHANNELS} channels alike, given as frames"
    if tensor:
        return ": if it is (H, W, C), pass its .permute(2, 0, 1)"
    return ": if it is (C, H, W), pass np.moveaxis(image, 0, -1)"


def _dtype_message(what: str, got: str) -> str:
    conversion = _CONVERSIONS.get(got.removeprefix("torch."), "to float32")
    return f"{what} must be uint8, uint16 or float32, got {got}: convert it first {conversion}"
