"""Scores of generated images by their features, by name: each is one function of real and of generated features.

Features are arrays (n, D) of any network. Scores of different networks cannot be compared, and scores of different
numbers of images can be compared only roughly: show the score of real against other real images beside them, for as
many images.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from augsynth.errors import ArgumentError
from augsynth.evaluate.metrics import Metric, metric

Features = NDArray[np.float64]

FEATURE_SCORES: dict[str, Metric] = {}
"""All scores, by the names of their functions, in the order of their columns: `score(real, generated)`."""


@metric("FD", FEATURE_SCORES)
def frechet_distance(real: ArrayLike, generated: ArrayLike) -> float:
    """Compute the Fréchet distance between two Gaussians with the means and covariances of the features, at least 0.

    |μ₁ − μ₂|² + tr(Σ₁ + Σ₂ − 2 (Σ₁ Σ₂)^½). Heusel et al., "GANs trained by a two time-scale update rule converge to a
    local Nash equilibrium", NeurIPS 2017. It is called FID only with the features of their Inception network.

    Args:
        real: features of real images, (n, D), n at least 2.
        generated: features of generated images, (m, D), m at least 2.

    >>> frechet_distance([[0.0], [2.0]], [[3.0], [5.0]])
    9.0
    """
    first, second = _paired_features(real, generated, least=2)
    shift = first.mean(0) - second.mean(0)
    one, two = (np.atleast_2d(np.cov(features, rowvar=False)) for features in (first, second))
    # tr (Σ₁ Σ₂)^½ is the sum of the roots of the eigenvalues of Σ₁^½ Σ₂ Σ₁^½, which is symmetric.
    values, vectors = np.linalg.eigh(one)
    root = vectors * np.sqrt(values.clip(min=0)) @ vectors.T
    cross = np.sqrt(np.linalg.eigvalsh(root @ two @ root).clip(min=0)).sum()
    return float(max(shift @ shift + np.trace(one) + np.trace(two) - 2 * cross, 0.0))


@metric("KD", FEATURE_SCORES)
def kernel_distance(real: ArrayLike, generated: ArrayLike) -> float:
    """Compute the unbiased squared maximum mean discrepancy with the kernel (x·y / D + 1)³. It may be below 0.

    Bińkowski et al., "Demystifying MMD GANs", ICLR 2018. It is called KID only with the features of Inception.

    Args:
        real: features of real images, (n, D), n at least 2.
        generated: features of generated images, (m, D), m at least 2.
    """
    first, second = _paired_features(real, generated, least=2)

    def kernel(a: Features, b: Features) -> Features:
        result: Features = (a @ b.T / a.shape[1] + 1) ** 3
        return result

    def within(features: Features) -> float:
        values, n = kernel(features, features), len(features)
        return float((values.sum() - np.trace(values)) / (n * (n - 1)))

    return within(first) + within(second) - 2 * float(kernel(first, second).mean())


@metric("precision", FEATURE_SCORES)
def precision(real: ArrayLike, generated: ArrayLike) -> float:
    """Return the share of generated images that lie among the real ones, in [0, 1]: are they realistic?

    A point lies among others if it is not further from one of them than its third neighbour among them is.
    Kynkäänniemi et al., "Improved precision and recall metric for assessing generative models", NeurIPS 2019.

    Args:
        real: features of real images, (n, D), n at least 4.
        generated: features of generated images, (m, D), m at least 1.
    """
    first, second = _paired_features(real, generated, least=4, least_second=1)
    return float((distances(second, first) <= _radii(first, 3)).any(1).mean())


@metric("recall", FEATURE_SCORES)
def recall(real: ArrayLike, generated: ArrayLike) -> float:
    """Return the share of real images that lie among the generated ones, in [0, 1]: is everything covered?

    It is `precision` with the roles exchanged (Kynkäänniemi et al., NeurIPS 2019).

    Args:
        real: features of real images, (n, D), n at least 1.
        generated: features of generated images, (m, D), m at least 4.
    """
    return precision(generated, real)


@metric("density", FEATURE_SCORES)
def density(real: ArrayLike, generated: ArrayLike) -> float:
    """Compute the mean number of real images around a generated one, divided by 5. It is near 1 for real images.

    An image is around another one if that is not further from it than its fifth neighbour. Unlike `precision` it does
    not depend on single outliers. Naeem et al., "Reliable fidelity and diversity metrics for generative models", ICML
    2020.

    Args:
        real: features of real images, (n, D), n at least 6.
        generated: features of generated images, (m, D), m at least 1.
    """
    first, second = _paired_features(real, generated, least=6, least_second=1)
    return float((distances(second, first) <= _radii(first, 5)).sum(1).mean() / 5)


@metric("coverage", FEATURE_SCORES)
def coverage(real: ArrayLike, generated: ArrayLike) -> float:
    """Return the share of real images with a generated one no further than their fifth neighbour, in [0, 1].

    Naeem et al., "Reliable fidelity and diversity metrics for generative models", ICML 2020.

    Args:
        real: features of real images, (n, D), n at least 6.
        generated: features of generated images, (m, D), m at least 1.
    """
    first, second = _paired_features(real, generated, least=6, least_second=1)
    return float((distances(second, first).min(0) <= _radii(first, 5)).mean())


def distances(a: Features, b: Features) -> Features:
    """Compute the Euclidean distances of all pairs, (n, m).

    Args:
        a: points, (n, D).
        b: points, (m, D).

    >>> distances(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0]])).tolist()
    [[5.0]]
    """
    squares = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T
    result: Features = np.sqrt(squares.clip(min=0))
    return result


def _radii(points: Features, k: int) -> Features:
    """Return the distance of each point to its k-th neighbour among the others."""
    apart = distances(points, points)
    # The distance of a point to itself, which rounding may move off 0, is no neighbour's.
    np.fill_diagonal(apart, -1.0)
    return np.partition(apart, k, axis=1)[:, k]


def _paired_features(
    real: ArrayLike, generated: ArrayLike, *, least: int, least_second: int | None = None
) -> tuple[Features, Features]:
    first, second = (np.asarray(features, np.float64) for features in (real, generated))
    shapes = f"{first.shape} and {second.shape}"
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1] or first.shape[1] == 0:
        raise ArgumentError(f"features must be (n, D) and (m, D), got shapes {shapes}")
    if len(first) < least or len(second) < (least if least_second is None else least_second):
        raise ArgumentError(f"this score needs more images (at least {least} real ones), got shapes {shapes}")
    for name, features in (("real", first), ("generated", second)):
        if not np.isfinite(features).all():
            raise ArgumentError(f"the {name} features hold values that are not finite")
    return first, second


def feature_scores(real: ArrayLike, generated: ArrayLike) -> dict[str, float]:
    """Compute all scores of `FEATURE_SCORES`, by name.

    Args:
        real: features of real images, (n, D), n at least 6.
        generated: features of generated images, (m, D), m at least 6.
    """
    return {name: each.score(real, generated) for name, each in FEATURE_SCORES.items()}
