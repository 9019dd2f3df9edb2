"""Reading images that a fit must not see, to compare its samples with."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from augsynth.errors import ArgumentError, DataError
from augsynth.generators.reading.images import ImageSet, read_images

_LEAST = 10


def read_held_out(held_out: Any, fit: ImageSet) -> Tensor:
    """Return held-out images, uint8 (n, C, H, W). Raises `ArgumentError` for images that tell nothing about copying.

    Args:
        held_out: at least 10 images: a data set as for `fit`, whose labels are not read, or a tensor (n, C, H, W).
        fit: the images of the fit, whose shape they must have. Most of them must be others.
    """
    images = read_images(held_out, labelled=False).images
    if images.shape[1:] != fit.images.shape[1:]:
        raise DataError(
            f"held_out has images of {tuple(images.shape[1:])} as (channels, height, width), and the data set of "
            f"{fit.image_shape}; prepare both alike"
        )
    if len(images) < _LEAST:
        raise ArgumentError(
            f"held_out must hold at least {_LEAST} images, got {len(images)}; 100 or more say much more"
        )
    known = {image.tobytes() for image in fit.images.numpy()}
    shared = sum(image.tobytes() in known for image in images.numpy())
    if 2 * shared > len(images):
        raise ArgumentError(
            f"{shared} of the {len(images)} images in held_out are in the data set, too; split the images at random, "
            "and fit on one part"
        )
    return images
