"""Recipes of the sweep: the training sets that they make, and what a task must offer for them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier

from augsynth.data import SyntheticPool
from augsynth.data.loading.datasets import ImageData, load_dataset
from augsynth.errors import ArgumentError
from augsynth.evaluate import Given, ScikitLearn, SmallCNN, SweepSettings, Varied, sweep
from augsynth.evaluate.pipelines import plain_pipeline
from augsynth.evaluate.sweeping.recipes import RECIPES, Ingredients
from augsynth.evaluate.sweeping.sources import OwnData
from augsynth.generators import Samples, create_generator

QUICK = SweepSettings(per_class=5, policies=("none",), ratios=(0.5,), seeds=2, confirm_seeds=2, workers=1)


@pytest.fixture(scope="module")
def digits() -> ImageData:
    return load_dataset("digits", test_fraction=0.25)


@pytest.fixture(scope="module")
def few(digits) -> ImageData:
    return digits.draw_per_class(6, 0)


def part(data: ImageData, labels, renumbered: bool = True) -> ImageData:
    """Images of some classes, numbered from 0."""
    chosen = data.take(np.flatnonzero(np.isin(data.labels, labels)))
    names = tuple(data.class_names[label] for label in labels)
    return replace(chosen, labels=np.searchsorted(labels, chosen.labels), class_names=names)


def made(name, real, pool, ratio=0.5, task=None, **more):
    task = task or ScikitLearn(GaussianNB)
    return RECIPES[name].make(Ingredients(real, pool, ratio, plain_pipeline(), 0, task, **more))


def sources(mix, epoch=0):
    mix.set_epoch(epoch)
    return [mix.source(i) for i in range(len(mix))]


@pytest.mark.parametrize(("name", "stored"), [("selected", True), ("matched", False)])
def test_selected_samples_are_three_quarters_of_each_class(few, digits, name, stored, tmp_path):
    pool = digits.draw_per_class(8, 1)
    if stored:
        pool = SyntheticPool.import_images(tmp_path / "pool", (pool.images, pool.labels), progress=False)
    mix = made(name, few, pool)
    assert np.bincount(mix.synthetic.labels).tolist() == [6] * 10
    assert sum(source.synthetic for source in sources(mix)) == 30
    if stored:
        assert len(SyntheticPool.open(tmp_path / "pool").selections) == 1


def test_the_weight_of_the_samples_is_the_ratio_and_all_real_images_are_there(few, digits):
    mix = made("weighted", few, digits, ratio=0.2)
    assert len(mix) == 120
    of_real, of_samples = (
        sum(float(mix[i][2]) for i, source in enumerate(sources(mix)) if source.synthetic == kind)
        for kind in (False, True)
    )
    assert of_samples / (of_real + of_samples) == pytest.approx(0.2)
    assert RECIPES["weighted"].replaced(None) == {}


def test_weights_reach_estimators_that_take_them(few, digits):
    wrong = replace(digits, labels=(digits.labels + 1) % 10)
    scores = {
        ratio: ScikitLearn(GaussianNB, epochs=2).score(made("weighted", few, wrong, ratio), digits.test, seed=0)
        for ratio in (0.01, 0.99)
    }
    assert scores[0.01]["accuracy"] > 0.5 > scores[0.99]["accuracy"]
    with pytest.raises(TypeError, match="sample_weight"):
        ScikitLearn(KNeighborsClassifier).score(made("weighted", few, wrong), digits.test, seed=0)


@pytest.mark.parametrize("task", [ScikitLearn(GaussianNB), ScikitLearn(RidgeClassifier), SmallCNN(steps=20, width=4)])
def test_auxiliary_classes_are_learned_beside_the_real_ones_and_are_no_answers(digits, task):
    mine, others = part(digits, [5, 6, 7, 8, 9]).draw_per_class(6, 0), part(digits, [0, 1, 2])
    mix = made("auxiliary", mine, others, task=task)
    assert mix.label_space.num_classes == 8
    labels = [int(label) for epoch in range(4) for _, label in (mix.set_epoch(epoch), [*mix])[1]]
    assert sorted(set(labels)) == list(range(8))
    assert sum(label >= 5 for label in labels) == 60
    scores = task.score(mix, part(digits.test, [5, 6, 7, 8, 9]), seed=0)
    assert set(scores) >= {"accuracy", *(f"recall {label}" for label in range(5))}
    outputs = task.train(mix, num_classes=8, seed=0)(np.moveaxis(mine.images, -1, 1))
    assert np.asarray(outputs).shape in {(30,), (30, 8)}


def test_a_sweep_with_a_generator_of_other_classes_asks_for_no_recipe(digits, class_mean, tmp_path):
    mine, others = part(digits, [5, 6, 7, 8, 9]), part(digits, [0, 1, 2])
    mine = replace(mine, test=part(digits.test, [5, 6, 7, 8, 9]))
    generator = create_generator(class_mean)
    generator.fit(others, steps=1, progress=False)
    generator.save(tmp_path / "old")
    source = Given(str(tmp_path / "old"), kind="auxiliary")
    assert np.bincount(source.pool(mine, 0, tmp_path).labels).tolist() == [200] * 3
    found = sweep(mine, {"old": source}, task=ScikitLearn(GaussianNB), settings=QUICK, progress=False)
    assert [arm.recipe for arm in found.synthetic] == ["auxiliary"]
    both = {"old": source, "own": OwnData(class_mean, steps=1, per_class=4)}
    found = sweep(mine, both, task=ScikitLearn(GaussianNB), settings=QUICK, progress=False)
    assert {(arm.source, arm.recipe) for arm in found.synthetic} == {("old", "auxiliary"), ("own", "pool")}
    settings = replace(QUICK, recipes=("pool",))
    with pytest.raises(ArgumentError, match="kind 'auxiliary'; name a recipe for them: auxiliary"):
        sweep(mine, {"old": source}, task=ScikitLearn(GaussianNB), settings=settings, progress=False)


class Darker:
    """A generator that varies images by making them darker, and counts its calls."""

    calls = 0
    digest = staticmethod(lambda: "darker")

    @classmethod
    def vary(cls, images, strength, labels, *, seed):
        cls.calls += 1
        return Samples((images * (1 - strength)).to(images.dtype), labels)


def test_versions_of_an_image_stand_side_by_side_from_weak_to_strong_and_are_made_once(few, tmp_path, monkeypatch):
    monkeypatch.setattr("augsynth.evaluate.sweeping.sources.load_generator", lambda path: Darker)
    source = Varied("somewhere", strengths=(0.25, 0.5))
    pool = source.pool(few, 0, tmp_path)
    np.testing.assert_array_equal(pool.labels, np.repeat(few.labels, 2))
    first, second = (np.asarray(pool.take([k]).images).reshape(8, 8) for k in (6, 7))
    np.testing.assert_array_equal(first, (few.images[3, ..., 0] * 0.75).astype(np.uint8))
    np.testing.assert_array_equal(second, (few.images[3, ..., 0] * 0.5).astype(np.uint8))
    assert len(source.pool(few, 0, tmp_path)) == 120
    assert Darker.calls == 2
    with pytest.raises(ArgumentError, match="strengths must rise"):
        Varied("somewhere", strengths=(0.5, 0.2))


@pytest.mark.parametrize("stored", [True, False])
def test_versions_replace_their_own_image_and_a_curriculum_goes_from_strong_to_weak(few, stored, tmp_path):
    versions = replace(few, images=np.repeat(few.images, 3, 0), labels=np.repeat(few.labels, 3))
    versions.images[:, 0, 0, 0] = np.arange(180) % 3
    if stored:
        versions = SyntheticPool.import_images(tmp_path, (versions.images, versions.labels), progress=False)
    mix = made("varied pairs", few, versions)
    assert sum(source.synthetic for source in sources(mix)) == 30
    mix = made("curriculum", few, versions, task=ScikitLearn(GaussianNB, epochs=5))
    used = [{source.name for source in sources(mix, epoch) if source.synthetic} for epoch in (0, 2, 4)]
    assert used == [{"2"}, {"1"}, {"0"}]
    level = {round(float(mix[i][0][0, 0, 0]) * 255) for i, source in enumerate(sources(mix, 4)) if source.synthetic}
    assert level == {0}


def test_a_curriculum_needs_several_strengths_and_a_number_of_epochs(few):
    with pytest.raises(ArgumentError, match="several strengths"):
        made("curriculum", few, few)
    assert SmallCNN(steps=100, batch_size=16).epochs_for(50) == 34
