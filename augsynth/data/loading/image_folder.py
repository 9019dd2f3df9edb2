"""Decoding a folder with one subfolder a class: which files, which colours, which size."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from augsynth.data.loading.pillow import as_array, as_plain, open_upright
from augsynth.errors import DataError
from augsynth.progress import progress_bar

if TYPE_CHECKING:
    from PIL.Image import Image

IMAGE_SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
TEST_FOLDERS = ("test", "val", "valid", "validation")
_BAR_FROM = 2000

Part = tuple[NDArray[np.uint8], NDArray[np.int64]]


@dataclass(frozen=True)
class Listing:
    """The chosen files of one part (train or test) with their classes."""

    files: list[Path]
    labels: list[int]
    notes: list[str]


def read_image_folder(
    root: Path, max_per_class: int | None, image_size: int | None, seed: int
) -> tuple[list[Part], tuple[str, ...], tuple[str, ...]]:
    """Read `root/<class>/…`, or `root/train/<class>/…` and `root/test/<class>/…`.

    Returns the parts `(images uint8 (N, H, W, C), labels)`, training first, then the class names and notes.
    """
    folders, notes = _parts(root)
    names = class_names(folders[0])
    listings = [list_files(folder, names, max_per_class, seed) for folder in folders]
    files = [file for listing in listings for file in listing.files]
    images, conversions = _decode(files, root, image_size)
    parts, start = [], 0
    for listing in listings:
        stop = start + len(listing.files)
        parts.append((images[start:stop], np.asarray(listing.labels, np.int64)))
        start = stop
    return parts, names, tuple(notes + [note for part in listings for note in part.notes] + conversions)


def fit_square(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Resize the shorter side of `(H, W, 1 or 3)` to `size` (antialiased bilinear), crop the longer one."""
    from PIL import Image

    picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
    return as_array(_fit_square(picture, size))


def _parts(root: Path) -> tuple[list[Path], list[str]]:
    train = root / "train"
    tests = [root / name for name in TEST_FOLDERS if (root / name).is_dir()]
    if not train.is_dir():
        return [root], []
    if not tests:
        others = [path.name for path in _subfolders(root) if path != train]
        return ([root], []) if others else ([train], [])
    ignored = [path.name for path in _subfolders(root) if path not in (train, tests[0])]
    notes = [f"folders beside train/ and {tests[0].name}/ left out: {', '.join(ignored)}"] if ignored else []
    return [train, tests[0]], notes


def _subfolders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def class_names(folder: Path) -> tuple[str, ...]:
    """The names of the subfolders, sorted; `DataError` where there are none."""
    names = tuple(path.name for path in _subfolders(folder))
    if not names:
        raise DataError(f"no class folders in {folder.name!r}; expected one subfolder a class, with images in it")
    return names


def list_files(folder: Path, names: tuple[str, ...], max_per_class: int | None, seed: int) -> Listing:
    """The image files below each of the class folders `names`, at most `max_per_class` of each, drawn by `seed`."""
    unknown = [path.name for path in _subfolders(folder) if path.name not in names]
    if unknown:
        raise DataError(f"{folder.name!r} has classes that the training folder lacks: {', '.join(unknown)}")
    chosen = Listing([], [], [])
    found = strangers = 0
    for label, name in enumerate(names):
        every = sorted(p for p in (folder / name).rglob("*") if p.is_file() and not p.name.startswith("."))
        files = [path for path in every if path.suffix.lower() in IMAGE_SUFFIXES]
        if not files:
            known = " ".join(IMAGE_SUFFIXES)
            raise DataError(f"no images of class {name!r} in {folder.name!r}; the types read are {known}")
        strangers += len(every) - len(files)
        found += len(files)
        order = np.random.default_rng((seed, label)).permutation(len(files))[:max_per_class]
        chosen.files.extend(files[i] for i in np.sort(order))
        chosen.labels.extend([label] * len(order))
    if strangers:
        chosen.notes.append(f"{strangers} files in {folder.name!r} are no images and were left out")
    if len(chosen.files) < found:
        bound = f"at most {max_per_class} a class"
        chosen.notes.append(f"{len(chosen.files)} of {found} images in {folder.name!r} used, {bound}")
    return chosen


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
