"""Decoding a folder with one subfolder a class, to images of one size and one colour mode."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from augsynth.core.files import is_data
from augsynth.core.names import printable
from augsynth.data.loading.damage import OnError, without
from augsynth.data.loading.listing import ClassFolders, check_classes, list_files, shared_files
from augsynth.data.loading.pillow import as_array, as_plain, open_upright, require_pillow
from augsynth.errors import DataError
from augsynth.progress import progress_bar

if TYPE_CHECKING:
    from PIL.Image import Image

TEST_FOLDERS = ("test", "val", "valid", "validation")
_BAR_FROM = 2000

Split = tuple[NDArray[np.uint8], NDArray[np.int64]]


def read_image_folder(
    root: Path,
    max_per_class: int | None,
    image_size: int | None,
    seed: int,
    classes: Sequence[str] | None = None,
    on_error: OnError = "raise",
    progress: bool = True,
) -> tuple[list[Split], tuple[str, ...], tuple[str, ...]]:
    """Read `root/<class>/…`, or `root/train/<class>/…` and `root/test/<class>/…`; images alone are one class.

    Returns the parts `(images uint8 (N, H, W, C), labels)`, the training part first, then the class names and notes.
    The test part may lack classes. The arguments are those of `load_dataset`.
    """
    folders, notes = _parts(root)
    parts = [ClassFolders.read(folder, one_class=root.resolve().name) for folder in folders]
    names = check_classes(classes) or tuple(parts[0].folders)
    listings = [
        list_files(part, names, max_per_class, seed, partial=number > 0 or classes is not None)
        for number, part in enumerate(parts)
    ]
    files = [file for listing in listings for file in listing.files]
    images, failures, conversions = _decode(files, root, image_size, on_error, progress)
    splits, start, image = [], 0, 0
    for number, listing in enumerate(listings):
        stop = start + len(listing.files)
        lost = {place - start: message for place, message in failures.items() if start <= place < stop}
        listings[number] = listing = without(listing, lost, folders[number], names)
        splits.append((images[image : image + len(listing.files)], listing.labels))
        start, image = stop, image + len(listing.files)
    left_out = [note for listing in listings for note in listing.notes]
    return splits, names, (*notes, *left_out, *shared_files(listings), *conversions)


def fit_square(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Resize the shorter side of an image `(H, W, 1 or 3)` to `size` pixels (antialiased bilinear); crop the other."""
    from PIL import Image

    picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
    return as_array(_fit_square(picture, size))


def _parts(root: Path) -> tuple[list[Path], list[str]]:
    """Return the folders of the parts: train and test, if their names are these in small or capital letters."""
    below = sorted(name for name in os.listdir(root) if is_data(name) and (root / name).is_dir())
    named = {name.lower(): name for name in reversed(below)}
    tests = [named[name] for name in TEST_FOLDERS if name in named]
    if "train" not in named:
        return [root], []
    train = root / named["train"]
    if not tests:
        return ([root], []) if len(below) > 1 else ([train], [])
    ignored = [name for name in below if name not in (train.name, tests[0])]
    notes = [f"folders beside {train.name}/ and {tests[0]}/ left out: {', '.join(ignored)}"] if ignored else []
    return [train, root / tests[0]], notes


def _decode(
    files: list[str], root: Path, image_size: int | None, on_error: OnError, progress: bool
) -> tuple[NDArray[np.uint8], dict[int, str], list[str]]:
    """Return the images that can be read, the messages of the others by their numbers, and notes about conversions."""
    modes: Counter[str] = Counter()
    sizes: Counter[tuple[int, int]] = Counter()
    failures: dict[int, str] = {}
    arrays = []
    require_pillow()  # without it, every file would count as damaged
    with progress_bar("reading images", len(files), enabled=progress and len(files) >= _BAR_FROM) as advance:
        for number, file in enumerate(files):
            advance()
            try:
                image = open_upright(file, printable(os.path.relpath(file, root)))
            except DataError as error:
                if on_error == "raise":
                    raise
                failures[number] = str(error)
                continue
            modes[image.mode] += 1
            sizes[image.size] += 1
            if image_size is None and len(sizes) > 1:
                raise DataError(_many_sizes(root, sizes))
            plain = as_plain(image)
            arrays.append(as_array(plain if image_size is None else _fit_square(plain, image_size)))
    if not arrays:
        raise DataError(f"no image in {root.name!r} can be read: {next(iter(failures.values()))}")
    colour = any(array.shape[-1] == 3 for array in arrays)
    if colour:
        arrays = [np.repeat(array, 3, axis=-1) if array.shape[-1] == 1 else array for array in arrays]
    return np.stack(arrays), failures, _conversions(modes, sizes, image_size, colour)


def _fit_square(image: Image, size: int) -> Image:
    from PIL import Image, ImageOps

    if image.size == (size, size):
        return image
    return ImageOps.fit(image, (size, size), method=Image.Resampling.BILINEAR)


def _many_sizes(root: Path, sizes: Counter[tuple[int, int]]) -> str:
    found = " and ".join(f"{width}x{height}" for width, height in sorted(sizes))
    return (
        f"the images in {root.name!r} differ in size (there are {found} pixels); "
        "choose a common size with image_size=32, or --image-size 32 on the command line"
    )


def _conversions(
    modes: Counter[str], sizes: Counter[tuple[int, int]], image_size: int | None, colour: bool
) -> list[str]:
    notes = []
    converted = {mode: n for mode, n in modes.items() if mode != ("RGB" if colour else "L")}
    if converted:
        counted = ", ".join(f"{n} {mode}" for mode, n in sorted(converted.items()))
        notes.append(f"converted to {'RGB' if colour else '8-bit grey'}: {counted}")
    resized = sum(n for size, n in sizes.items() if size != (image_size, image_size)) if image_size else 0
    if resized:
        notes.append(f"{resized} images resized and centre-cropped to {image_size}x{image_size} pixels")
    return notes
