"""A folder of class folders as a data set of images that are not decoded yet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch.utils.data import Dataset

from augsynth.core.positions import Positional
from augsynth.data.loading.damage import OnError, check_on_error, unreadable_files, without
from augsynth.data.loading.encoded import EncodedImage, Mode, check_mode
from augsynth.data.loading.listing import ClassFolders, check_classes, list_files, shared_files
from augsynth.data.loading.paths import FilePaths
from augsynth.errors import DataError


class EncodedImageFolder(Positional[tuple[EncodedImage, int]], Dataset[tuple[EncodedImage, int]]):
    """Data set of the images below `root/<class>/`, as `(EncodedImage, label)`; it holds no images in memory.

    `files` is the sequence of the paths, `labels` is int64 (N,), an index into `class_names`, and `notes` has sentences
    about the files that were left out: hidden files, files that are no images, repeated links, damaged images. With
    `DecodingTransform` it is the `real` of a `SyntheticMixDataset`, with `ratio=0` if there are no synthetic images:

        real = EncodedImageFolder("photos/train")
        data = SyntheticMixDataset(real, None, ratio=0, transform=DecodingTransform(pipeline))
        loader = DataLoader(data, batch_size=64, shuffle=True, num_workers=4, collate_fn=augsynth.collate)

    Raises `DataError` if there are no class folders, or if one of them has no images.

    Args:
        root: path of the folder.
        mode: "RGB" or "L" (grey), to which every file is converted; default "RGB".
        classes: names of all classes in the order of their labels, such as `class_names` of the training split. The
            folder may lack some of them, and has no others. Default: the class folders, sorted.
        on_error: "raise" (default) opens no file before it is needed, and a damaged one raises `DataError` then. "skip"
            decodes every file once, now, and leaves the damaged ones out, so that length and labels are fixed. It takes
            as long as an epoch of decoding.
        progress: True (default) shows a progress bar while 2,000 files or more are decoded.
    """

    def __init__(
        self,
        root: str | Path,
        mode: Mode = "RGB",
        *,
        classes: Sequence[str] | None = None,
        on_error: OnError = "raise",
        progress: bool = True,
    ) -> None:
        self.root = Path(root).absolute()
        if not self.root.is_dir():
            raise DataError(f"no folder {str(root)!r}")
        self.mode = check_mode(mode)
        check_on_error(on_error)
        try:
            part = ClassFolders.read(self.root)
            self.class_names = check_classes(classes) or tuple(part.folders)
            listing = list_files(part, self.class_names, partial=classes is not None)
        except OSError as error:
            raise DataError(f"cannot read {str(root)!r}: {error}") from error
        if on_error == "skip":
            failures = unreadable_files(listing.files, self.mode, progress)
            listing = without(listing, failures, self.root, self.class_names)
        self.files = FilePaths(listing.files)
        self.labels = listing.labels
        self.notes = (*listing.notes, *shared_files([listing]))

    def __len__(self) -> int:
        return len(self.files)

    def _item(self, position: int) -> tuple[EncodedImage, int]:
        return EncodedImage.read(self.files[position], self.mode), int(self.labels[position])
