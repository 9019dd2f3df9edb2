"""Scores against scikit-learn, scipy and cases whose answer is known by construction."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from augsynth.errors import ArgumentError
from augsynth.evaluate import (
    accuracy,
    balanced_accuracy,
    gan_test,
    gan_train,
    macro_f1,
    macro_precision,
    mean_interval,
    paired_interval,
    train_classifier,
)

labels = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=30)
values = st.lists(st.floats(-100, 100), min_size=2, max_size=12)


pytestmark = pytest.mark.usefixtures("one_thread")


def flat(n: int, flipped: bool = False) -> Any:
    """Samples of two classes, dark and bright; with `flipped`, every label is the wrong one."""
    noise = np.random.default_rng(1).integers(0, 50, (n, 1, 8, 8), dtype=np.uint8)
    classes = np.arange(n) % 2
    images = noise + (200 * classes).astype(np.uint8)[:, None, None, None]
    return SimpleNamespace(images=images, labels=1 - classes if flipped else classes)


@settings(deadline=None)
@given(labels)
def test_accuracy_and_f1_agree_with_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    predicted, actual = np.array(pairs).T
    assert accuracy(predicted, actual) == pytest.approx(metrics.accuracy_score(actual, predicted))
    assert macro_f1(predicted, actual) == pytest.approx(metrics.f1_score(actual, predicted, average="macro"))
    precision = metrics.precision_score(actual, predicted, average="macro", zero_division=0)
    assert macro_precision(predicted, actual) == pytest.approx(precision)
    seen = [metrics.recall_score(actual, predicted, labels=[label], average="macro") for label in np.unique(actual)]
    assert balanced_accuracy(predicted, actual) == pytest.approx(np.mean(seen))


def test_gan_train_rises_with_right_samples_and_falls_with_wrong_ones() -> None:
    test = flat(40)
    good = gan_train(flat(40), test.images, test.labels, steps=20)
    bad = gan_train(flat(40, flipped=True), test.images, test.labels, steps=20)
    assert (good, bad) == (1.0, 0.0)


def test_gan_train_copes_with_a_class_that_was_never_sampled() -> None:
    test = flat(40)
    only_dark = SimpleNamespace(images=flat(40).images[::2], labels=np.zeros(20, np.int64))
    assert gan_train(only_dark, test.images, test.labels, steps=5) == 0.5


def test_gan_test_counts_samples_of_the_class_asked_for() -> None:
    real = flat(40)
    classifier = train_classifier(real.images, real.labels, steps=20)
    assert gan_test(flat(40), classifier) == 1.0
    assert gan_test(flat(40, flipped=True), classifier) == 0.0


def test_samples_without_labels_have_no_score() -> None:
    samples = SimpleNamespace(images=flat(4).images, labels=None)
    with pytest.raises(ArgumentError, match="no labels"):
        gan_train(samples, flat(4).images, flat(4).labels, steps=1)


@settings(deadline=None)
@given(values, st.floats(0.5, 0.99))
def test_interval_agrees_with_scipy(numbers: list[float], confidence: float) -> None:
    stats = pytest.importorskip("scipy.stats")
    expected = stats.ttest_1samp(numbers, 0).confidence_interval(confidence) if np.ptp(numbers) else (numbers[0],) * 2
    found = mean_interval(numbers, confidence)
    assert found.mean == pytest.approx(np.mean(numbers))
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=1e-9)
    assert found.half_width == pytest.approx((found.high - found.low) / 2)


def test_one_value_has_a_mean_and_no_bounds() -> None:
    found = mean_interval([0.5])
    assert found.mean == 0.5
    assert math.isnan(found.low)
    assert math.isnan(found.high)


def test_pairing_removes_what_the_seeds_share() -> None:
    baseline = [0.5, 0.7, 0.9]
    gains = paired_interval([0.52, 0.71, 0.92], baseline)
    assert gains.low > 0
    assert mean_interval(baseline).half_width > 10 * gains.half_width


def test_interval_covers_the_true_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    found = [mean_interval(rng.normal(3, 2, 4).tolist(), 0.8) for _ in range(2000)]
    share = np.mean([low <= 3 <= high for _, low, high in found])
    # Five standard errors of a share of 0.8 among 2,000: a false alarm less than once in a million.
    assert share == pytest.approx(0.8, abs=5 * math.sqrt(0.8 * 0.2 / 2000))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: accuracy([0, 1], [0]), "two equally long lists"),
        (lambda: macro_f1([], []), "two equally long lists"),
        (lambda: mean_interval([]), "at least one number"),
        (lambda: mean_interval([1, 2], confidence=95), "between 0 and 1"),
        (lambda: paired_interval([1, 2], [1]), "equal lengths: got 2 and 1"),
    ],
)
def test_bad_input_is_named(call: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        call()
