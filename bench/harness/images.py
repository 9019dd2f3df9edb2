"""Images of the benchmark: decoded once, before the measurement, as uint8 arrays (H, W, C).

A set is cold (64 photos, or copies of small images, 36 MiB in all and gone through in turn, so that no image is in the
level-2 cache when its turn comes) or hot (one image again and again).
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]

COLD_BYTES = 36 << 20
PHOTOS = 64
EVEN_SIZE = (375, 500)
SMALL_WINDOW = 2048


@dataclass(frozen=True)
class ImageSet:
    """Images to go through, `window` of them a measurement; `alike` if they have one size and may be stacked."""

    images: Sequence[Image]
    window: int
    alike: bool

    @property
    def megabytes(self) -> float:
        """Memory that going through the whole set touches, in 10^6 bytes."""
        return sum(image.nbytes for image in {id(image): image for image in self.images}.values()) / 1e6

    def hot(self) -> ImageSet:
        """Return the set with the first image of median size only, for the same amount of work."""
        ordered = sorted(self.images[: self.window], key=lambda image: image.nbytes)
        return ImageSet([ordered[len(ordered) // 2]] * self.window, self.window, alike=True)

    def first(self, count: int) -> ImageSet:
        """Return the first `count` images as a window."""
        return ImageSet(self.images[:count], count, self.alike)


def load_set(name: str, folder: Path) -> ImageSet:
    """Return the set `photos`, `even` (photos of one size), `cifar` or `mnist`, from the files in `folder`."""
    if name == "photos":
        return ImageSet(list(_photos(folder)), PHOTOS, alike=False)
    if name == "even":
        return ImageSet([_cut(photo) for photo in _photos(folder)], PHOTOS, alike=True)
    small = _cifar(folder) if name == "cifar" else _mnist(folder)
    return ImageSet(_copies(small), SMALL_WINDOW, alike=True)


def squares(images: ImageSet, side: int, count: int) -> list[Image]:
    """Square cuts of `side` x `side` from the middle of the first images, to compare libraries on."""
    height, width = images.images[0].shape[:2]
    if height == width:
        return list(images.images[:count])
    large = [image for image in images.images if min(image.shape[:2]) >= side]
    return [_middle(image, side, side) for image in large[:count]]


def _photos(folder: Path) -> Iterator[Image]:
    from PIL import Image as pil

    with tarfile.open(folder / "photos100.tar") as archive:
        members = sorted((member for member in archive if member.isfile()), key=lambda member: member.name)
        for member in members[:PHOTOS]:
            yield np.array(pil.open(_content(archive, member)).convert("RGB"))


def _cut(photo: Image) -> Image:
    """Return the middle of a photo with EVEN_SIZE; a smaller photo gets a mirrored margin."""
    height, width = EVEN_SIZE
    missing = [(max(0, size - have), 0) for size, have in zip(EVEN_SIZE, photo.shape, strict=False)]
    return _middle(np.pad(photo, [*missing, (0, 0)], mode="symmetric"), height, width)


def _middle(image: Image, height: int, width: int) -> Image:
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return np.ascontiguousarray(image[top : top + height, left : left + width])


def _cifar(folder: Path) -> Image:
    from PIL import Image as pil

    images: list[Any] = []
    with tarfile.open(folder / "cifar10-imagefolder.tar.gz", mode="r|gz") as archive:
        for member in archive:
            if member.isfile() and member.name.endswith(".jpg"):
                images.append(np.array(pil.open(_content(archive, member)).convert("RGB")))
            if len(images) == SMALL_WINDOW:
                break
    return np.stack(images)


def _mnist(folder: Path) -> Image:
    with np.load(folder / "mnist10k.npz") as stored:
        digits: Image = stored["images"][:SMALL_WINDOW, :, :, None]
    return digits


def _copies(images: Image) -> list[Image]:
    """Return copies of the images, one after another in memory, that fill COLD_BYTES."""
    return list(np.concatenate([images] * -(-COLD_BYTES // images.nbytes)))


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> io.BytesIO:
    stream = archive.extractfile(member)
    assert stream is not None
    return io.BytesIO(stream.read())
