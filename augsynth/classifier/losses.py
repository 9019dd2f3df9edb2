"""Loss of the classifier: cross-entropy, with a weight for each item and an adjustment for rare classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import Dataset

from augsynth.classifier.inputs import Sized
from augsynth.core.checks import check_number
from augsynth.errors import ArgumentError


class WeightedItems(Dataset[Any]):
    """Data set of (image, label, weight).

    Args:
        items: data set of (image, label, …).
        weights: (n,) finite numbers of at least 0, of which one is larger; they are divided by their mean, so that the
            learning rate keeps its meaning.
    """

    def __init__(self, items: Sized, weights: ArrayLike | Tensor) -> None:
        given = np.asarray(weights, np.float64)
        if given.shape != (len(items),) or not np.isfinite(given).all() or given.min() < 0 or not given.any():
            raise ArgumentError(
                f"item_weights must be a finite number of at least 0 for each of {len(items)} items, and one above 0, "
                f"got shape {given.shape}"
            )
        self._items = items
        self._weights = torch.from_numpy((given / given.mean()).astype(np.float32))

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> tuple[Any, Any, Tensor]:
        image, label = self._items[index][:2]
        return image, label, self._weights[index]

    def set_epoch(self, epoch: int) -> None:
        """Tell the data set its epoch, if it has one."""
        if hasattr(self._items, "set_epoch"):
            self._items.set_epoch(epoch)


def prior_scores(strength: float, counts: ArrayLike | Tensor | None, num_classes: int) -> Tensor | None:
    """Return τ · log π, float32 (K,), which is added to the scores in training only; None if τ is 0.

    Rare classes then have to win by a larger margin. Menon et al., "Long-tail learning via logit adjustment", ICLR
    2021.

    Args:
        strength: τ, at least 0; 1 gives balanced errors.
        counts: number of items of each class in training, (K,); a class without items counts as one item.
        num_classes: number K of classes.
    """
    if check_number("logit_adjust", strength, 0.0) == 0:
        return None
    if counts is None:
        raise ArgumentError("logit_adjust needs class_counts for a data set: its labels are not read in advance")
    found = np.asarray(counts, np.float64)
    if found.shape != (num_classes,) or not np.isfinite(found).all() or found.min() < 0 or not found.any():
        raise ArgumentError(f"class_counts must be a number for each of {num_classes} classes, got {counts}")
    shares = found.clip(min=1.0) / found.sum()
    return torch.from_numpy((strength * np.log(shares)).astype(np.float32))


def training_loss(scores: Tensor, target: Tensor, weights: Tensor | None, prior: Tensor | None) -> Tensor:
    """Compute the mean cross-entropy of a batch, each item times its weight.

    Args:
        scores: float32 (n, K).
        target: classes, (n,).
        weights: float32 (n,), or None for 1.
        prior: (K,) scores that are added, or None.
    """
    adjusted = scores if prior is None else scores + prior
    if weights is None:
        return F.cross_entropy(adjusted, target.long())
    return (weights * F.cross_entropy(adjusted, target.long(), reduction="none")).mean()


def weights_among(rest: Sequence[Any]) -> Tensor | None:
    """Return the weights of the items of a batch, float32 (n,): the first further part, if it holds floats; or None.

    Args:
        rest: what a batch has beside images and labels, such as weights and sources.
    """
    found = rest[0] if rest else None
    return found.float() if isinstance(found, Tensor) and found.is_floating_point() else None
