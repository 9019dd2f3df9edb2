"""Real images: the digits of scikit-learn, a folder of class folders, or an `.npz` file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from augsynth.core.arrays import unwrapped
from augsynth.core.checks import check_integer
from augsynth.core.names import listed
from augsynth.core.positions import Positional
from augsynth.data.loading.damage import OnError, check_on_error
from augsynth.data.loading.image_folder import read_image_folder
from augsynth.data.loading.listing import check_classes
from augsynth.data.loading.npz import read_npz
from augsynth.errors import ArgumentError, DataError

_LARGEST_SIZE = 2**14


@dataclass(frozen=True)
class ImageData(Positional[tuple[NDArray[np.uint8], int]]):
    """Labelled images of one size in memory, as a map-style dataset of `(image, label)`.

    Args:
        images: uint8 `(N, H, W, C)`.
        labels: int64 `(N,)` in [0, len(class_names)).
        class_names: name of each class.
        name: name of the data set, for messages and reports; default "".
        test: images set aside for testing; default None.
        notes: sentences about all that was converted, resized or left out; default none.

    >>> data = load_dataset("digits", test_fraction=0.25)
    >>> data[0][0].shape, data.num_classes, len(data) + len(data.test)
    ((8, 8, 1), 10, 1797)
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    class_names: tuple[str, ...]
    name: str = ""
    test: ImageData | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    def _item(self, position: int) -> tuple[NDArray[np.uint8], int]:
        return self.images[position], int(self.labels[position])

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Shape `(C, H, W)` of an image, in the order of generators and classifiers."""
        height, width, channels = self.images.shape[1:]
        return channels, height, width

    def take(self, indices: NDArray[np.int64]) -> ImageData:
        """Return some of the images, without a test part.

        Args:
            indices: their numbers, in the order of the result.
        """
        return replace(self, images=self.images[indices], labels=self.labels[indices], test=None)

    def draw_per_class(self, count: int, seed: int) -> ImageData:
        """Return images of every class, drawn without replacement; raise `DataError` if a class has too few.

        Args:
            count: number of images of each class, at least 1.
            seed: seed of the draw.
        """
        count = check_integer("count", count, 1)
        return self.take(draw_indices(self, dict.fromkeys(range(self.num_classes), count), seed))


def load_dataset(
    source: str | Path,
    *,
    max_per_class: int | None = None,
    image_size: int | None = None,
    test_fraction: float = 0.0,
    seed: int = 0,
    classes: Sequence[str] | None = None,
    on_error: OnError = "raise",
    progress: bool = True,
) -> ImageData:
    """Read the digits, a folder of images or an `.npz` file, and set a test part aside.

    A folder has one subfolder a class, or `train/` and `test/` (or `val/`) with these subfolders. This split is then
    used, and `test_fraction` is not; labels of both are those of the training part, and the test part may lack classes.
    Images without class folders are one class with the name of the folder. Hidden
    files and folders are left out; links are followed. Grey images stay grey if all images are grey. Otherwise all
    become RGB, and `notes` gives the number of converted images.

    Raises `DataError` or `ArgumentError` with one line that says how to correct the call or the data.

    Args:
        source: "digits" for the 1,797 digits of 8x8 pixels in scikit-learn, with grey levels 0..16 scaled to 0..255;
            the path of a folder; or the path of an `.npz` file with `images` uint8 `(N, H, W)` or `(N, H, W, C)` and
            `labels` `(N,)`. Without labels, all images are one class.
        max_per_class: largest number of images of a class in each part; default no limit.
        image_size: height and width of every image in pixels, from 1 to 16384. The shorter side is resized, and the
            longer one is cropped at the centre. Required if the images differ in size; default None.
        test_fraction: fraction of each class for `data.test`, in [0, 1); default 0.
        seed: seed of the choices, at least 0; default 0.
        classes: names of all classes in the order of their labels, such as `class_names` of another data set. The data
            may lack some of them, and have no others. Default: the names that the data have, sorted.
        on_error: "raise" (default) raises `DataError` for an image file that cannot be read; "skip" leaves it out, and
            `notes` names it.
        progress: True (default) shows a progress bar while 2,000 images or more of a folder are read.
    """
    check_on_error(on_error)
    test_fraction = unwrapped(test_fraction)
    if not isinstance(test_fraction, (int, float)) or not 0 <= test_fraction < 1:
        raise ArgumentError(f"test_fraction must be at least 0 and below 1, got {test_fraction!r}")
    bounds = {"max_per_class": unwrapped(max_per_class), "image_size": unwrapped(image_size)}
    for name, value in bounds.items():
        if value is not None:
            check_integer(name, value, 1)
    if (bounds["image_size"] or 1) > _LARGEST_SIZE:
        raise ArgumentError(f"image_size must be at most {_LARGEST_SIZE} pixels, got {bounds['image_size']}")
    seed = check_integer("seed", seed, 0)
    try:
        data = _read(source, bounds["max_per_class"], bounds["image_size"], seed, classes, on_error, progress)
    except OSError as error:
        raise DataError(f"cannot read {str(source)!r}: {error}") from error
    if data.test is None and test_fraction > 0:
        return _split(data, test_fraction, seed)
    return data


def _read(
    source: str | Path,
    max_per_class: int | None,
    image_size: int | None,
    seed: int,
    classes: Sequence[str] | None,
    on_error: OnError,
    progress: bool,
) -> ImageData:
    path = Path(source)
    if path.is_dir() and source != "":
        path = path.absolute()
        parts, names, notes = read_image_folder(path, max_per_class, image_size, seed, classes, on_error, progress)
        name = path.resolve().name
        test = ImageData(*parts[1], names, name) if len(parts) > 1 else None
        return ImageData(*parts[0], names, name, test, notes)
    if str(source) == "digits":
        data = _digits()
    elif path.suffix.lower() == ".npz" and path.exists():
        data = _from_arrays(*read_npz(path), path)
    else:
        raise DataError(_unreadable(path))
    return _bounded(_resized(_renumbered(data, check_classes(classes)), image_size), max_per_class, seed)


def _unreadable(path: Path) -> str:
    expected = "expected 'digits', a folder with one subfolder a class, or an .npz file"
    if not path.exists():
        return f"no data at {str(path)!r}; {expected}"
    if path.name.endswith((".tar", ".tar.gz", ".tgz", ".zip")):
        return f"{path.name} is an archive; unpack it and give the folder that holds the class folders"
    return f"cannot read {path.name!r}; {expected}"


def _digits() -> ImageData:
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise DataError('the digits need scikit-learn: pip install "augsynth[demo]"') from error
    digits = cast("Any", load_digits())
    images = np.rint(digits.images * (255 / 16)).astype(np.uint8)[..., None]
    return ImageData(images, digits.target.astype(np.int64), tuple("0123456789"), "digits")


def _from_arrays(images: NDArray[Any], labels: NDArray[Any] | None, path: Path) -> ImageData:
    name = path.name
    if images.dtype != np.uint8:
        raise DataError(f"{name}: images are {images.dtype}; scale them to 0..255 and save them as uint8")
    shape = images.shape
    images = images[..., None] if images.ndim == 3 else images
    if images.ndim != 4 or images.shape[-1] > 16 or 0 in images.shape:
        raise DataError(f"{name}: images have shape {shape}; expected (N, H, W) or (N, H, W, C) with C up to 16")
    if labels is None:
        note = f"there are no labels in {name!r}: its images are one class, {path.stem!r}"
        return ImageData(images, np.zeros(len(images), np.int64), (path.stem,), name, notes=(note,))
    if labels.shape != (len(images),):
        raise DataError(f"{name}: labels have shape {labels.shape}; expected one an image, ({len(images)},)")
    if labels.dtype.kind not in "iuSUb":
        raise DataError(f"{name}: labels are {labels.dtype}; expected integers or names")
    names, codes = np.unique(labels, return_inverse=True)
    text = (item.decode(errors="backslashreplace") if isinstance(item, bytes) else str(item) for item in names.tolist())
    return ImageData(images, codes.astype(np.int64), tuple(text), name)


def _renumbered(data: ImageData, classes: tuple[str, ...] | None) -> ImageData:
    """Return the data with the labels that its classes have among `classes`."""
    if classes is None:
        return data
    unknown = [name for name in data.class_names if name not in classes]
    if unknown:
        raise DataError(f"{data.name!r} has classes that are not known: {listed(unknown)}; known are {listed(classes)}")
    places = np.array([classes.index(name) for name in data.class_names], np.int64)
    return replace(data, labels=places[data.labels], class_names=classes)


def _resized(data: ImageData, image_size: int | None) -> ImageData:
    if image_size is None or data.images.shape[1:3] == (image_size, image_size):
        return data
    from augsynth.data.loading.image_folder import fit_square

    height, width, channels = data.images.shape[1:]
    if channels not in (1, 3):
        raise DataError(f"{data.name}: image_size works for 1 or 3 channels, these images have {channels}")
    note = f"resized from {width}x{height} to {image_size}x{image_size} pixels"
    images = np.stack([fit_square(image, image_size) for image in data.images])
    return replace(data, images=images, notes=(*data.notes, note))


def _bounded(data: ImageData, max_per_class: int | None, seed: int) -> ImageData:
    counts = np.bincount(data.labels, minlength=data.num_classes)
    if max_per_class is None or counts.max() <= max_per_class:
        return data
    kept = data.take(draw_indices(data, {c: min(int(n), max_per_class) for c, n in enumerate(counts)}, seed))
    note = f"{len(kept)} of {len(data)} images used, at most {max_per_class} a class"
    return replace(kept, notes=(*data.notes, note))


def _split(data: ImageData, test_fraction: float, seed: int) -> ImageData:
    """Set the same fraction of every class aside, at least one image of each."""
    counts = np.bincount(data.labels, minlength=data.num_classes)
    if 1 in counts:
        lonely = data.class_names[counts.tolist().index(1)]
        raise DataError(f"{data.name}: class {lonely!r} has 1 image; a test split needs 2 or more a class")
    wanted = {c: min(max(1, round(n * test_fraction)), int(n) - 1) for c, n in enumerate(counts) if n}
    held_back = draw_indices(data, wanted, seed)
    rest = np.setdiff1d(np.arange(len(data)), held_back)
    return replace(data.take(rest), test=replace(data.take(held_back), notes=()))


def draw_indices(data: ImageData, counts: dict[int, int], seed: int) -> NDArray[np.int64]:
    """Return sorted indices of images, drawn for each class independently; `DataError` if a class has too few.

    Args:
        data: the images.
        counts: number of images of each class that is drawn.
        seed: seed of the draw.
    """
    chosen = []
    for label, count in counts.items():
        members = np.flatnonzero(data.labels == label)
        if len(members) < count:
            name = data.class_names[label]
            raise DataError(f"{data.name}: class {name!r} has {len(members)} images, {count} are needed")
        chosen.append(np.random.default_rng((seed, label)).permutation(members)[:count])
    return np.sort(np.concatenate(chosen))
