"""Images that a fit sees and images that it does not see, to compare its samples with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from augsynth.errors import ArgumentError, DataError
from augsynth.generators.reading.images import ImageSet, read_images
from augsynth.generators.reading.lazy import LazyImageSet
from augsynth.generators.seeds import derive_seed

MOST_COMPARED = 20_000
"""Images of the fit that samples are compared with. Of more, a random part stands for all."""
_LEAST = 10


@dataclass(frozen=True, eq=False)
class Halves:
    """Two random parts of one set of images.

    Args:
        fit: images of the fit, uint8 (n, C, H, W).
        held_out: images that the fit does not see, uint8 (m, C, H, W).
        total: number of images of the fit, of which `fit` holds all or a random part.
    """

    fit: Tensor
    held_out: Tensor
    total: int

    @classmethod
    def read(cls, held_out: Any, images: ImageSet | LazyImageSet, seed: int) -> Halves:
        """Read held-out images. Raises `ArgumentError` or `DataError` for images that tell nothing about copying.

        Args:
            held_out: at least 10 images: a data set as for `fit`, whose labels are not read, or a tensor (n, C, H, W).
            images: the images of the fit, whose shape they must have. Most of them must be others.
            seed: 64-bit seed of the choice of images of the fit, if there are more than 20,000.
        """
        unseen = read_images(held_out, labelled=False)
        if unseen.image_shape != images.image_shape:
            raise DataError(
                f"held_out has images of {unseen.image_shape} as (channels, height, width), and the data set of "
                f"{images.image_shape}; prepare both alike"
            )
        if len(unseen) < _LEAST:
            raise ArgumentError(
                f"held_out must hold at least {_LEAST} images, got {len(unseen)}; 100 or more say much more"
            )
        fit = images.pixels(_some(len(images), seed))
        _require_others(unseen.images, fit, len(images))
        return cls(fit, unseen.images, len(images))

    def digest(self) -> str:
        """Return the SHA-256 of the images that were held out."""
        return ImageSet(self.held_out, None).digest()


def _some(n: int, seed: int) -> Tensor:
    rng = torch.Generator().manual_seed(derive_seed("compared", seed))
    return torch.randperm(n, generator=rng, device="cpu")[:MOST_COMPARED].sort().values


def _require_others(unseen: Tensor, fit: Tensor, n: int) -> None:
    """Raise `ArgumentError` if most of the held-out images are among the images of the fit, of which some are given."""
    known = {image.tobytes() for image in fit.numpy()}
    shared = sum(image.tobytes() in known for image in unseen.numpy())
    if 2 * shared * n > len(unseen) * len(fit):
        raise ArgumentError(
            f"{shared} of the {len(unseen)} images in held_out are in the data set, too; split the images at random, "
            "and fit on one part"
        )
