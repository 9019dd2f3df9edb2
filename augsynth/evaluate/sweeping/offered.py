"""Offers beside the real images: a classifier of somebody else, and images without labels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsynth.classifier import Classifier, load_classifier
from augsynth.data.loading.datasets import ImageData
from augsynth.errors import ArgumentError


def as_rival(classifier: Classifier | str | Path, data: ImageData) -> Classifier:
    """Return a classifier with the classes of the data in their order, if it has them all; raise `ArgumentError`.

    A classifier of other classes stays as it is: it can be fine-tuned, with a new last layer.

    Args:
        classifier: the classifier, or its folder. Without class names, it must have as many classes as the data.
        data: the images that it shall tell apart.
    """
    found = classifier if isinstance(classifier, Classifier) else load_classifier(classifier)
    if found.image_shape != data.image_shape:
        raise ArgumentError(
            f"the classifier takes images of {found.image_shape} as (channels, height, width), and these are "
            f"{data.image_shape}; prepare both alike"
        )
    if found.class_names is None and found.num_classes != data.num_classes:
        raise ArgumentError(
            f"the classifier tells {found.num_classes} classes apart without their names, and the data has "
            f"{data.num_classes}: save it with class_names="
        )
    complete = found.class_names is not None and set(data.class_names) <= set(found.class_names)
    return found.for_classes(data.class_names) if complete else found


def knows_classes(classifier: Classifier, data: ImageData) -> bool:
    """Return whether a classifier of `as_rival` has the classes of the data, so that it can be used as it is.

    Args:
        classifier: the classifier.
        data: the images.
    """
    return classifier.class_names in (None, data.class_names)


def as_unlabelled(images: ImageData | NDArray[np.uint8] | Any, data: ImageData) -> ImageData:
    """Return images without labels as data whose labels mean nothing; raise `ArgumentError` for other shapes.

    Args:
        images: uint8 (n, H, W, C) or (n, H, W), or image data whose labels are not looked at.
        data: the labelled images.
    """
    found = np.asarray(images.images if isinstance(images, ImageData) else images)
    found = found[..., None] if found.ndim == 3 else found
    if found.dtype != np.uint8 or found.shape[1:] != data.images.shape[1:] or len(found) == 0:
        raise ArgumentError(
            f"unlabelled images must be uint8 of shape (n, {', '.join(map(str, data.images.shape[1:]))}) like the "
            f"labelled ones, got {found.dtype} of {found.shape}"
        )
    return replace(data, images=found, labels=np.zeros(len(found), np.int64), test=None)
