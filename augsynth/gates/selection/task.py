"""The task of a selection: the items of a pool, real images to compare them with, and features of both."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from torch import Tensor

from augsynth.classifier import Classifier, classes_in, train_classifier
from augsynth.classifier.folds import fold_numbers
from augsynth.core.typing import Floats, Ints
from augsynth.errors import ArgumentError
from augsynth.gates.selection.features import Features, features_of

TRAINING_STEPS = 300


@dataclass(frozen=True, eq=False)
class RealImages:
    """Real images with their classes.

    Args:
        images: uint8 (m, C, H, W).
        labels: class of each, int64 (m,).
    """

    images: Tensor
    labels: Ints

    def take(self, positions: Ints) -> RealImages:
        """Return some of the images.

        Args:
            positions: their positions, int64.
        """
        return RealImages(self.images[positions], self.labels[positions])


@dataclass(frozen=True, eq=False)
class SelectionTask:
    """Images to choose from. Classifiers are trained, and features computed, when a recipe first asks for them.

    Args:
        images: images of a pool, uint8 (n, C, H, W).
        labels: class of each, int64 (n,), or None.
        real: real images; None only for recipes that need none.
        features: function of images; None (default) for a classifier of one random half of the real images, which the
            other half, and the pool, are compared by.
        seed: 64-bit seed; default 0.
    """

    images: Tensor
    labels: Ints | None
    real: RealImages | None
    features: Features | None = None
    seed: int = 0

    def require_real(self) -> RealImages:
        """Return the real images; raise `ArgumentError` if there are none."""
        if self.real is None:
            raise ArgumentError("this selection compares with real images: give real=")
        return self.real

    def require_labels(self) -> Ints:
        """Return the labels of the pool; raise `ArgumentError` if it has none."""
        if self.labels is None:
            raise ArgumentError("this selection needs labels, and the pool has none")
        return self.labels

    @property
    def num_classes(self) -> int:
        """Number of classes of the pool and the real images together."""
        real = self.require_real().labels
        return classes_in(real) if self.labels is None else classes_in(self.labels, real)

    def train(self, real: RealImages, **training: Any) -> Classifier:
        """Train a classifier on real images.

        Args:
            real: the images.
            training: arguments of `train_classifier`.
        """
        return train_classifier(real.images, real.labels, num_classes=self.num_classes, seed=self.seed, **training)

    @cached_property
    def compared(self) -> RealImages:
        """Real images whose features are compared: half of them without a function of the user, and otherwise all."""
        real = self.require_real()
        return real.take(np.flatnonzero(self._fold == 1)) if self.features is None else real

    @cached_property
    def pool_features(self) -> Floats:
        """Features of the pool, (n, D)."""
        return features_of(self._function, self.images)

    @cached_property
    def real_features(self) -> Floats:
        """Features of `compared`, (m, D)."""
        return features_of(self._function, self.compared.images)

    @cached_property
    def _function(self) -> Features:
        if self.features is not None:
            return self.features
        learned = self.require_real().take(np.flatnonzero(self._fold == 0))
        return self.train(learned, steps=TRAINING_STEPS).features

    @cached_property
    def _fold(self) -> Ints:
        fold = fold_numbers(self.require_real().labels, 2, seed=self.seed)
        if len(np.unique(fold)) < 2:
            raise ArgumentError("one half of the real images is empty: give more of them, or features=")
        return fold

    def members(self) -> list[Ints]:
        """Return the positions of each class of the pool that occurs; all in one group without labels."""
        if self.labels is None:
            return [np.arange(len(self.images))]
        return [np.flatnonzero(self.labels == label) for label in np.unique(self.labels)]


def count_kept(size: int, keep: float) -> int:
    """Return the number of items of a group that are kept.

    Args:
        size: number of items, at least 1.
        keep: share to keep, in (0, 1].
    """
    return max(1, round(keep * size))
