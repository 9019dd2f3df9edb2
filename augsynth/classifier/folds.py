"""Predictions out of fold: every item is judged by a classifier that has not seen it."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

from augsynth.classifier.inputs import classes_in
from augsynth.classifier.training import train_classifier
from augsynth.core.checks import check_integer, check_seed
from augsynth.core.typing import Ints, Singles
from augsynth.errors import ArgumentError


def fold_numbers(labels: Ints, folds: int, *, groups: Ints | None = None, seed: int = 0) -> Ints:
    """Return the fold of each item, int64 (n,), in [0, folds); each class is spread evenly over the folds.

    Args:
        labels: class of each item, int64 (n,).
        folds: number of folds, at least 2.
        groups: number of the group of each item, (n,); a group, such as duplicates of one image, stays in one fold.
            None (default) for no groups.
        seed: 64-bit seed; default 0.
    """
    folds = check_integer("folds", folds, 2)
    rng = np.random.default_rng(check_seed(seed) % 2**64)
    _, firsts, member = np.unique(
        np.arange(len(labels)) if groups is None else groups, return_index=True, return_inverse=True
    )
    of_group = np.empty(len(firsts), np.int64)
    for label in np.unique(labels[firsts]):
        members = rng.permutation(np.flatnonzero(labels[firsts] == label))
        of_group[members] = (np.arange(len(members)) + rng.integers(folds)) % folds
    return of_group[member]


def out_of_fold(
    images: Tensor,
    labels: Ints,
    *,
    folds: int = 4,
    groups: Ints | None = None,
    seed: int = 0,
    **training: Any,
) -> Singles:
    """Return the probabilities of each item by a classifier that was trained on the other folds, float32 (n, K).

    Args:
        images: uint8 (n, C, H, W).
        labels: class of each item, int64 (n,).
        folds: number of folds, at least 2; default 4.
        groups: number of the group of each item, (n,), which stays in one fold; None (default) for no groups.
        seed: 64-bit seed of the folds and of training; default 0.
        training: arguments of `train_classifier`, such as `steps`.
    """
    folds = min(check_integer("folds", folds, 2), len(labels))
    if folds < 2:
        raise ArgumentError(f"predictions out of fold need at least 2 items, got {len(labels)}")
    classes, fold = classes_in(labels), fold_numbers(labels, folds, groups=groups, seed=seed)
    probabilities = np.empty((len(labels), classes), np.float32)
    for number in np.unique(fold):
        others, own = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        if not len(others):
            raise ArgumentError("all items are of one group: no other fold is left to train on")
        trained = train_classifier(images[others], labels[others], num_classes=classes, seed=seed, **training)
        probabilities[own] = trained.probabilities(images[own])
    return probabilities
