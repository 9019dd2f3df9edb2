"""Reading a data set of images once, into one uint8 tensor."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from augsynth.errors import ArgumentTypeError, DataError
from augsynth.progress import progress_bar

_PIL_MODES = ("L", "LA", "RGB", "RGBA")
_BAR_FROM = 2000


@dataclass(frozen=True, eq=False)
class ImageSet:
    """All images, uint8 `(n, C, H, W)`, and their classes, int64 `(n,)`, or None; on the CPU."""

    images: Tensor
    labels: Tensor | None

    def __len__(self) -> int:
        return len(self.images)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        channels, height, width = self.images.shape[1:]
        return channels, height, width

    @property
    def num_classes(self) -> int | None:
        """K, for labels 0…K−1."""
        return None if self.labels is None else int(self.labels.max()) + 1

    def digest(self) -> str:
        """SHA-256 of shape, pixels and labels."""
        digest = hashlib.sha256(repr(tuple(self.images.shape)).encode())
        digest.update(self.images.contiguous().numpy().data)
        if self.labels is not None:
            digest.update(self.labels.contiguous().numpy().data)
        return digest.hexdigest()


def read_images(dataset: Any, *, labelled: bool, progress: bool = False) -> ImageSet:
    """Read every item of a map-style dataset; labels are read, and must be there, if `labelled`.

    An item is `(image, label, …)`, a dict with "image" and "label", or a bare image. An image is uint8, or float in
    [0, 1] (rounded to uint8): a torch tensor (C, H, W) or (H, W), a NumPy array (H, W, C) or (H, W), or a PIL
    image of mode L, LA, RGB or RGBA. All must have one shape. Raises `DataError` or `ArgumentTypeError`.
    """
    if not hasattr(dataset, "__getitem__") or not hasattr(dataset, "__len__"):
        raise ArgumentTypeError(
            f"dataset must be map-style (have __len__ and __getitem__), got {type(dataset).__name__}"
        )
    if len(dataset) == 0:
        raise DataError("the data set is empty; a generator needs at least one image")
    if isinstance(dataset, TensorDataset) and dataset.tensors[0].ndim == 4:
        images = _as_uint8(dataset.tensors[0], "the images")
        labels = list(dataset.tensors[1]) if len(dataset.tensors) > 1 else [None] * len(images)
    else:
        images, labels = _read_items(dataset, progress)
    return ImageSet(images, _check_classes(labels) if labelled else None)


def _read_items(dataset: Any, progress: bool) -> tuple[Tensor, list[Any]]:
    images: Tensor | None = None
    labels = []
    with progress_bar("reading images", len(dataset), progress and len(dataset) >= _BAR_FROM) as advance:
        for index in range(len(dataset)):
            image, label = _split_item(dataset[index], index)
            pixels = _as_chw(image, index)
            if images is None:
                images = torch.empty((len(dataset), *pixels.shape), dtype=torch.uint8)
            if pixels.shape != images.shape[1:]:
                raise DataError(
                    f"all images must have one shape: item 0 is {_shape(images[0])}, item {index} is "
                    f"{_shape(pixels)} (channels, height, width); resize them first"
                )
            images[index] = pixels
            labels.append(label)
            advance(1)
    assert images is not None
    return images, labels


def _split_item(item: Any, index: int) -> tuple[Any, Any]:
    if isinstance(item, dict):
        if "image" not in item:
            raise DataError(f'item {index} is a dict without the key "image"; it has: {", ".join(map(str, item))}')
        return item["image"], item.get("label")
    if isinstance(item, (tuple, list)):
        if not item:
            raise DataError(f"item {index} is an empty {type(item).__name__}; expected (image, label)")
        return item[0], item[1] if len(item) > 1 else None
    return item, None


def _as_chw(image: Any, index: int) -> Tensor:
    where = f"item {index}"
    if hasattr(image, "getbands"):
        if image.mode not in _PIL_MODES:
            raise DataError(
                f"{where} is a PIL image of mode {image.mode}; convert it to one of {', '.join(_PIL_MODES)}"
            )
        image = np.asarray(image)
    if isinstance(image, np.ndarray):
        if image.dtype != np.uint8 and image.dtype.kind != "f":
            raise ArgumentTypeError(
                f"{where}: dtype {image.dtype} is not supported; expected uint8, or float in [0, 1]"
            )
        tensor = torch.from_numpy(image.copy())
        tensor = tensor.permute(2, 0, 1) if tensor.ndim == 3 else tensor
    elif isinstance(image, Tensor):
        tensor = image.detach().cpu()
    else:
        raise ArgumentTypeError(f"{where} holds a {type(image).__name__}; expected a tensor, an array or a PIL image")
    tensor = tensor[None] if tensor.ndim == 2 else tensor
    if tensor.ndim != 3 or not 1 <= tensor.shape[0] <= 16 or tensor.numel() == 0:
        raise DataError(
            f"{where} has the shape {_shape(tensor)} as (channels, height, width); expected 1 to 16 channels and "
            "no empty side: a torch tensor is (C, H, W), a NumPy array (H, W, C)"
        )
    return _as_uint8(tensor, where)


def _as_uint8(tensor: Tensor, where: str) -> Tensor:
    if tensor.dtype == torch.uint8:
        return tensor.cpu()
    if not tensor.is_floating_point():
        raise ArgumentTypeError(f"{where}: dtype {tensor.dtype} is not supported; expected uint8, or float in [0, 1]")
    low, high = float(tensor.min()), float(tensor.max())
    if not (low >= 0.0 and high <= 1.0):
        raise DataError(f"{where}: float pixels must lie in [0, 1], got {low:g} to {high:g}")
    return tensor.detach().cpu().double().mul(255.0).round().to(torch.uint8)


def _check_classes(labels: list[Any]) -> Tensor:
    for index, label in enumerate(labels):
        if label is None:
            raise DataError(f"item {index} has no label, and this generator is conditional: give (image, label) items")
    values = torch.tensor([_as_class(label, index) for index, label in enumerate(labels)], dtype=torch.int64)
    if int(values.min()) < 0:
        raise DataError(f"labels must be 0…K-1, got {int(values.min())}")
    absent = torch.bincount(values).eq(0).nonzero().flatten().tolist()
    if absent:
        listed = ", ".join(map(str, absent[:5])) + (", …" if len(absent) > 5 else "")
        raise DataError(
            f"labels must be 0…K-1 with no class empty; the highest is {int(values.max())}, absent: {listed}"
        )
    return values


def _as_class(label: Any, index: int) -> int:
    value = label.item() if hasattr(label, "item") else label
    if isinstance(value, bool) or not isinstance(value, int):
        raise ArgumentTypeError(f"the label of item {index} must be an integer class, got {label!r}")
    return value


def _shape(tensor: Tensor) -> str:
    return str(tuple(tensor.shape))
