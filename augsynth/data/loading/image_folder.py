"""Decoding a folder with one subfolder a class, to images of one size and one colour mode."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from augsynth.data.loading.listing import classes_or_one, list_files, shared_files, subfolders
from augsynth.data.loading.pillow import as_array, as_plain, open_upright
from augsynth.errors import DataError
from augsynth.progress import progress_bar

if TYPE_CHECKING:
    from PIL.Image import Image

TEST_FOLDERS = ("test", "val", "valid", "validation")
_BAR_FROM = 2000

Split = tuple[NDArray[np.uint8], NDArray[np.int64]]


def read_image_folder(
    root: Path, max_per_class: int | None, image_size: int | None, seed: int
) -> tuple[list[Split], tuple[str, ...], tuple[str, ...]]:
    """Read `root/<class>/…`, or `root/train/<class>/…` and `root/test/<class>/…`; images alone are one class.

    Returns the parts `(images uint8 (N, H, W, C), labels)`, the training part first, then the class names and notes.
    The arguments are those of `load_dataset`.
    """
    folders, notes = _parts(root)
    classes = [classes_or_one(folder, root) for folder in folders]
    names = tuple(classes[0])
    if folders[0] in classes[0].values():
        notes.append(f"there are no class folders in {folders[0].name!r}: its images are one class, {names[0]!r}")
    listings = [list_files(*part, names, max_per_class, seed) for part in zip(folders, classes, strict=True)]
    files = [file for listing in listings for file in listing.files]
    images, conversions = _decode(files, root, image_size)
    parts, start = [], 0
    for listing in listings:
        stop = start + len(listing.files)
        parts.append((images[start:stop], np.asarray(listing.labels, np.int64)))
        start = stop
    left_out = [note for listing in listings for note in listing.notes]
    return parts, names, (*notes, *left_out, *shared_files(listings), *conversions)


def fit_square(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Resize the shorter side of an image `(H, W, 1 or 3)` to `size` pixels (antialiased bilinear); crop the other."""
    from PIL import Image

    picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
    return as_array(_fit_square(picture, size))


def _parts(root: Path) -> tuple[list[Path], list[str]]:
    train = root / "train"
    tests = [root / name for name in TEST_FOLDERS if (root / name).is_dir()]
    if not train.is_dir():
        return [root], []
    if not tests:
        others = [path.name for path in subfolders(root) if path != train]
        return ([root], []) if others else ([train], [])
    ignored = [path.name for path in subfolders(root) if path not in (train, tests[0])]
    notes = [f"folders beside train/ and {tests[0].name}/ left out: {', '.join(ignored)}"] if ignored else []
    return [train, tests[0]], notes


def _decode(files: list[Path], root: Path, image_size: int | None) -> tuple[NDArray[np.uint8], list[str]]:
    modes: Counter[str] = Counter()
    sizes: Counter[tuple[int, int]] = Counter()
    arrays = []
    with progress_bar("reading images", len(files), enabled=len(files) >= _BAR_FROM) as advance:
        for file in files:
            image = open_upright(file, str(file.relative_to(root)))
            modes[image.mode] += 1
            sizes[image.size] += 1
            if image_size is None and len(sizes) > 1:
                raise DataError(_many_sizes(root, sizes))
            plain = as_plain(image)
            arrays.append(as_array(plain if image_size is None else _fit_square(plain, image_size)))
            advance()
    colour = any(array.shape[-1] == 3 for array in arrays)
    if colour:
        arrays = [np.repeat(array, 3, axis=-1) if array.shape[-1] == 1 else array for array in arrays]
    return np.stack(arrays), _conversions(modes, sizes, image_size, colour)


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
