"""Scores of features agree with torchmetrics and with prdc, on the same features."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from augsynth.errors import ArgumentError
from augsynth.evaluate import feature_likelihood_divergence
from augsynth.evaluate.feature_scores import (
    coverage,
    density,
    frechet_distance,
    kernel_distance,
    precision,
    recall,
)

WITHIN = 1e-4


class Identity(nn.Module):
    """Features as they are given, in the form that torchmetrics takes networks."""

    num_features = 8

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return features


@pytest.fixture(params=range(3))
def features(request: pytest.FixtureRequest) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(request.param)
    mixed = rng.normal(size=(8, 8))
    return rng.normal(size=(120, 8)) @ mixed, rng.normal(0.3, 1.2, size=(90, 8)) @ mixed


def test_distances_are_those_of_torchmetrics(features) -> None:
    fid, kid = (pytest.importorskip(f"torchmetrics.image.{name}", reason="not installed") for name in ("fid", "kid"))
    real, made = (torch.from_numpy(part) for part in features)
    frechet = fid.FrechetInceptionDistance(feature=Identity()).set_dtype(torch.float64)
    frechet.update(real, real=True)
    frechet.update(made, real=False)
    assert frechet_distance(*features) == pytest.approx(float(frechet.compute()), rel=WITHIN)
    size = min(len(real), len(made))
    kernel = kid.KernelInceptionDistance(feature=Identity(), subsets=1, subset_size=size)
    kernel.update(real[:size], real=True)
    kernel.update(made, real=False)
    expected, _ = kernel.compute()
    assert kernel_distance(features[0][:size], features[1]) == pytest.approx(float(expected), rel=WITHIN)


def test_shares_are_those_of_prdc(features) -> None:
    prdc = pytest.importorskip("prdc", reason="prdc is not installed")
    real, made = features
    three = prdc.compute_prdc(real_features=real, fake_features=made, nearest_k=3)
    five = prdc.compute_prdc(real_features=real, fake_features=made, nearest_k=5)
    assert precision(real, made) == pytest.approx(three["precision"], abs=WITHIN)
    assert recall(real, made) == pytest.approx(three["recall"], abs=WITHIN)
    assert density(real, made) == pytest.approx(five["density"], abs=WITHIN)
    assert coverage(real, made) == pytest.approx(five["coverage"], abs=WITHIN)


def test_shares_follow_the_formulas_that_prdc_publishes(features) -> None:
    """prdc is an old package that is seldom installed; these are its definitions (Naeem et al., ICML 2020)."""
    real, made = features

    def apart(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.linalg.norm(a[:, None] - b[None], axis=2)

    def radii(points: np.ndarray, k: int) -> np.ndarray:
        return np.sort(apart(points, points), axis=1)[:, k]

    between = apart(real, made)
    assert precision(real, made) == pytest.approx((between < radii(real, 3)[:, None]).any(0).mean(), abs=WITHIN)
    assert recall(real, made) == pytest.approx((between < radii(made, 3)[None]).any(1).mean(), abs=WITHIN)
    assert density(real, made) == pytest.approx((between < radii(real, 5)[:, None]).sum(0).mean() / 5, abs=WITHIN)
    assert coverage(real, made) == pytest.approx((between.min(1) < radii(real, 5)).mean(), abs=WITHIN)


def _clusters(seed: int, n: int = 200, shift: float = 0.0) -> np.ndarray:
    """Points of two clusters."""
    points = np.random.default_rng(seed).normal(shift, 1.0, (n, 4))
    points[::2] += 8
    return points


def test_the_likelihood_divergence_is_high_for_copies_for_missing_clusters_and_for_shifted_samples() -> None:
    training, test = _clusters(0), _clusters(1)
    divergence = {
        name: feature_likelihood_divergence(training, test, samples)
        for name, samples in {
            "real": _clusters(2),
            "one cluster": _clusters(3)[::2],
            "shifted": _clusters(4, shift=3.0),
            "copied": training,
        }.items()
    }
    assert abs(divergence["real"]) < 10
    assert min(value for name, value in divergence.items() if name != "real") > divergence["real"] + 10


def test_the_likelihood_divergence_does_not_depend_on_scale_and_place() -> None:
    sets = _clusters(0), _clusters(1), _clusters(2)
    moved = [5 + 3 * features for features in sets]
    assert feature_likelihood_divergence(*moved) == pytest.approx(feature_likelihood_divergence(*sets), abs=1e-6)


def test_features_without_meaning_are_refused() -> None:
    with pytest.raises(ArgumentError, match="shapes"):
        feature_likelihood_divergence(_clusters(0), _clusters(1), _clusters(2)[:, :2])
    with pytest.raises(ArgumentError, match="at least 4 training"):
        feature_likelihood_divergence(_clusters(0)[:3], _clusters(1), _clusters(2))
    with pytest.raises(ArgumentError, match="not all equal"):
        feature_likelihood_divergence(_clusters(0), np.ones((5, 4)), _clusters(2))
