"""Scores of features: closed forms, definitions by loops, and what they say about known worlds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import linalg

from augsynth.errors import ArgumentError
from augsynth.evaluate import FEATURE_SCORES, feature_scores
from augsynth.evaluate.feature_scores import (
    coverage,
    density,
    frechet_distance,
    kernel_distance,
    precision,
    recall,
)


def _points(seed: int, n: int = 40, dimensions: int = 5, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1.0, (n, dimensions))


@given(st.integers(0, 1000), st.integers(1, 6))
def test_the_frechet_distance_is_that_of_a_matrix_root(seed: int, dimensions: int) -> None:
    a, b = _points(seed, dimensions=dimensions), 2 * _points(seed + 1, 30, dimensions, shift=1.0)
    one, two = (np.atleast_2d(np.cov(points.T)) for points in (a, b))
    shift = a.mean(0) - b.mean(0)
    expected = shift @ shift + np.trace(one + two - 2 * np.real(linalg.sqrtm(one @ two)))
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)


def test_fewer_images_than_features_are_no_problem() -> None:
    a = _points(0, 4, 20)
    assert frechet_distance(a, a) == pytest.approx(0.0, abs=1e-6)
    assert frechet_distance(a, a + 1) == pytest.approx(20.0, rel=1e-6)


def test_the_kernel_distance_is_that_of_its_definition() -> None:
    a, b = _points(1, 6), _points(2, 5, shift=1.0)

    def mean(x: np.ndarray, y: np.ndarray, same: bool) -> float:
        return float(
            np.mean([(u @ v / 5 + 1) ** 3 for i, u in enumerate(x) for j, v in enumerate(y) if not (same and i == j)])
        )

    assert kernel_distance(a, b) == pytest.approx(mean(a, a, True) + mean(b, b, True) - 2 * mean(a, b, False))


def test_precision_recall_density_and_coverage_are_those_of_their_definitions() -> None:
    real, made = _points(3, 30, 3), _points(4, 25, 3, shift=0.7)

    def radius(points: np.ndarray, i: int, k: int) -> float:
        return float(sorted(np.linalg.norm(points[i] - other) for j, other in enumerate(points) if j != i)[k - 1])

    def inside(points: np.ndarray, others: np.ndarray, k: int) -> np.ndarray:
        radii = [radius(points, i, k) for i in range(len(points))]
        return np.array([[np.linalg.norm(x - p) <= r for p, r in zip(points, radii, strict=True)] for x in others])

    assert precision(real, made) == pytest.approx(inside(real, made, 3).any(1).mean())
    assert recall(real, made) == pytest.approx(inside(made, real, 3).any(1).mean())
    assert density(real, made) == pytest.approx(inside(real, made, 5).sum() / 5 / len(made))
    assert coverage(real, made) == pytest.approx(inside(real, made, 5).any(0).mean())


def test_scores_tell_narrow_from_wide_and_right_from_wrong() -> None:
    real = _points(5, 300)
    worlds = {"same": _points(6, 300), "narrow": 0.1 * _points(7, 300), "far": _points(8, 300, shift=20.0)}
    scores = {name: feature_scores(real, made) for name, made in worlds.items()}
    assert scores["same"]["coverage"] > 0.9
    assert scores["same"]["density"] == pytest.approx(1.0, abs=0.15)
    assert scores["narrow"]["precision"] == 1.0
    assert scores["narrow"]["recall"] < 0.2
    assert scores["far"]["precision"] == scores["far"]["coverage"] == 0.0
    for name in ("frechet_distance", "kernel_distance"):
        assert scores["same"][name] < scores["narrow"][name] < scores["far"][name]


@pytest.mark.parametrize("name", FEATURE_SCORES)
def test_features_that_cannot_be_scored_are_refused(name: str) -> None:
    score, points = FEATURE_SCORES[name].score, _points(9)
    with pytest.raises(ArgumentError, match="shapes"):
        score(points, points[:, :2])
    with pytest.raises(ArgumentError, match="more images"):
        score(points[:1], points[:1])
    with pytest.raises(ArgumentError, match="not finite"):
        score(points, np.where(points > 1, np.nan, points))
