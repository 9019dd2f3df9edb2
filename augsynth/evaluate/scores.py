"""What a generator is worth to a classifier (GAN-train, GAN-test), and the statistics to report it with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from augsynth.errors import ArgumentError, PluginError
from augsynth.evaluate.classifier import Classifier, classes_in, train_classifier

if TYPE_CHECKING:
    from augsynth.generators import Samples


class Interval(NamedTuple):
    """A mean with its confidence interval; `low` and `high` are NaN where one value gives no spread."""

    mean: float
    low: float
    high: float

    @property
    def half_width(self) -> float:
        """Half the length of the interval: the number after the ± sign."""
        return (self.high - self.low) / 2


def accuracy(predicted: ArrayLike, actual: ArrayLike) -> float:
    """The share of predictions that are right, in [0, 1].

    >>> accuracy([0, 1, 1], [0, 1, 0])
    0.6666666666666666
    """
    predicted, actual = _paired_labels(predicted, actual)
    return float(np.mean(predicted == actual))


def macro_f1(predicted: ArrayLike, actual: ArrayLike) -> float:
    """The unweighted mean over classes of F1 = 2·TP / (2·TP + FP + FN), in [0, 1].

    The classes are those that occur among the predictions or the actual labels, as in scikit-learn.

    >>> macro_f1([0, 1, 1], [0, 1, 0])
    0.6666666666666666
    """
    predicted, actual = _paired_labels(predicted, actual)
    scores = []
    for label in np.union1d(predicted, actual):
        hits = np.sum((predicted == label) & (actual == label))
        scores.append(2 * hits / (np.sum(predicted == label) + np.sum(actual == label)))
    return float(np.mean(scores))


def gan_train(
    samples: Samples,
    test_images: Any,
    test_labels: ArrayLike,
    *,
    num_classes: int | None = None,
    **training: Any,
) -> float:
    """Accuracy on real test images of a classifier trained on generated samples alone, in [0, 1].

    It falls when samples are wrong, and also when they are right but too alike. GAN-train in Shmelkov et
    al., "How good is my GAN?", ECCV 2018; the Classification Accuracy Score (CAS) of Ravuri & Vinyals,
    "Classification accuracy score for conditional generative models", NeurIPS 2019.
    `training` goes to `train_classifier` (steps, seed, …). Raises `ArgumentError` for samples without labels.
    """
    labels = _labels_of(samples)
    classes = classes_in(labels, test_labels) if num_classes is None else num_classes
    classifier = train_classifier(samples.images, labels, num_classes=classes, **training)
    return accuracy(classifier.predict(test_images), test_labels)


def gan_test(samples: Samples, classifier: Classifier) -> float:
    """The share of samples that a classifier trained on real images puts in their own class, in [0, 1].

    It measures how recognisable samples are and says nothing of their variety: read it beside `gan_train`.
    GAN-test in Shmelkov et al., "How good is my GAN?", ECCV 2018.
    """
    return accuracy(classifier.predict(samples.images), _labels_of(samples))


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """The mean of independent runs with Student's t interval, mean ± t(n−1)·s/√n.

    One value has no spread: its bounds are NaN. Needs scipy (with scikit-learn, in `augsynth[eval]`).

    >>> interval = mean_interval([0.90, 0.92, 0.94])
    >>> print(f"{interval.mean:.2f} ± {interval.half_width:.3f}")
    0.92 ± 0.050
    """
    data = np.asarray(values, dtype=np.float64)
    if data.ndim != 1 or len(data) == 0:
        raise ArgumentError(f"values must be a list of at least one number: got shape {data.shape}")
    if not 0 < confidence < 1:
        raise ArgumentError(f"confidence must lie between 0 and 1, as in 0.95: got {confidence}")
    mean = float(data.mean())
    if len(data) == 1:
        return Interval(mean, math.nan, math.nan)
    half = _student_t((1 + confidence) / 2, len(data) - 1) * float(data.std(ddof=1)) / math.sqrt(len(data))
    return Interval(mean, mean - half, mean + half)


def paired_interval(values: Sequence[float], baseline: Sequence[float], confidence: float = 0.95) -> Interval:
    """The mean of `values − baseline` with Student's paired t interval; position i of both is the same seed.

    A gain is shown when the interval lies above zero. Pairing removes what both owe to the seed's split.

    >>> paired_interval([0.93, 0.92, 0.95], [0.90, 0.90, 0.91]).low > 0
    True
    """
    if len(values) != len(baseline):
        raise ArgumentError(f"a paired comparison needs equal lengths: got {len(values)} and {len(baseline)}")
    return mean_interval(np.subtract(values, baseline).tolist(), confidence)


def _student_t(probability: float, degrees: int) -> float:
    try:
        from scipy.stats import t
    except ImportError as error:
        raise PluginError('confidence intervals need scipy: pip install "augsynth[eval]"') from error
    return float(t.ppf(probability, degrees))


def _paired_labels(predicted: ArrayLike, actual: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    first, second = np.asarray(predicted), np.asarray(actual)
    if first.shape != second.shape or first.ndim != 1 or len(first) == 0:
        raise ArgumentError(f"labels must be two equally long lists: got shapes {first.shape} and {second.shape}")
    return first, second


def _labels_of(samples: Samples) -> NDArray[Any]:
    if samples.labels is None:
        raise ArgumentError("samples have no labels: a class-conditional generator is needed for this score")
    return np.asarray(samples.labels)
