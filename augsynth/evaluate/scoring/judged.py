"""Images under judgement: all that a score of generated images may look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor
from torch.nn import functional as F

from augsynth.classifier import Classifier
from augsynth.evaluate.feature_scores import Features
from augsynth.evaluate.inputs import ImageSet

FeatureFunction = Callable[[Tensor], ArrayLike]
"""Function of images, uint8 (n, C, H, W), that returns their features, (n, D)."""


@dataclass(frozen=True, eq=False)
class Judged:
    """Images under judgement, and the real ones that they are compared with.

    Args:
        samples: the images to judge, n of them.
        lessons: images of the same origin that a classifier learns from, m of them.
        reference: n real images to compare with, which no generator and no judge has seen.
        training: real images that the generator was fitted on.
        known: at most 5,000 of them, for comparisons whose cost grows with their number.
        test: all real images that no generator and no judge has seen.
        others: n further real test images; they take the place of the samples for the floor.
        extract: function of images that returns their features; it remembers them.
        judge: classifier that was trained on `training`; None without classes.
        steps: training steps of a classifier.
        seed: seed of all random choices.
    """

    samples: ImageSet
    lessons: ImageSet
    reference: ImageSet
    training: ImageSet
    known: ImageSet
    test: ImageSet
    others: ImageSet
    extract: FeatureFunction
    judge: Classifier | None
    steps: int
    seed: int

    @property
    def floor(self) -> Judged:
        """The same with other real images in the place of the samples."""
        rows = np.random.default_rng(self.seed).permutation(len(self.training))[: len(self.lessons)]
        return replace(self, samples=self.others, lessons=self.training.take(np.sort(rows)))

    @property
    def num_classes(self) -> int:
        """Number of classes; 1 without labels."""
        sets = (self.lessons, self.training, self.test)
        return max(1 if part.labels is None else int(part.labels.max()) + 1 for part in sets)

    @property
    def sample_features(self) -> Features:
        """Features of the samples, (n, D)."""
        return self._features(self.samples)

    @property
    def reference_features(self) -> Features:
        """Features of the reference, (n, D)."""
        return self._features(self.reference)

    @property
    def training_features(self) -> Features:
        """Features of the known training images, (k, D)."""
        return self._features(self.known)

    def _features(self, part: ImageSet) -> Features:
        return np.asarray(self.extract(part.images), np.float64)


def pixel_features(images: Tensor) -> Any:
    """Return the pixels of images that are reduced to at most 16x16, in [0, 1], (n, D).

    Args:
        images: uint8 (n, C, H, W).
    """
    side = min(16, *images.shape[2:])
    return F.adaptive_avg_pool2d(images.float().div(255), side).flatten(1).numpy()
