"""The sweep: what it looks at when, that it continues, and what its verdict rests on."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import unescape
from statistics import fmean

import numpy as np
import pytest
from sklearn.linear_model import RidgeClassifier
from sweep_doubles import Others, Recorder

from augsynth import SyntheticMixDataset
from augsynth import transforms as T
from augsynth.data.loading.datasets import ImageData, load_dataset
from augsynth.errors import ArgumentError, DataError
from augsynth.evaluate import (
    METRICS,
    MORE_METRICS,
    Given,
    OwnData,
    ScikitLearn,
    SmallCNN,
    SweepSettings,
    compare,
    sweep,
    write_report,
)
from augsynth.evaluate.pipelines import plain_pipeline
from augsynth.evaluate.sweeping.arms import Arm
from augsynth.evaluate.sweeping.cautions import warnings_of
from augsynth.evaluate.sweeping.confusion import confusion_matrix, confusion_scores, without_confusion
from augsynth.evaluate.sweeping.recipes import RECIPES, Ingredients
from augsynth.evaluate.sweeping.splits import draw_split
from augsynth.generators import create_generator

QUICK = SweepSettings(per_class=5, policies=("none", "gentle"), ratios=(0.5,), seeds=2, confirm_seeds=3, workers=1)


@pytest.fixture(scope="module")
def digits() -> ImageData:
    return load_dataset("digits", test_fraction=0.25)


@pytest.fixture(scope="module")
def halves(digits) -> tuple[ImageData, ImageData]:
    """Images of the user, with a test part, and images of somebody else."""
    order = np.random.default_rng(0).permutation(len(digits))
    mine, others = (digits.take(np.sort(part)) for part in np.array_split(order, 2))
    return replace(mine, test=digits.test), others


def ridge(**options) -> ScikitLearn:
    return ScikitLearn(RidgeClassifier, **options)


def test_further_real_images_help_and_shifted_classes_hurt(halves):
    mine, others = halves
    settings = replace(QUICK, confirm_seeds=6)
    assert (
        sweep(mine, {"more": Others(others)}, task=ridge(), settings=settings, progress=False).verdict.answer == "helps"
    )
    shifted = Others(replace(others, labels=(others.labels + 1) % 10))
    result = sweep(mine, {"shifted": shifted}, task=ridge(), settings=settings, progress=False)
    assert result.verdict.answer == "hurts"
    assert result.verdict.sentence.startswith("Do not use synthetic data here: -")


def test_the_test_part_is_seen_by_the_confirming_trials_alone_and_by_nothing_that_trains(halves):
    mine, others = halves
    log = []
    sweep(mine, {"more": Others(others)}, task=Recorder(log), settings=QUICK, progress=False)
    test = {image.tobytes() for image in mine.test.images}
    chosen_by = [entry for entry in log if entry[2] != test]
    confirmed = [entry for entry in log if entry[2] == test]
    assert {seed for seed, *_ in chosen_by} == set(QUICK.choosing)
    assert {seed for seed, *_ in confirmed} == set(QUICK.confirming)
    assert not set(QUICK.choosing) & set(QUICK.confirming)
    assert len(confirmed) == 2 * QUICK.confirm_seeds
    by_seed = {seed: real for seed, real, _ in log}
    assert all(real == by_seed[seed] for seed, real, _ in log), "all arms of a seed train on the same images"
    assert all(len(real) == 50 for real in by_seed.values())


def test_the_verdict_is_the_interval_of_the_confirming_trials(halves):
    mine, others = halves
    result = sweep(mine, {"more": Others(others)}, task=ridge(), settings=QUICK, progress=False)
    arm, control = (
        [scores["accuracy"] for scores in result.confirmed[which]]
        for which in (result.verdict.arm, result.verdict.control)
    )
    assert result.verdict.difference.mean == pytest.approx(fmean(arm) - fmean(control))
    assert set(result.confirmed) == {result.verdict.arm, result.verdict.control}
    assert next(iter(result.controls)) == result.verdict.control
    recalls = result.recall_changes()
    counts = np.bincount(mine.test.labels)
    weighted = sum(counts[label] * change for label, change in recalls.items()) / counts.sum()
    assert weighted == pytest.approx(result.verdict.difference.mean)
    for row in result.to_dict()["confirmed"]:
        confusion = np.array(row["confusion"])
        assert confusion.sum(1).tolist() == (counts * QUICK.confirm_seeds).tolist()
        assert np.trace(confusion) / confusion.sum() == pytest.approx(row["means"]["accuracy"])
    assert json.loads(json.dumps(result.to_dict()))["verdict"]["answer"] == result.verdict.answer


def test_a_prediction_that_is_no_class_is_in_no_confusion_matrix():
    scores = confusion_scores([0, 7, -1, 1], [0, 0, 1, 1])
    assert confusion_matrix([scores], 2).tolist() == [[1, 0], [0, 1]]
    assert confusion_matrix([{"accuracy": 0.5}], 2) is None


def test_a_second_sweep_takes_up_the_results_of_the_first(halves, tmp_path, monkeypatch):
    mine, others = halves
    sources = {"more": Others(others)}
    first = sweep(mine, sources, task=ridge(), settings=QUICK, workdir=tmp_path, progress=False)
    monkeypatch.setattr(ScikitLearn, "train", lambda *_, **__: pytest.fail("a stored trial ran again"))
    again = sweep(mine, sources, task=ridge(), settings=QUICK, workdir=tmp_path, progress=False)
    assert again.to_dict()["verdict"] == first.to_dict()["verdict"]
    with pytest.raises(pytest.fail.Exception):
        sweep(mine, sources, task=ridge(epochs=3), settings=QUICK, workdir=tmp_path, progress=False)


def test_a_damaged_result_is_computed_again(halves, tmp_path):
    mine, others = halves
    run = {"task": ridge(), "settings": QUICK, "workdir": tmp_path, "progress": False}
    first = sweep(mine, {"more": Others(others)}, **run)
    files = sorted((tmp_path / "trials").iterdir())
    for file, content in zip(files, ("", "{", "[1]", '{"accuracy": "high"}'), strict=False):
        file.write_text(content)
    assert sweep(mine, {"more": Others(others)}, **run).to_dict()["verdict"] == first.to_dict()["verdict"]


@pytest.mark.slow
def test_workers_give_the_result_of_one_process(halves):
    mine, others = halves
    one, two = (
        sweep(mine, {"more": Others(others)}, task=ridge(), settings=replace(QUICK, workers=n), progress=False)
        for n in (1, 2)
    )
    assert one.to_dict()["confirmed"] == two.to_dict()["confirmed"]


def test_a_generator_is_fitted_once_a_seed_on_the_images_of_the_seed(halves, class_mean, tmp_path, monkeypatch):
    mine, _ = halves
    fitted = []
    create = create_generator

    def spy(name, **options):
        generator = create(name, **options)
        fit = generator.fit
        monkeypatch.setattr(generator, "fit", lambda data, **kw: (fitted.append((kw["seed"], data)), fit(data, **kw)))
        return generator

    monkeypatch.setattr("augsynth.evaluate.sweeping.sources.create_generator", spy)
    source = OwnData(class_mean, steps=2, per_class=4)
    sweep(mine, {"own": source}, task=ridge(), settings=QUICK, workdir=tmp_path, progress=False)
    assert [seed for seed, _ in fitted] == QUICK.choosing + QUICK.confirming
    for seed, data in fitted:
        np.testing.assert_array_equal(data.images, draw_split(mine, 5, seed).real.images)


def test_compare_takes_a_fitted_generator_and_answers_for_each_number_of_images(halves, class_mean):
    mine, others = halves
    generator = create_generator(class_mean)
    generator.fit(others, steps=2, progress=False)
    found = compare(
        mine,
        generator=generator,
        per_class=(3, 5),
        ratios=(0.5,),
        seeds=3,
        task=ridge(),
        settings=QUICK,
        progress=False,
    )
    assert list(found.results) == [3, 5]
    assert [line.split(":")[0] for line in found.verdict.splitlines()] == ["3 a class", "5 a class"]


def test_the_scores_of_the_small_network_have_a_recall_for_each_class(halves):
    mine, _ = halves
    training = SyntheticMixDataset(mine, mine, ratio=0.0, transform=plain_pipeline())
    scores = SmallCNN(steps=2).score(training, mine.test, seed=0)
    assert set(without_confusion(scores)) == {*METRICS, *MORE_METRICS, *(f"recall {label}" for label in range(10))}


def test_policies_of_the_user_and_a_task_without_few_real_images(digits):
    mine = {"mine": T.Compose([T.RandomRotation(5), T.ToDtype("float32", scale=True)])}
    settings = replace(QUICK, policies=mine, per_class=None)
    result = sweep(digits, {"same": Others(digits)}, task=ridge(epochs=1), settings=settings, progress=False)
    assert [arm.policy for arm in result.controls] == ["mine"]
    counts = np.bincount(digits.labels)
    assert np.array_equal(np.bincount(draw_split(digits, None, 3).real.labels), counts * 3 // 4)


def test_warnings_name_what_makes_an_answer_less_certain(halves):
    mine, _ = halves
    assert warnings_of(mine, [0.9] * 5) == ()
    tiny = replace(mine, test=mine.test.take(np.flatnonzero(mine.test.labels < 2)[:40]))
    text = " ".join(warnings_of(tiny, [0.999] * 3))
    for part in ("hardly anything to gain", "40 images", "3 repetitions", "Classes without test images"):
        assert part in text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ratios": ()}, "ratios must lie above 0"),
        ({"ratios": (0.0,)}, "ratios must lie above 0"),
        ({"ratios": (0.5, 0.5)}, "must differ"),
        ({"confidence": 1.0}, "confidence"),
        ({"seeds": 1}, "seeds"),
        ({"confirm_seeds": 1}, "confirm_seeds"),
        ({"workers": 0}, "workers"),
        ({"budget": 0}, "budget"),
        ({"recipes": ("nothing",)}, "there is no recipe 'nothing'"),
        ({"recipes": ("plain",)}, "there is no recipe 'plain' that uses a pool"),
        ({"cheap": ()}, "at least one recipe"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes, message):
    with pytest.raises(ArgumentError, match=message):
        replace(QUICK, **changes)


def test_data_that_cannot_give_an_answer_is_refused(digits, halves):
    mine, others = halves
    sources = {"more": Others(others)}
    for data, settings, error, message in (
        (digits.take(np.arange(50)), QUICK, ArgumentError, "no test part"),
        (mine, replace(QUICK, per_class=10_000), DataError, "10000 are needed"),
        (mine, replace(QUICK, policies=("tender",)), ArgumentError, "there is no policy 'tender'"),
        (mine, replace(QUICK, policies=()), ArgumentError, "policies is empty"),
    ):
        with pytest.raises(error, match=message):
            sweep(data, sources, task=ridge(), settings=settings, progress=False)
    with pytest.raises(ArgumentError, match="sources is empty"):
        sweep(mine, {}, task=ridge(), settings=QUICK, progress=False)
    with pytest.raises(Exception, match="nowhere"):
        sweep(mine, {"given": Given("nowhere")}, task=ridge(), settings=QUICK, progress=False)


def test_names_of_arms():
    assert Arm("gentle").name == "gentle"
    assert Arm("gentle", "pool", 0.25, "cvae").name == "gentle + 25% cvae"
    with pytest.raises(ArgumentError, match="no synthetic source"):
        Arm("gentle", "plain", 0.5)
    with pytest.raises(ArgumentError, match="above 0"):
        Arm("gentle", "pool", 0.0, "cvae")


def test_the_report_shows_the_verdict_every_arm_and_the_warnings_and_loads_nothing(halves, tmp_path):
    mine, others = halves
    names = ("<zero>", *mine.class_names[1:])
    named, more = replace(mine, class_names=names, name="my & digits"), replace(others, class_names=names)
    result = sweep(named, {"more": Others(more)}, task=ridge(), settings=QUICK, progress=False)
    path = write_report(result, tmp_path / "new" / "report.html")
    html = path.read_text(encoding="utf-8")
    text = unescape(re.sub(r"<[^>]*>", " ", html)).replace("\u2212", "-")
    for part in (
        result.verdict.sentence,
        "3 repetitions",
        "my & digits",
        "<zero>",
        "gentle",
        "none",
        "RidgeClassifier",
    ):
        assert part in text
    assert "<zero>" not in html
    sources = re.findall(r'(?:src|srcset|href)="([^"]*)"', html)
    assert len(sources) == 4 + 4
    assert all(source.startswith("data:image/png;base64,") for source in sources)


def test_a_long_tail_is_drawn_as_stated_and_judged_by_balanced_accuracy(halves):
    mine, others = halves
    tail = {label: 20 if label < 5 else 3 for label in range(10)}
    settings = replace(QUICK, per_class=tail)
    assert np.bincount(draw_split(mine, tail, 0).real.labels).tolist() == list(tail.values())
    task = ridge(metric="balanced_accuracy")
    result = sweep(mine, {"more": Others(others)}, task=task, settings=settings, progress=False)
    assert result.verdict.metric == "balanced_accuracy"
    assert {arm.recipe for arm in result.controls} == {"plain", "oversampling"}
    assert {arm.recipe for arm in result.synthetic} == {"pool", "balanced pool"}
    assert result.verdict.difference.mean == pytest.approx(fmean(result.recall_changes().values()))
    with pytest.raises(ArgumentError, match="each of the 10 classes"):
        draw_split(mine, {0: 5}, 0)


def test_recipes_make_the_training_sets_that_they_say(halves):
    mine, others = halves
    real = draw_split(mine, {label: 20 if label < 5 else 4 for label in range(10)}, 0).real

    def labels(name, ratio):
        made = RECIPES[name].make(Ingredients(real, others, ratio, plain_pipeline(), 0, ridge()))
        return np.bincount([int(label) for _, label in made]), sum(made.source(i).synthetic for i in range(len(made)))

    assert labels("plain", 0.0) == (pytest.approx([20] * 5 + [4] * 5), 0)
    assert labels("oversampling", 0.0) == (pytest.approx([12] * 10), 0)
    assert labels("pool", 0.5) == (pytest.approx([20] * 5 + [4] * 5), 60)
    assert labels("balanced pool", 0.5) == (pytest.approx([12] * 10), 60)
    assert labels("filled", 0.5) == (pytest.approx([20] * 5 + [10] * 5), 30)


def test_the_loss_is_adjusted_for_rare_classes_where_the_task_can(halves):
    mine, others = halves
    tail = {label: 6 if label < 5 else 3 for label in range(10)}
    settings = replace(QUICK, per_class=tail, policies=("none",), ratios=(0.5,), confirm_seeds=2)
    result = sweep(mine, {"more": Others(others)}, task=SmallCNN(steps=3), settings=settings, progress=False)
    assert {arm.recipe for arm in result.controls} == {"plain", "oversampling", "logit adjustment"}
    asked = replace(settings, cheap=("logit adjustment",))
    with pytest.raises(ArgumentError, match="ScikitLearn has no field 'logit_adjust'"):
        sweep(mine, {"more": Others(others)}, task=ridge(), settings=asked, progress=False)
