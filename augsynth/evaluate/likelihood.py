"""Feature likelihood divergence: one number for fidelity, diversity and novelty of generated images."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from augsynth.errors import ArgumentError
from augsynth.evaluate.feature_scores import Features, distances

_ROUNDS = 50
_LEAST = 1e-6
"""Least variance of a Gaussian, where a feature of the test images has variance 1."""


def feature_likelihood_divergence(training: ArrayLike, test: ArrayLike, generated: ArrayLike) -> float:
    """Compute how much worse generated images explain unseen test images than real ones do; 0 is as good as real.

    A Gaussian stands on each generated image in the space of features. Their variances are fitted to the training
    images, and the mean negative log-likelihood of the test images, divided by the number of features D, is compared
    with that of half of the training images in the place of the generated ones, times 100. Copies of training images
    get variances near 0 and so explain other images badly: the number is high for poor, narrow and copied images.
    Jiralerspong et al., "Feature likelihood divergence: evaluating the generalization of generative models using
    samples", NeurIPS 2023. They fit by gradient descent, this function by 50 rounds of expectation maximisation.

    Args:
        training: features of the images that a generator was fitted on, (n, D), n at least 4.
        test: features of other real images, (m, D), m at least 2.
        generated: features of generated images, (k, D), k at least 1.

    >>> rng = np.random.default_rng(0)
    >>> training, test, more = (rng.normal(size=(100, 4)) for _ in range(3))
    >>> copies = feature_likelihood_divergence(training, test, training)
    >>> abs(feature_likelihood_divergence(training, test, more)) < 20 < copies
    True
    """
    sets = [np.asarray(features, np.float64) for features in (training, test, generated)]
    _check(sets)
    mean, spread = sets[1].mean(0), sets[1].std(0)
    # A feature that is constant among the test images says nothing about them.
    first, second, third = ((features - mean)[:, spread > 0] / spread[spread > 0] for features in sets)
    order = np.random.default_rng(0).permutation(len(first))
    half = min(len(third), len(first) // 2)
    baseline = _cost(first[order[:half]], first[order[half:]], second)
    return 100 * (_cost(third, first, second) - baseline)


def _check(sets: list[Features]) -> None:
    shapes = ", ".join(str(features.shape) for features in sets)
    if any(features.ndim != 2 or features.shape[1:] != sets[0].shape[1:] for features in sets):
        raise ArgumentError(f"features must be (n, D), (m, D) and (k, D), got shapes {shapes}")
    if any(len(features) < least for features, least in zip(sets, (4, 2, 1), strict=True)):
        raise ArgumentError(f"this score needs at least 4 training, 2 test and 1 generated images, got shapes {shapes}")
    if not all(np.isfinite(features).all() for features in sets) or not sets[1].std(0).any():
        raise ArgumentError("features must be finite, and not all equal among the test images")


def _cost(centres: Features, training: Features, test: Features) -> float:
    """Return the mean negative log-likelihood of the test points, per feature."""
    logs = _log_densities(distances(test, centres) ** 2, _variances(centres, training), test.shape[1])
    return float(-np.logaddexp.reduce(logs, axis=1).mean() / test.shape[1])


def _variances(centres: Features, training: Features) -> Features:
    """Return the variance of each Gaussian that makes the training points likely."""
    squares, size = distances(training, centres) ** 2, training.shape[1]
    variances: Features = squares.min(0) / size + _LEAST
    for _ in range(_ROUNDS):
        logs = _log_densities(squares, variances, size)
        shares = np.exp(logs - np.logaddexp.reduce(logs, axis=1, keepdims=True))
        weights = shares.sum(0)
        fitted = (shares * squares).sum(0) / (size * weights.clip(min=1e-12))
        # A Gaussian that explains no training point keeps its variance.
        variances = np.maximum(np.where(weights > 1e-12, fitted, variances), _LEAST)
    return variances


def _log_densities(squares: Features, variances: Features, size: int) -> Features:
    """Return log(N(point; centre, variance) / number of centres) for all pairs, (points, centres)."""
    result: Features = -0.5 * squares / variances - 0.5 * size * np.log(2 * np.pi * variances) - np.log(len(variances))
    return result
