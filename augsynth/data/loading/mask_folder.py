"""A folder of images and a folder of masks as a data set for segmentation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from augsynth.core.checks import check_integer
from augsynth.core.names import printable
from augsynth.core.positions import Positional
from augsynth.data.loading.damage import OnError, check_on_error, failures_note, unreadable
from augsynth.data.loading.encoded import EncodedImage, Mode, check_mode
from augsynth.data.loading.pairs import check_folder, keyed_files, unmatched
from augsynth.data.loading.paths import FilePaths
from augsynth.data.loading.pillow import read_numbers
from augsynth.errors import ArgumentError, ArgumentTypeError, DataError, shown

_LARGEST = 2**16 - 1


class MaskFolder(Positional[tuple[EncodedImage, NDArray[Any]]], Dataset[tuple[EncodedImage, NDArray[Any]]]):
    """Data set of images with masks, as `(EncodedImage, mask)`; a mask is uint8, uint16 or int32 (H, W).

    An image and its mask have the same path below their folders, except for the suffix. The numbers of a mask are
    those of its file: grey levels, or the numbers of the colours of a palette. `notes` has sentences about the files
    that were left out. With `DecodingTransform` it is the `real` of a `SyntheticMixDataset`, with `ratio=0`.

    Raises `DataError` if no image has a mask, and, when it is read, for a damaged file, for a mask of another size, and
    for an image that Exif would turn, because nobody knows whether its mask would turn with it.

    Args:
        images: path of the folder of images.
        masks: path of the folder of masks. It may be the same folder if `mask_suffix` tells them apart.
        values: numbers in the files, in the order of the classes: with (0, 255), a mask holds 0 and 1. Another number
            in a file is an error. Default None: masks hold the numbers of the files.
        mask_suffix: text at the end of the names of masks, as in `cell1_mask.png` for `cell1.jpg`; default "".
        mode: "RGB" or "L" (grey), to which every image is converted; default "RGB".
        on_error: "raise" (default) opens no file before it is needed. "skip" reads every image and every mask now, and
            leaves those out that cannot be read or do not fit together.
        progress: True (default) shows a progress bar while 2,000 files or more are read.
    """

    def __init__(
        self,
        images: str | Path,
        masks: str | Path,
        *,
        values: Sequence[int] | None = None,
        mask_suffix: str = "",
        mode: Mode = "RGB",
        on_error: OnError = "raise",
        progress: bool = True,
    ) -> None:
        self.mode = check_mode(mode)
        check_on_error(on_error)
        self._classes = None if values is None else _class_of_value(values)
        folder = check_folder(images, "images")
        pairs, notes = _pairs(folder, check_folder(masks, "masks"), mask_suffix)
        self._keep(pairs)
        if on_error == "skip":
            failures = unreadable(len(self), self._check, progress)
            notes += failures_note(failures, self.files, folder)
            self._keep([pair for number, pair in enumerate(pairs) if number not in failures])
            if not len(self):
                raise DataError(f"no image in {folder.name!r} can be read: {failures[0]}")
        self.notes = tuple(notes)

    def _keep(self, pairs: list[tuple[str, str]]) -> None:
        self.files = FilePaths([image for image, _ in pairs])
        self.mask_files = FilePaths([mask for _, mask in pairs])

    def __len__(self) -> int:
        return len(self.files)

    def _item(self, position: int) -> tuple[EncodedImage, NDArray[Any]]:
        image = EncodedImage.read(self.files[position], self.mode)
        image.require_upright("its mask")
        path = self.mask_files[position]
        mask = read_numbers(path, printable(path))
        if mask.shape != image.shape[:2]:
            raise DataError(f"{printable(path)} is of {mask.shape}, and {image.name} of {image.shape[:2]} pixels")
        return image, mask if self._classes is None else _classified(mask, self._classes, printable(path))

    def _check(self, position: int) -> None:
        image, _ = self[position]
        image.decode()


def _pairs(images: Path, masks: Path, suffix: str) -> tuple[list[tuple[str, str]], list[str]]:
    """Return the paths of each image and of its mask, and notes about the files that were left out."""
    same = images.samefile(masks)
    if same and not suffix:
        raise ArgumentError("images and masks are one folder; mask_suffix must tell which files are masks")
    pictures, marks = keyed_files(images), keyed_files(masks)
    of_image = {key.removesuffix(suffix): path for key, path in marks.files.items() if key.endswith(suffix)}
    keys = [key for key in pictures.files if not (same and key.endswith(suffix))]
    pairs = [(pictures.files[key], of_image[key]) for key in keys if key in of_image]
    if not pairs:
        raise DataError(f"no image in {images.name!r} has a mask of its name in {masks.name!r}")
    notes = [*pictures.notes, *([] if same else marks.notes), *unmatched(keys, of_image, "images without a mask")]
    return pairs, notes + unmatched([*of_image], dict.fromkeys(keys, ""), "masks without an image")


def _class_of_value(values: Sequence[int]) -> NDArray[np.int32]:
    """Return the class of each number up to 65535, and −1 for numbers that are no class."""
    if isinstance(values, (str, bytes)) or not isinstance(values, (Sequence, np.ndarray)) or not len(values):
        raise ArgumentTypeError(f"values must be a list of numbers, got {shown(values)}")
    numbers = [check_integer("values", value, 0, _LARGEST) for value in values]
    if len(set(numbers)) < len(numbers):
        raise ArgumentError(f"values must differ, got {shown(numbers)}")
    classes = np.full(_LARGEST + 1, -1, np.int32)
    classes[numbers] = range(len(numbers))
    return classes


def _classified(mask: NDArray[Any], classes: NDArray[np.int32], name: str) -> NDArray[np.uint8 | np.int32]:
    inside = mask if mask.dtype != np.int32 else np.where((mask < 0) | (mask > _LARGEST), _LARGEST, mask)
    result: NDArray[Any] = classes[inside]
    if result.min() < 0:
        wrong = np.unique(mask[result < 0])[:5].tolist()
        known = np.flatnonzero(classes >= 0)[:10].tolist()
        raise DataError(f"{name} has the numbers {wrong}, which are not among values={known}")
    return result.astype(np.uint8) if classes.max() < 256 else result
