"""A folder of class folders as a data set of images that are not decoded yet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from torch.utils.data import Dataset

from augsynth.core.positions import Positional
from augsynth.data.loading.encoded import EncodedImage, Mode
from augsynth.data.loading.listing import class_folders, list_files, shared_files
from augsynth.errors import ArgumentError, DataError


class EncodedImageFolder(Positional[tuple[EncodedImage, int]], Dataset[tuple[EncodedImage, int]]):
    """Data set of the images below `root/<class>/`, as `(EncodedImage, label)`; it holds no images in memory.

    `labels` is int64 (N,), an index into `class_names`. `notes` has sentences about the files that were left out:
    hidden files, files that are no images, repeated links. With `DecodingTransform` it is the `real` of a
    `SyntheticMixDataset`, with `ratio=0` if there are no synthetic images:

        real = EncodedImageFolder("photos/train")
        data = SyntheticMixDataset(real, None, ratio=0, transform=DecodingTransform(pipeline))
        loader = DataLoader(data, batch_size=64, shuffle=True, num_workers=4, collate_fn=augsynth.collate)

    Raises `DataError` if there are no class folders, or if one of them has no images.

    Args:
        root: path of the folder.
        mode: "RGB" or "L" (grey), to which every file is converted; default "RGB".
    """

    def __init__(self, root: str | Path, mode: Mode = "RGB") -> None:
        self.root = Path(root).absolute()
        if not self.root.is_dir():
            raise DataError(f"no folder {str(root)!r}")
        if mode not in ("RGB", "L"):
            raise ArgumentError(f"mode must be 'RGB' or 'L', got {mode!r}")
        self.mode = mode
        classes = class_folders(self.root)
        self.class_names = tuple(classes)
        listing = list_files(self.root, classes, self.class_names, None, seed=0)
        self.files = listing.files
        self.labels = np.array(listing.labels, np.int64)
        self.notes = (*listing.notes, *shared_files([listing]))

    def __len__(self) -> int:
        return len(self.files)

    def _item(self, position: int) -> tuple[EncodedImage, int]:
        return EncodedImage.read(self.files[position], self.mode), int(self.labels[position])
