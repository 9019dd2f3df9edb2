"""Confusion matrices among the scores of a trial, which are numbers by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from augsynth.core.typing import Ints

_PREFIX = "confusion "


def confusion_scores(predicted: ArrayLike, actual: ArrayLike) -> dict[str, float]:
    """Return how many images of a class were put in another one, for all pairs that occur.

    Args:
        predicted: (n,) predicted class of each image.
        actual: (n,) true class of each image.

    >>> confusion_scores([0, 1, 1], [0, 0, 0])
    {'confusion 0 0': 1.0, 'confusion 0 1': 2.0}
    """
    pairs, counts = np.unique(np.stack([np.asarray(actual), np.asarray(predicted)]), axis=1, return_counts=True)
    return {f"{_PREFIX}{a} {p}": float(n) for (a, p), n in zip(pairs.T.tolist(), counts.tolist(), strict=True)}


def without_confusion(scores: Mapping[str, float]) -> dict[str, float]:
    """Return the scores that are not counts of a confusion matrix.

    Args:
        scores: scores of a trial.
    """
    return {name: value for name, value in scores.items() if not name.startswith(_PREFIX)}


def confusion_matrix(trials: Sequence[Mapping[str, float]], num_classes: int) -> Ints | None:
    """Return the counts of all trials together, int64 (K, K): a row for each true class; None if there are none.

    Predictions that are no class are left out.

    Args:
        trials: scores of each trial.
        num_classes: number K of classes.

    >>> confusion_matrix([confusion_scores([0, 1], [0, 0]), confusion_scores([1], [1])], 2).tolist()
    [[1, 1], [0, 1]]
    """
    counts = np.zeros((num_classes, num_classes), np.int64)
    for scores in trials:
        for name in scores.keys() - without_confusion(scores).keys():
            row, column = (int(float(label)) for label in name.removeprefix(_PREFIX).split())
            if 0 <= column < num_classes:
                counts[row, column] += int(scores[name])
    return counts if counts.any() else None
