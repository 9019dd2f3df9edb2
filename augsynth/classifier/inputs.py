"""Images, labels and data sets that a classifier is given, checked and in the form of its network."""

from __future__ import annotations

from typing import Any, Protocol, cast

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.utils.data import Dataset, TensorDataset

from augsynth._native.layout import MAX_CHANNELS
from augsynth.core.checks import check_integer
from augsynth.errors import ArgumentError, ArgumentTypeError

_MOST_CLASSES = 2**16


class Sized(Protocol):
    """Map-style dataset with a length."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Any: ...


def as_dataset(
    images: ArrayLike | Tensor | Dataset[Any], labels: ArrayLike | Tensor | None, num_classes: int | None
) -> tuple[Sized, int]:
    """Return a data set of (image, label) with the number of its classes; see `train_classifier` for the arguments."""
    if labels is None:
        return _check_dataset(images, num_classes)
    batch = as_batch(images)
    targets = torch.as_tensor(np.asarray(labels), device="cpu")
    if targets.shape != batch.shape[:1] or targets.is_floating_point() or len(targets) == 0:
        raise ArgumentError(
            f"labels must be one integer per image and at least one: got {targets.dtype} of shape "
            f"{tuple(targets.shape)} for {len(batch)} images"
        )
    num_classes = classes_in(targets) if num_classes is None else check_integer("num_classes", num_classes, 1)
    if int(targets.min()) < 0 or int(targets.max()) >= num_classes:
        raise ArgumentError(f"labels must lie in 0..{num_classes - 1}: got {int(targets.min())}..{int(targets.max())}")
    return cast("Sized", TensorDataset(batch, targets)), num_classes


def classes_in(*labels: ArrayLike | Tensor) -> int:
    """Return the largest label plus one; raise `ArgumentError` above 65,536, where labels are probably no classes."""
    classes = 1 + max(int(np.max(np.asarray(part))) for part in labels)
    if classes > _MOST_CLASSES:
        raise ArgumentError(
            f"the largest label is {classes - 1}, for which the classifier would need as many classes; number the "
            "classes 0…K-1, or state num_classes"
        )
    return classes


def _check_dataset(dataset: Any, num_classes: int | None) -> tuple[Sized, int]:
    if not hasattr(dataset, "__getitem__") or isinstance(dataset, (np.ndarray, Tensor)):
        raise ArgumentTypeError(
            f"without labels, expected a map-style dataset of (image, label): got {type(dataset).__name__}"
        )
    if num_classes is None:
        raise ArgumentError("num_classes is needed to train on a dataset: its labels are not read in advance")
    if len(dataset) == 0:
        raise ArgumentError("the dataset is empty: nothing to train on")
    return dataset, num_classes


def first_shape(dataset: Sized) -> tuple[int, int, int]:
    """Return the shape (C, H, W) of the first image of a data set."""
    shape = tuple(dataset[0][0].shape)
    if len(shape) != 3 or not 1 <= shape[0] <= MAX_CHANNELS or 0 in shape:
        raise ArgumentError(f"the classifier takes (C, H, W) images of 1 to {MAX_CHANNELS} channels: got shape {shape}")
    return cast("tuple[int, int, int]", shape)


def check_shape(found: tuple[int, ...], expected: tuple[int, int, int]) -> None:
    """Raise `ArgumentError` if images have another shape than the first."""
    if found != expected:
        raise ArgumentError(f"the classifier takes images of shape {expected}: got {found}")


def as_batch(images: Any) -> Tensor:
    """Return images as a tensor (n, C, H, W) of uint8 or floats."""
    batch = images if isinstance(images, Tensor) else torch.as_tensor(np.asarray(images), device="cpu")
    batch = batch[:, None] if batch.ndim == 3 else batch
    if batch.ndim != 4:
        raise ArgumentError(f"images must be (n, C, H, W) or (n, H, W): got shape {tuple(batch.shape)}")
    if batch.dtype != torch.uint8 and not batch.is_floating_point():
        raise ArgumentTypeError(f"images must be uint8 or float: got {batch.dtype}; convert them first")
    return batch


def as_float(batch: Tensor) -> Tensor:
    """Return images as the network takes them: float32, and uint8 divided by 255."""
    scaled = batch / 255 if batch.dtype == torch.uint8 else batch.float()
    return scaled.contiguous(memory_format=torch.channels_last)
