"""Reading a data set of images, into one uint8 tensor if it is not too large."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from augsynth.core.checks import require_memory
from augsynth.core.items import class_of
from augsynth.errors import ArgumentTypeError, DataError, error_text, shown
from augsynth.generators.reading import lazy
from augsynth.generators.reading.class_names import read_class_names
from augsynth.generators.reading.items import as_pixels, read_item
from augsynth.generators.reading.lazy import Checksums, LazyImageSet
from augsynth.progress import progress_bar

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

    def pixels(self, indices: Tensor) -> Tensor:
        """Return some images, uint8 (B, C, H, W).

        Args:
            indices: numbers of the images, int64 (B,).
        """
        return self.images[indices]

    def levels(self) -> tuple[int, int]:
        """Return the lowest and the highest value of a pixel, in 0…255."""
        low, high = self.images.aminmax()
        return int(low), int(high)

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
    images = _read(dataset, labelled, progress, copied, most_bytes=None)
    assert isinstance(images, ImageSet)
    return images


def read_frugally(dataset: Any, *, labelled: bool, progress: bool = False) -> ImageSet | LazyImageSet:
    """Read every item of a data set, as `read_images`. Images that need more than `HELD_BYTES` stay in the data set.

    Args:
        dataset: the data set, as for `read_images`.
        labelled: True reads labels, which every item must have.
        progress: True shows a progress bar for 2,000 images or more; default False.
    """
    return _read(dataset, labelled, progress, copied=False, most_bytes=lazy.HELD_BYTES)


def _read(
    dataset: Any, labelled: bool, progress: bool, copied: bool, most_bytes: int | None
) -> ImageSet | LazyImageSet:
    _require_items(dataset)
    if isinstance(dataset, TensorDataset) and dataset.tensors[0].ndim == 4:
        return _of_tensors(dataset, labelled, copied)
    return _read_items(dataset, labelled, progress, most_bytes)


def _require_items(dataset: Any) -> None:
    if not hasattr(dataset, "__getitem__") or not hasattr(dataset, "__len__"):
        raise ArgumentTypeError(
            f"dataset must be map-style (have __len__ and __getitem__), got {type(dataset).__name__}"
        )
    try:
        size = len(dataset)
    except Exception as cause:
        raise DataError(f"the data set has no length: {error_text(cause)}") from cause
    if size == 0:
        raise DataError("the data set is empty; a generator needs at least one image")


def _of_tensors(dataset: TensorDataset, labelled: bool, copied: bool) -> ImageSet:
    images = as_pixels(dataset.tensors[0])
    shared = images.data_ptr() == dataset.tensors[0].data_ptr()
    labels = _label_list(dataset.tensors[1]) if len(dataset.tensors) > 1 else [None] * len(images)
    return ImageSet(images.clone() if copied and shared else images, *_read_classes(dataset, labels, labelled))


def _label_list(labels: Tensor) -> list[Any]:
    """Return the label of each item: numbers if they are integers, because a list of tensors takes much memory."""
    plain = labels.ndim == 1 and not labels.is_floating_point() and labels.dtype != torch.bool
    return labels.tolist() if plain else list(labels)


def _read_items(dataset: Any, labelled: bool, progress: bool, most_bytes: int | None) -> ImageSet | LazyImageSet:
    stored: Tensor | Checksums | None = None
    shape, labels = torch.Size(), []
    with progress_bar("reading images", len(dataset), progress and len(dataset) >= _BAR_FROM) as advance:
        for index in range(len(dataset)):
            pixels, label = read_item(dataset, index)
            if stored is None:
                shape = pixels.shape
                stored = _storage(len(dataset), shape, most_bytes)
            if pixels.shape != shape:
                raise DataError(
                    f"all images must have one shape: item 0 is {tuple(shape)}, item {index} is "
                    f"{tuple(pixels.shape)} (channels, height, width); resize them first"
                )
            if isinstance(stored, Tensor):
                stored[index] = pixels
            else:
                stored.add(pixels)
            labels.append(label)
            advance(1)
    assert stored is not None
    classes, names = _read_classes(dataset, labels, labelled)
    if isinstance(stored, Tensor):
        return ImageSet(stored, classes, names)
    return LazyImageSet(dataset, stored, classes, names)


def _storage(size: int, shape: torch.Size, most_bytes: int | None) -> Tensor | Checksums:
    """Make room for the pixels of all images, or for checksums alone if pixels need more than `most_bytes`."""
    if most_bytes is not None and size * shape.numel() > most_bytes:
        return Checksums(size, shape)
    require_memory(f"{size:,} images of {tuple(shape)}", size * shape.numel())
    return torch.empty((size, *shape), dtype=torch.uint8, device="cpu")


def require_contrast(images: ImageSet | LazyImageSet) -> None:
    """Raise `DataError` if the pixels of all images have one value, or two neighbouring ones.

    Args:
        images: the images of a fit.
    """
    low, high = images.levels()
    if high - low <= 1:
        found = f"is {low}" if low == high else f"is {low} or {high}"
        raise DataError(
            f"every pixel of every image {found} (of 0 to 255), so there is nothing to learn; were the files read? "
            "Floating-point images are divided by 255 once, and masks of 0 and 1 are multiplied by 255"
        )


def _read_classes(dataset: Any, labels: list[Any], labelled: bool) -> tuple[Tensor | None, tuple[str, ...] | None]:
    """Return the classes of all items and the names of the classes, or None for both."""
    if not labelled:
        return None, None
    classes = _check_classes(labels)
    return classes, read_class_names(dataset, int(classes.max()) + 1)


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
