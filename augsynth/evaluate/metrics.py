"""Metrics of a classifier's predictions, by name: each is one function, which every table and report shows.

`feature_scores` registers its functions in the same way, in a mapping of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from augsynth.errors import ArgumentError

Score = Callable[[ArrayLike, ArrayLike], float]


class Metric(NamedTuple):
    """Function of two arrays that gives one number, `score(a, b)`, and the `title` that heads its column in tables."""

    title: str
    score: Score


METRICS: dict[str, Metric] = {}
"""All metrics of predictions, by the names of their functions: `score(predicted, actual)` is in [0, 1].

They are in the order of their columns.
"""


MORE_METRICS: dict[str, Metric] = {}
"""Metrics that a sweep also computes, in the form of `METRICS`, and that tables have no column for."""


def metric(title: str, metrics: dict[str, Metric] = METRICS) -> Callable[[Score], Score]:
    """Return a decorator that adds a function to a mapping of metrics.

    Args:
        title: heading of its column in tables.
        metrics: the mapping; default `METRICS`.
    """

    def add(score: Score) -> Score:
        metrics[score.__name__] = Metric(title, score)
        return score

    return add


@metric("accuracy")
def accuracy(predicted: ArrayLike, actual: ArrayLike) -> float:
    """Return the share of predictions that are right, in [0, 1].

    Args:
        predicted: (n,) predicted class of each image, n at least 1.
        actual: (n,) true class of each image.

    >>> accuracy([0, 1, 1], [0, 1, 0])
    0.6666666666666666
    """
    predicted, actual = _paired_labels(predicted, actual)
    return float(np.mean(predicted == actual))


@metric("macro F1")
def macro_f1(predicted: ArrayLike, actual: ArrayLike) -> float:
    """Return the unweighted mean over classes of F1 = 2·TP / (2·TP + FP + FN), in [0, 1].

    The classes are those that occur among the predictions or the true classes, as in scikit-learn.

    Args:
        predicted: (n,) predicted class of each image, n at least 1.
        actual: (n,) true class of each image.

    >>> macro_f1([0, 1, 1], [0, 1, 0])
    0.6666666666666666
    """
    predicted, actual = _paired_labels(predicted, actual)
    scores = []
    for label in np.union1d(predicted, actual):
        hits = np.sum((predicted == label) & (actual == label))
        scores.append(2 * hits / (np.sum(predicted == label) + np.sum(actual == label)))
    return float(np.mean(scores))


@metric("balanced accuracy", MORE_METRICS)
def balanced_accuracy(predicted: ArrayLike, actual: ArrayLike) -> float:
    """Return the unweighted mean over the true classes of the share that is recognised (macro recall), in [0, 1].

    Args:
        predicted: (n,) predicted class of each image, n at least 1.
        actual: (n,) true class of each image.

    >>> balanced_accuracy([0, 0, 0, 1], [0, 0, 1, 1])
    0.75
    """
    predicted, actual = _paired_labels(predicted, actual)
    return float(np.mean([np.mean(predicted[actual == label] == label) for label in np.unique(actual)]))


@metric("macro precision", MORE_METRICS)
def macro_precision(predicted: ArrayLike, actual: ArrayLike) -> float:
    """Return the unweighted mean over classes of the share of predictions that are right, in [0, 1].

    The classes are those that occur among the predictions or the true classes. One that is never predicted counts 0, as
    in scikit-learn.

    Args:
        predicted: (n,) predicted class of each image, n at least 1.
        actual: (n,) true class of each image.

    >>> macro_precision([0, 0, 0, 1], [0, 0, 1, 1])
    0.8333333333333333
    """
    predicted, actual = _paired_labels(predicted, actual)
    labels = np.union1d(predicted, actual)
    chosen = [actual[predicted == label] == label for label in labels]
    return float(np.mean([np.mean(right) if len(right) else 0.0 for right in chosen]))


def _paired_labels(predicted: ArrayLike, actual: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    first, second = np.asarray(predicted), np.asarray(actual)
    if first.shape != second.shape or first.ndim != 1 or len(first) == 0:
        raise ArgumentError(f"labels must be two equally long lists: got shapes {first.shape} and {second.shape}")
    return first, second
