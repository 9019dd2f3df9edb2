"""Doubtful labels: items that a classifier which never saw them puts in another class, with confidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from augsynth.classifier import classes_in, train_classifier
from augsynth.classifier.folds import out_of_fold
from augsynth.core.typing import Ints, Singles
from augsynth.errors import ArgumentError

DEFAULT_STEPS = 300
_AS_SURE = 0.9


@dataclass(frozen=True, eq=False)
class DoubtfulLabels:
    """Result of `find_doubtful_labels`.

    Args:
        items: positions of items with a doubtful label, the most doubtful first, int64 (d,).
        given: their labels, int64 (d,).
        suggested: classes that the classifier puts them in, int64 (d,).
        confidence: probability of the suggested class, float32 (d,).
        agreement: share of all items that the classifier puts in the given class, in [0, 1]. If it is low, the
            classifier knows too little to doubt anything.
    """

    items: Ints
    given: Ints
    suggested: Ints
    confidence: Singles
    agreement: float

    def to_dict(self) -> dict[str, Any]:
        """Return the result, JSON-ready."""
        return {
            "items": self.items.tolist(),
            "given": self.given.tolist(),
            "suggested": self.suggested.tolist(),
            "confidence": [round(float(value), 4) for value in self.confidence],
            "agreement": self.agreement,
        }


def find_doubtful_labels(
    images: Tensor,
    labels: Ints,
    *,
    reference: tuple[Tensor, Ints] | None = None,
    groups: Ints | None = None,
    folds: int = 4,
    steps: int = DEFAULT_STEPS,
    seed: int = 0,
) -> DoubtfulLabels:
    """Find items whose label a classifier doubts that was not trained on them.

    With `reference` (real images, for a pool) one classifier is trained on these alone. Otherwise the items are split
    into folds, and each fold is judged by a classifier of the others. A label is doubtful if another class is the most
    probable one, with at least 0.9 of the mean probability that items of this class have for it (confident learning,
    Northcutt et al., JAIR 2021).

    Args:
        images: uint8 (n, C, H, W).
        labels: class of each item, int64 (n,).
        reference: images and labels of other items that the classifier learns from; None (default) for folds.
        groups: number of the group of each item, (n,): duplicates have one number, and stay in one fold. None
            (default) for no groups.
        folds: number of folds, at least 2; default 4.
        steps: steps of training a classifier; default 300.
        seed: 64-bit seed of folds and training; default 0.
    """
    if len(labels) != len(images):
        raise ArgumentError(f"labels must be one class for each of {len(images)} images, got {len(labels)}")
    if reference is None:
        found = out_of_fold(images, labels, groups=groups, folds=folds, steps=steps, seed=seed)
    else:
        classes = classes_in(labels, reference[1])
        judge = train_classifier(reference[0], reference[1], num_classes=classes, steps=steps, seed=seed)
        found = judge.probabilities(images)
    return _doubtful(found, labels)


def _doubtful(probabilities: Singles, labels: Ints) -> DoubtfulLabels:
    own = probabilities[np.arange(len(labels)), labels]
    sums = np.bincount(labels, own, minlength=probabilities.shape[1])
    usual = sums / np.bincount(labels, minlength=probabilities.shape[1]).clip(min=1)
    suggested = probabilities.argmax(1)
    confidence = probabilities.max(1)
    sure = (confidence >= _AS_SURE * usual[suggested]) & (usual[suggested] > 0)
    items = np.flatnonzero((suggested != labels) & sure)
    items = items[np.argsort(own[items], kind="stable")]
    agreement = float((suggested == labels).mean())
    return DoubtfulLabels(items, labels[items], suggested[items], confidence[items], agreement)
