"""Cheap rivals that a sweep tries where they are offered: a given classifier, and images without labels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sweep_doubles import Others

from augsynth.classifier import Classifier, train_classifier
from augsynth.data.loading.datasets import ImageData, load_dataset
from augsynth.errors import ArgumentError
from augsynth.evaluate import ScikitLearn, SmallCNN, SweepSettings, sweep
from augsynth.evaluate.pipelines import plain_pipeline
from augsynth.evaluate.sweeping.arms import Arm, controls, scratch_policy
from augsynth.evaluate.sweeping.recipes import RECIPES, Ingredients

QUICK = SweepSettings(per_class=3, policies=("none", "gentle"), ratios=(0.5,), seeds=2, confirm_seeds=2, workers=1)
TASK = SmallCNN(steps=3, width=4)


@pytest.fixture(scope="module")
def digits() -> ImageData:
    return load_dataset("digits", test_fraction=0.25)


@pytest.fixture(scope="module")
def colleague(digits) -> Classifier:
    images = np.moveaxis(digits.images, -1, 1)
    return train_classifier(images, digits.labels, steps=60, width=4)


def run(data, task=TASK, settings=QUICK, **offered):
    return sweep(data, {"more": Others(data)}, task=task, settings=settings, progress=False, **offered)


def test_a_classifier_is_tried_as_it_is_and_fine_tuned_and_the_best_becomes_the_control(digits, colleague, tmp_path):
    colleague.save(tmp_path, class_names=digits.class_names)
    found = run(digits, classifier=tmp_path)
    assert {arm.recipe for arm in found.controls} == {"plain", "given classifier", "fine-tuned"}
    assert [arm.policy for arm in found.controls if arm.recipe == "given classifier"] == ["none"]
    assert found.verdict.control.recipe in {"given classifier", "fine-tuned"}
    as_it_is = next(scores for arm, scores in found.controls.items() if arm.recipe == "given classifier")
    assert as_it_is[0]["accuracy"] > 0.6
    fine_tuned = run(digits, classifier=tmp_path, settings=replace(QUICK, recipes=("fine-tuned pool",)))
    assert [arm.recipe for arm in fine_tuned.synthetic] == ["fine-tuned pool"]


def test_classes_of_a_classifier_may_stand_in_another_order(digits, colleague):
    names = digits.class_names
    rows = Classifier(colleague._network, colleague.image_shape, 10, names)
    turned = rows.for_classes(names[::-1])
    first, second = (
        run(digits, classifier=given, settings=replace(QUICK, cheap=("given classifier",))) for given in (rows, turned)
    )
    assert list(first.controls.values()) != []
    for one, other in zip(first.controls.values(), second.controls.values(), strict=True):
        assert [s["accuracy"] for s in one] == [s["accuracy"] for s in other]


def test_a_classifier_of_other_classes_is_fine_tuned_alone(digits, colleague):
    other = Classifier(colleague._network, colleague.image_shape, 10, [f"letter {k}" for k in range(10)])
    assert {arm.recipe for arm in run(digits, classifier=other).controls} == {"plain", "fine-tuned"}
    with pytest.raises(ArgumentError, match="'given classifier' needs a classifier of the same classes"):
        run(digits, classifier=other, settings=replace(QUICK, cheap=("given classifier",)))


def test_what_does_not_fit_is_refused_before_anything_runs(digits, colleague):
    small = train_classifier(np.zeros((4, 1, 6, 6), np.uint8), [0, 1, 0, 1], steps=1)
    three = train_classifier(np.zeros((4, 1, 8, 8), np.uint8), [0, 1, 2, 0], steps=1)
    for offered, message in (
        ({"classifier": small}, r"takes images of \(1, 6, 6\)"),
        ({"classifier": three}, "3 classes apart without their names"),
        ({"unlabelled": np.zeros((3, 8, 9), np.uint8)}, "unlabelled images must be uint8"),
        ({"unlabelled": digits.images / 255}, "unlabelled images must be uint8"),
    ):
        with pytest.raises(ArgumentError, match=message):
            run(digits, **offered)
    with pytest.raises(ArgumentError, match="ScikitLearn has no field 'start'"):
        run(digits, task=ScikitLearn(GaussianNB), classifier=colleague)
    for name, message in (("fine-tuned", "give classifier="), ("pseudo-labels", "give unlabelled=")):
        with pytest.raises(ArgumentError, match=message):
            run(digits, settings=replace(QUICK, cheap=(name,)))


def test_pseudo_labels_are_those_that_the_model_is_sure_of(digits):
    real, others = digits.draw_per_class(5, 0), replace(digits.test, labels=np.zeros(len(digits.test), np.int64))

    def joined(task):
        return RECIPES["pseudo-labels"].make(Ingredients(real, None, 0.0, plain_pipeline(), 0, task, others))

    sure, all_of_them = joined(ScikitLearn(GaussianNB)), joined(ScikitLearn(RidgeClassifier))
    assert len(real) < len(sure) < len(all_of_them) == len(real) + len(others)
    added = np.array([label for _, label in [sure.real[i] for i in range(len(real), len(sure))]])
    model = ScikitLearn(GaussianNB).train(
        RECIPES["plain"].make(Ingredients(real, None, 0.0, plain_pipeline(), 0, TASK)), num_classes=10, seed=0
    )
    probabilities = model(np.moveaxis(others.images, -1, 1))
    np.testing.assert_array_equal(added, probabilities.argmax(1)[probabilities.max(1) >= 0.95])


def test_unlabelled_images_are_tried_with_pseudo_labels_and_belong_to_the_key_of_a_trial(digits, tmp_path):
    few = replace(digits.take(np.arange(200)), test=digits.test)
    task = ScikitLearn(GaussianNB, epochs=1)
    found = run(few, task=task, unlabelled=digits.images[200:400], workdir=tmp_path)
    assert {arm.recipe for arm in found.controls} == {"plain", "pseudo-labels"}
    before = len(list((tmp_path / "trials").iterdir()))
    run(few, task=task, unlabelled=digits.take(np.arange(200, 400)), workdir=tmp_path)
    assert len(list((tmp_path / "trials").iterdir())) == before
    run(few, task=task, unlabelled=digits.images[400:600], workdir=tmp_path)
    assert len(list((tmp_path / "trials").iterdir())) > before


def test_synthetic_arms_have_the_policy_that_is_best_without_what_was_given():
    best = [Arm("none", "given classifier"), Arm("gentle", "fine-tuned"), Arm("gentle"), Arm("none")]
    assert scratch_policy(best) == "gentle"
    assert scratch_policy(best[:1]) == "none"
    assert len(controls(["none", "gentle", "strong"], ["plain", "given classifier"])) == 4
