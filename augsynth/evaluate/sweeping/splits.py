"""Splits of one repetition: few images to train on, others to choose by, and the test part, which is in neither."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from augsynth.classifier.folds import fold_numbers
from augsynth.data.loading.datasets import ImageData, draw_indices
from augsynth.errors import ArgumentError, DataError

_MOST = 2000


class Split(NamedTuple):
    """Images of one seed.

    Args:
        real: the training images.
        selection: images to choose controls and arms by; none if all images train.
    """

    real: ImageData
    selection: ImageData


class Repetition(NamedTuple):
    """One repetition of an arm.

    Args:
        seed: seed of the split, the pool, the mix and the model.
        fold: number of the fold of the test part that is tested on; None (default) for the whole test part.
    """

    seed: int
    fold: int | None = None


def draw_fold(data: ImageData, folds: int, repetition: Repetition) -> ImageData:
    """Return the data whose test part is one fold of the test part; the other folds join the training images.

    Args:
        data: images with a test part.
        folds: number of folds, at least 2. Each seed divides the test part in another way, class by class.
        repetition: the seed, and the fold; without one, the data is returned as it is.
    """
    if repetition.fold is None:
        return data
    test = require_test_part(data)
    if len(test) < folds:
        raise ArgumentError(f"the test part has {len(test)} images, which cannot be divided into {folds} folds")
    own = fold_numbers(test.labels, folds, seed=repetition.seed) == repetition.fold
    others = test.take(np.flatnonzero(~own))
    return replace(
        data,
        images=np.concatenate([data.images, others.images]),
        labels=np.concatenate([data.labels, others.labels]),
        test=test.take(np.flatnonzero(own)),
    )


def draw_split(data: ImageData, per_class: int | Mapping[int, int] | None, seed: int) -> Split:
    """Draw the training images of a seed, and the images to choose by from the rest.

    Without `per_class`, three quarters of each class train. Of the rest, at most 2,000 images are used.

    Args:
        data: images without the test part.
        per_class: number of training images of each class, at least 1, or a mapping from each class to its number; None
            for three quarters of each class.
        seed: seed of the draw.
    """
    counts = np.bincount(data.labels, minlength=data.num_classes)
    if isinstance(per_class, Mapping):
        wanted = dict(per_class)
    else:
        wanted = {c: max(1, int(n) * 3 // 4) if per_class is None else per_class for c, n in enumerate(counts)}
    if set(wanted) != set(range(data.num_classes)):
        raise ArgumentError(f"per_class must have a number for each of the {data.num_classes} classes, got {wanted}")
    chosen = draw_indices(data, wanted, seed)
    rest = np.setdiff1d(np.arange(len(data)), chosen)
    if len(rest) > _MOST:
        rest = np.sort(np.random.default_rng(seed).permutation(rest)[:_MOST])
    return Split(data.take(chosen), data.take(rest))


def require_test_part(data: ImageData) -> ImageData:
    """Return the test part; raise `ArgumentError` or `DataError` for data that cannot give an answer.

    Args:
        data: images with a test part.
    """
    if data.test is None:
        raise ArgumentError("data has no test part: load it with test_fraction=0.25, or from train/ and test/ folders")
    if data.num_classes < 2:
        raise DataError(f"{data.name}: there is only one class, {data.class_names[0]!r}; a verdict needs two or more")
    return data.test
