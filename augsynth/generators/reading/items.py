"""Items of a data set of images, as uint8 pixels and labels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from augsynth._native.layout import MAX_CHANNELS
from augsynth.core.arrays import plain_array
from augsynth.core.items import ItemStructure
from augsynth.core.pillow import is_pil, stored_pixels
from augsynth.errors import ArgumentError, ArgumentTypeError, DataError, error_text

_PIL_MODES = ("L", "LA", "RGB", "RGBA")
_AT_ONCE = 2**20
"""Values that are converted at once, of which float64 and other copies are made."""


def read_item(dataset: Any, index: int) -> tuple[Tensor, Any]:
    """Read one item: its pixels, uint8 (C, H, W), and its label as it is, or None.

    Args:
        dataset: the data set.
        index: number of the item.
    """
    with _naming(index):
        item, what = dataset[index], f"item {index}"
        image, fields = ItemStructure.of(item, what, error=DataError).split(item)
        return _as_chw(image, what), fields.get("label")


def as_pixels(images: Tensor) -> Tensor:
    """Convert all images of a `TensorDataset` to uint8 (n, C, H, W).

    Args:
        images: uint8, or floating-point in [0, 1].
    """
    images = _check_shape(_dense(images, "the images"), "the images")
    if images.dtype == torch.uint8:
        return images
    pixels = torch.empty(images.shape, dtype=torch.uint8, device="cpu")
    several = max(1, _AT_ONCE // images[0].numel())
    for first in range(0, len(images), several):
        part = slice(first, first + several)
        pixels[part] = _as_uint8(images[part], "the images", first)
    return pixels


@contextmanager
def _naming(index: int) -> Iterator[None]:
    """Name the item in an error that the user's data set raises."""
    try:
        yield
    except (ArgumentError, ArgumentTypeError, DataError):
        raise
    except Exception as cause:
        raise DataError(f"item {index} of the data set cannot be read: {error_text(cause)}") from cause


def _as_chw(image: Any, where: str) -> Tensor:
    if is_pil(image):
        if image.mode not in _PIL_MODES:
            raise DataError(
                f"{where} is a PIL image of mode {image.mode}; convert it to one of {', '.join(_PIL_MODES)}"
            )
        image = stored_pixels(image, where)
    if isinstance(image, np.ndarray):
        image = plain_array(image, where)
        if image.dtype != np.uint8 and image.dtype.kind != "f":
            raise ArgumentTypeError(
                f"{where}: dtype {image.dtype} is not supported; expected uint8, or float in [0, 1]"
            )
        # Copied, because torch accepts neither negative strides nor the byte order of another machine.
        tensor = torch.from_numpy(image.astype(np.uint8 if image.dtype == np.uint8 else np.float64))
        tensor = tensor.permute(2, 0, 1) if tensor.ndim == 3 else tensor
    elif isinstance(image, Tensor):
        tensor = _dense(image, where)
    else:
        raise ArgumentTypeError(f"{where} holds a {type(image).__name__}; expected a tensor, an array or a PIL image")
    return _as_uint8(_check_shape(tensor[None] if tensor.ndim == 2 else tensor, where), where)


def _dense(tensor: Tensor, where: str) -> Tensor:
    if tensor.layout != torch.strided or tensor.is_meta or tensor.is_quantized:
        came = f"{tensor.dtype}, {tensor.layout}, on {tensor.device}"
        raise ArgumentTypeError(f"{where}: expected a dense tensor that holds numbers, got {came}")
    return tensor.detach().cpu()


def _check_shape(tensor: Tensor, where: str) -> Tensor:
    """Return a tensor (C, H, W) or (n, C, H, W) if it has the shape of images; raise `DataError` otherwise."""
    if tensor.ndim not in (3, 4) or not 1 <= tensor.shape[-3] <= MAX_CHANNELS or tensor.numel() == 0:
        raise DataError(
            f"{where} has the shape {tuple(tensor.shape)} as (channels, height, width); expected 1 to {MAX_CHANNELS} "
            "channels and no empty side: a torch tensor is (C, H, W), a NumPy array (H, W, C)"
        )
    return tensor


def _as_uint8(tensor: Tensor, where: str, first: int = 0) -> Tensor:
    """Return pixels as uint8; `first` is the number of the first of several images."""
    if tensor.dtype == torch.uint8:
        return tensor
    if not tensor.is_floating_point():
        raise ArgumentTypeError(f"{where}: dtype {tensor.dtype} is not supported; expected uint8, or float in [0, 1]")
    good = (tensor >= 0.0) & (tensor <= 1.0)  # NaN is neither
    if not bool(good.all()):
        if tensor.ndim == 4:
            index = int((~good).flatten(1).any(1).nonzero()[0])
            tensor, where = tensor[index], f"item {first + index}"
        raise DataError(f"{where}: float pixels must lie in [0, 1], {_range_fault(tensor)}")
    return tensor.double().mul(255.0).round().to(torch.uint8)


def _range_fault(pixels: Tensor) -> str:
    """Say how pixels lie outside [0, 1], and what to do."""
    lost = int((~pixels.isfinite()).sum())
    if lost:
        return f"and {lost:,} of {pixels.numel():,} are NaN or infinite; leave such images out, or repair them"
    low, high = float(pixels.min()), float(pixels.max())
    if low >= 0.0 and high <= 255.0:
        advice = "; divide by 255, or give uint8"
    elif low >= -1.0 and high <= 1.0:
        advice = "; from [-1, 1], take (image + 1) / 2"
    else:
        advice = ""
    return f"got {low:g} to {high:g}{advice}"
