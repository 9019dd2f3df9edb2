"""How a winner is confirmed: cross-validation, several arms at once, and policies that do not keep classes."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
from scipy.stats import t as student
from sklearn.linear_model import RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier
from sweep_doubles import Others, Recorder

from augsynth import transforms as T
from augsynth.data.loading.datasets import ImageData, load_dataset
from augsynth.errors import ArgumentError
from augsynth.evaluate import ScikitLearn, SweepSettings, mean_interval, sweep
from augsynth.evaluate.sweeping.arms import Arm
from augsynth.evaluate.sweeping.label_safety import check_policies
from augsynth.evaluate.sweeping.policies import pipelines_of
from augsynth.evaluate.sweeping.splits import Repetition, draw_fold
from augsynth.evaluate.sweeping.trials import Laboratory
from augsynth.evaluate.sweeping.verdict import verdict_of

QUICK = SweepSettings(per_class=5, policies=("none",), ratios=(0.25, 0.5), seeds=2, confirm_seeds=2, workers=1)


@pytest.fixture(scope="module")
def digits() -> ImageData:
    return load_dataset("digits", test_fraction=0.25)


def ridge(**options) -> ScikitLearn:
    return ScikitLearn(RidgeClassifier, epochs=1, **options)


def test_the_folds_divide_the_test_part_and_the_others_join_the_training_images(digits):
    folds = [draw_fold(digits, 4, Repetition(7, number)) for number in range(4)]
    tested = [image.tobytes() for fold in folds for image in fold.test.images]
    assert sorted(tested) == sorted(image.tobytes() for image in digits.test.images)
    for fold in folds:
        assert len(fold) + len(fold.test) == len(digits) + len(digits.test)
        assert np.bincount(fold.test.labels).min() >= np.bincount(digits.test.labels).min() // 4
    assert draw_fold(digits, 4, Repetition(7)) is digits
    other = draw_fold(digits, 4, Repetition(8, 0))
    assert not np.array_equal(other.test.images, folds[0].test.images)
    with pytest.raises(ArgumentError, match="cannot be divided into 500 folds"):
        draw_fold(digits, 500, Repetition(0, 0))


def test_a_cross_validation_tests_every_image_of_the_test_part_once_a_seed_and_trains_on_none_of_its_fold(digits):
    log = []
    settings = replace(QUICK, folds=3)
    found = sweep(digits, {"more": Others(digits)}, task=Recorder(log), settings=settings, progress=False)
    test = {image.tobytes() for image in digits.test.images}
    confirming = [entry for entry in log if entry[0] in settings.confirming]
    assert len(confirming) == 2 * 3 * settings.confirm_seeds
    assert all(not real & scored for _, real, scored in confirming)
    for seed in settings.confirming:
        scored = [parts for which, _, parts in confirming if which == seed]
        assert set.union(*scored) == test
    assert all(not (real | scored) & test for seed, real, scored in log if seed in settings.choosing)
    assert [len(scores) for scores in found.confirmed.values()] == [6, 6]


def test_the_interval_of_a_cross_validation_is_that_of_nadeau_and_bengio():
    values, ratio = [0.02, 0.05, 0.01, 0.04, 0.03, 0.03], 1 / 9
    interval = mean_interval(values, 0.9, overlap=ratio)
    half = student.ppf(0.95, 5) * np.std(values, ddof=1) * sqrt(1 / 6 + ratio)
    assert interval.mean == pytest.approx(0.03)
    assert interval.half_width == pytest.approx(half)
    assert interval.half_width > mean_interval(values, 0.9).half_width


def test_several_confirmed_arms_have_intervals_that_hold_together(digits):
    scores, control = [0.93, 0.95, 0.97, 0.95], [0.9, 0.9, 0.91, 0.89]
    arms = Arm("none", "pool", 0.5, "more"), Arm("none")
    one, three = (verdict_of(*arms, scores, control, confidence=0.95, arms=n) for n in (1, 3))
    expected = mean_interval(np.subtract(scores, control).tolist(), 1 - 0.05 / 3)
    assert three.difference == pytest.approx(expected)
    assert three.difference.low < one.difference.low
    assert three.sentence.endswith("(for 3 arms together).")
    settings = replace(QUICK, confirm_arms=2)
    found = sweep(digits, {"more": Others(digits)}, task=ridge(), settings=settings, progress=False)
    assert list(found.confirmed) == [*found.synthetic, found.verdict.control]
    assert found.verdict.arms == 2
    means = {arm: np.mean([s["accuracy"] for s in scores]) for arm, scores in found.confirmed.items()}
    assert found.verdict.difference.mean == pytest.approx(means[found.verdict.arm] - means[found.verdict.control])


@pytest.mark.parametrize(("change", "message"), [({"folds": 1}, "folds"), ({"confirm_arms": 0}, "confirm_arms")])
def test_numbers_that_cannot_be_are_refused(change, message):
    with pytest.raises(ArgumentError, match=message):
        replace(QUICK, **change)


def floats(*transforms):
    return T.Compose([*transforms, T.ToDtype("float32", scale=True)])


def laboratory(data, folder, **policies):
    task = ScikitLearn(lambda: KNeighborsClassifier(3), epochs=1)
    pipelines = {**pipelines_of(("none", "gentle", "RandAugment 9"), 1), **policies}
    return Laboratory(data, task, pipelines, {}, {}, {}, None, folder)


def test_a_policy_that_turns_classes_into_others_is_found_and_usual_ones_are_not_blamed(digits, tmp_path):
    upside_down = floats(T.RandomQuarterTurn(2))
    found = check_policies(laboratory(digits, tmp_path, upside_down=upside_down), 0)
    turned = {(turn.label, turn.into) for turn in found["upside_down"].turns}
    assert {(6, 9), (9, 6)} <= turned
    assert all(not found[name].turns for name in ("none", "gentle", "RandAugment 9"))
    assert found["none"].accuracy == found["none"].augmented > 0.9
    assert found["upside_down"].augmented < found["gentle"].augmented


def test_policies_that_change_shapes_or_scales_are_not_judged_and_results_are_stored(digits, tmp_path, monkeypatch):
    policies = {"small": floats(T.CenterCrop(4)), "normal": floats(T.Normalize(0.5, 0.5)), "bytes": T.Compose([])}
    made = laboratory(digits.draw_per_class(20, 0), tmp_path, **policies)
    found = check_policies(made, 0)
    assert list(found) == ["none", "gentle", "RandAugment 9"]
    monkeypatch.setattr(ScikitLearn, "train", lambda *_, **__: pytest.fail("a stored model was trained again"))
    assert check_policies(made, 0) == found


def test_a_caution_names_the_classes_that_a_policy_turns_into_others(digits):
    policies = {"upside down": floats(T.RandomQuarterTurn(2))}
    task = ScikitLearn(lambda: KNeighborsClassifier(3), epochs=1)
    settings = replace(QUICK, policies=policies)
    found = sweep(digits, {"more": Others(digits)}, task=task, settings=settings, progress=False)
    [caution] = [warning for warning in found.warnings if "label-safe" in warning]
    assert "'upside down'" in caution
    assert "'6' into '9'" in caution or "'9' into '6'" in caution
    assert found.to_dict()["label safety"]["upside down"]["turns"]
