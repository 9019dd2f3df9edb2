"""Reading a data set of images once, into one uint8 tensor."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from augsynth._native.layout import MAX_CHANNELS
from augsynth.core.arrays import plain_array
from augsynth.core.items import ItemStructure, class_of
from augsynth.core.pillow import is_pil, stored_pixels
from augsynth.errors import ArgumentError, ArgumentTypeError, DataError, error_text, shown
from augsynth.generators.reading.class_names import read_class_names
from augsynth.progress import progress_bar

_PIL_MODES = ("L", "LA", "RGB", "RGBA")
_BAR_FROM = 2000


@dataclass(frozen=True, eq=False)
class ImageSet:
    """All images of a data set, and their classes.

    Args:
        images: uint8 (n, C, H, W), on the CPU.
        labels: classes, int64 (n,), on the CPU, or None.
        class_names: one name for each class; None (default) if the data set has none.
    """

    images: Tensor
    labels: Tensor | None
    class_names: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.images)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Shape (C, H, W) of an image."""
        channels, height, width = self.images.shape[1:]
        return channels, height, width

    @property
    def num_classes(self) -> int | None:
        """Number of classes K, for labels 0…K−1; None without labels."""
        return None if self.labels is None else int(self.labels.max()) + 1

    def digest(self) -> str:
        """Return the SHA-256 of shape, pixels and labels."""
        digest = hashlib.sha256(repr(tuple(self.images.shape)).encode())
        digest.update(self.images.contiguous().numpy().data)
        if self.labels is not None:
            digest.update(self.labels.contiguous().numpy().data)
        return digest.hexdigest()


def read_images(dataset: Any, *, labelled: bool, progress: bool = False, copied: bool = False) -> ImageSet:
    """Read every item of a data set. Raises `DataError` or `ArgumentTypeError`.

    Args:
        dataset: map-style data set of `(image, label, …)`, of dicts with "image" and "label", or of images. An image is
            uint8, or floating-point in [0, 1], which is rounded: a torch tensor (C, H, W) or (H, W), a NumPy array
            (H, W, C) or (H, W), or a PIL image of mode L, LA, RGB or RGBA. All have one shape.
        labelled: True reads labels, which every item must have.
        progress: True shows a progress bar for 2,000 images or more; default False.
        copied: True copies the images of a `TensorDataset`; default False, which shares its memory.
    """
    if not hasattr(dataset, "__getitem__") or not hasattr(dataset, "__len__"):
        raise ArgumentTypeError(
            f"dataset must be map-style (have __len__ and __getitem__), got {type(dataset).__name__}"
        )
    if len(dataset) == 0:
        raise DataError("the data set is empty; a generator needs at least one image")
    if isinstance(dataset, TensorDataset) and dataset.tensors[0].ndim == 4:
        images = _as_uint8(_check_shape(_dense(dataset.tensors[0], "the images"), "the images"), "the images")
        images = images.clone() if copied else images
        labels = list(dataset.tensors[1]) if len(dataset.tensors) > 1 else [None] * len(images)
    else:
        images, labels = _read_items(dataset, progress)
    if not labelled:
        return ImageSet(images, None)
    classes = _check_classes(labels)
    return ImageSet(images, classes, read_class_names(dataset, int(classes.max()) + 1))


def _read_items(dataset: Any, progress: bool) -> tuple[Tensor, list[Any]]:
    images: Tensor | None = None
    labels = []
    with progress_bar("reading images", len(dataset), progress and len(dataset) >= _BAR_FROM) as advance:
        for index in range(len(dataset)):
            with _naming(index):
                item, what = dataset[index], f"item {index}"
                image, fields = ItemStructure.of(item, what, error=DataError).split(item)
                pixels = _as_chw(image, what)
            if images is None:
                images = torch.empty((len(dataset), *pixels.shape), dtype=torch.uint8, device="cpu")
            if pixels.shape != images.shape[1:]:
                raise DataError(
                    f"all images must have one shape: item 0 is {_shape(images[0])}, item {index} is "
                    f"{_shape(pixels)} (channels, height, width); resize them first"
                )
            images[index] = pixels
            labels.append(fields.get("label"))
            advance(1)
    assert images is not None
    return images, labels


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
            f"{where} has the shape {_shape(tensor)} as (channels, height, width); expected 1 to {MAX_CHANNELS} "
            "channels and no empty side: a torch tensor is (C, H, W), a NumPy array (H, W, C)"
        )
    return tensor


def _as_uint8(tensor: Tensor, where: str) -> Tensor:
    if tensor.dtype == torch.uint8:
        return tensor
    if not tensor.is_floating_point():
        raise ArgumentTypeError(f"{where}: dtype {tensor.dtype} is not supported; expected uint8, or float in [0, 1]")
    low, high = float(tensor.min()), float(tensor.max())
    if not (low >= 0.0 and high <= 1.0):
        raise DataError(f"{where}: float pixels must lie in [0, 1], got {low:g} to {high:g}")
    return tensor.double().mul(255.0).round().to(torch.uint8)


def _check_classes(labels: list[Any]) -> Tensor:
    for index, label in enumerate(labels):
        if label is None:
            raise DataError(
                f"item {index} has no label, and this generator is conditional: give (image, label) items; "
                "one label for all makes one class"
            )
    values = [_as_class(label, index) for index, label in enumerate(labels)]
    present = set(values)
    # If every class is present, there are at most as many classes as items. So a false label cannot claim much memory.
    if min(present) < 0 or max(present) >= len(present):
        raise DataError(f"labels must be 0…K-1 with no class empty; {_fault(present)}")
    return torch.tensor(values, dtype=torch.int64, device="cpu")


def _fault(present: set[int]) -> str:
    """Say why these classes are not 0…K−1, and what to do."""
    if min(present) < 0:
        return f"got {shown(min(present))}"
    if 0 not in present and max(present) == len(present):
        return f"they are 1…{len(present)}: subtract 1"
    absent = list(islice((label for label in range(max(present)) if label not in present), 6))
    listed = ", ".join(map(str, absent[:5])) + (", …" if len(absent) > 5 else "")
    return (
        f"the highest is {shown(max(present))}, absent: {listed}; number the classes that occur, for example by "
        "sorted(set(labels)).index(label)"
    )


def _as_class(label: Any, index: int) -> int:
    value = class_of(label)
    if value is None:
        hint = "; of a one-hot label, give the position of the 1" if getattr(label, "ndim", 0) else ""
        raise ArgumentTypeError(f"the label of item {index} must be an integer class, got {shown(label)}{hint}")
    return value


def _shape(tensor: Tensor) -> str:
    return str(tuple(tensor.shape))
