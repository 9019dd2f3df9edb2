"""A folder of class folders as a data set of images that are not decoded yet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from torch.utils.data import Dataset

from augsynth.core.positions import Positional
from augsynth.data.loading.damage import OnError, check_on_error, unreadable, without
from augsynth.data.loading.encoded import EncodedImage, Mode, check_mode
from augsynth.data.loading.listing import ClassFolders, Listing, check_classes, list_by, list_files, shared_files
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

    Raises `DataError` if there are no images, or if one of the class folders has none.

    Args:
        root: path of the folder.
        mode: "RGB" or "L" (grey), to which every file is converted; default "RGB".
        classes: names of all classes in the order of their labels, such as `class_names` of the training split. The
            folder may lack some of them, and has no others. Default: the class folders, sorted.
        class_of: function of a file's `Path` that returns the name of its class, for data whose classes are no folders:
            `lambda path: path.stem.split("_")[0]`. It is called now, for every image below the folder. Default: the
            name of the class folder; images without class folders are one class with the name of the folder.
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
        class_of: Callable[[Path], str] | None = None,
        on_error: OnError = "raise",
        progress: bool = True,
    ) -> None:
        self.root = Path(root).absolute()
        if not self.root.is_dir():
            raise DataError(f"no folder {str(root)!r}")
        self.mode = check_mode(mode)
        check_on_error(on_error)
        try:
            self.class_names, listing = _listed(self.root, check_classes(classes), class_of)
        except OSError as error:
            raise DataError(f"cannot read {str(root)!r}: {error}") from error
        if on_error == "skip":
            failures = unreadable(
                len(listing.files),
                lambda number: EncodedImage.read(listing.files[number], self.mode).decode(),
                progress,
            )
            listing = without(listing, failures, self.root, self.class_names)
        self.files = FilePaths(listing.files)
        self.labels = listing.labels
        self.notes = (*listing.notes, *shared_files([listing]))

    def __len__(self) -> int:
        return len(self.files)

    def _item(self, position: int) -> tuple[EncodedImage, int]:
        return EncodedImage.read(self.files[position], self.mode), int(self.labels[position])


def _listed(
    root: Path, classes: tuple[str, ...] | None, class_of: Callable[[Path], str] | None
) -> tuple[tuple[str, ...], Listing]:
    """Return the names of all classes, and the files."""
    if class_of is not None:
        return list_by(root, class_of, classes)
    part = ClassFolders.read(root, one_class=root.name)
    names = classes or tuple(part.folders)
    return names, list_files(part, names, partial=classes is not None)
