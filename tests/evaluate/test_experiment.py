"""The main job: what each arm trains on, that the test split stays out of it, and that it repeats exactly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from augsynth.data.loading.datasets import ImageData, load_dataset
from augsynth.errors import ArgumentError, DataError
from augsynth.evaluate import METRICS, OwnData
from augsynth.evaluate.experiment import Settings, run_experiment
from augsynth.evaluate.results import BASELINE, REAL_ONLY
from augsynth.evaluate.sharing import Colleague, divide, run_shared
from augsynth.evaluate.sweeping import sources, tasks


def quick(class_mean: str, **changes) -> Settings:
    settings = {"per_class": 5, "seeds": 2, "train_steps": 2, "workers": 1}
    return Settings(source=OwnData(class_mean, steps=4, per_class=6), **{**settings, **changes})


@pytest.fixture(scope="module")
def digits() -> ImageData:
    return load_dataset("digits", test_fraction=0.25, max_per_class=40)


def test_every_arm_is_scored_for_every_seed(class_mean, digits, tmp_path):
    result = run_experiment(digits, quick(class_mean, ratios=(0.5, 0.25)), tmp_path, progress=False)
    assert [scores.arm for scores in result.arms[:2]] == [REAL_ONLY, BASELINE]
    assert [scores.arm.ratio for scores in result.synthetic] == [0.25, 0.5]
    for scores in result.arms:
        assert {name: len(values) for name, values in scores.scores.items()} == dict.fromkeys(METRICS, 2)
        assert all(0 <= value <= 1 for values in scores.scores.values() for value in values)
    assert result.settings["test images"] == len(digits.test)
    assert result.notes == digits.notes


def test_the_same_settings_give_the_same_result(class_mean, digits, tmp_path):
    first = run_experiment(digits, quick(class_mean), tmp_path / "a", progress=False)
    again = run_experiment(digits, quick(class_mean), tmp_path / "a", progress=False)
    apart = run_experiment(digits, quick(class_mean), tmp_path / "b", progress=False)
    assert first.arms == again.arms == apart.arms
    for one, other in zip(first.pictures, apart.pictures, strict=True):
        np.testing.assert_array_equal(one.images, other.images)


def test_training_uses_the_training_part_in_the_stated_shares(class_mean, digits, tmp_path, monkeypatch):
    """Training images are real ones of the training part, of the right number and class; the rest is synthetic."""
    known = {image.tobytes(): int(label) for image, label in zip(digits.images, digits.labels, strict=True)}
    seen = []

    def spy(mixed, *, num_classes, steps, seed, **options):
        sources = [mixed.source(i) for i in range(len(mixed))]
        real = [mixed.real[s.item] for s in sources if not s.synthetic]
        assert all(known[image.tobytes()] == label for image, label in real)
        seen.append((len(mixed), len(mixed) - len(real), seed, {image.tobytes() for image, _ in real}))
        return original(mixed, num_classes=num_classes, steps=1, seed=seed, **options)

    original = tasks.train_classifier
    monkeypatch.setattr(tasks, "train_classifier", spy)
    run_experiment(digits, quick(class_mean, ratios=(0.25, 1.0)), tmp_path, progress=False)
    assert [entry[:3] for entry in seen] == [(50, synthetic, seed) for seed in (0, 1) for synthetic in (0, 0, 12, 50)]
    assert seen[0][3] == seen[1][3] >= seen[2][3]
    assert seen[0][3] != seen[4][3]


def test_the_generator_sees_only_the_small_training_set(class_mean, digits, tmp_path, monkeypatch):
    fitted = []
    create = sources.create_generator

    def spy(name, **options):
        generator = create(name, **options)
        fit = generator.fit
        monkeypatch.setattr(generator, "fit", lambda data, **kw: (fitted.append((data, kw["seed"])), fit(data, **kw)))
        return generator

    monkeypatch.setattr(sources, "create_generator", spy)
    run_experiment(digits, quick(class_mean), tmp_path, progress=False)
    assert [seed for _, seed in fitted] == [0, 1]
    for data, seed in fitted:
        np.testing.assert_array_equal(data.images, digits.draw_per_class(5, seed).images)
        assert data.test is None


def test_only_augmented_arms_are_augmented(class_mean, digits, tmp_path, monkeypatch):
    exact = []

    def spy(mixed, **kwargs):
        real = [(i, mixed.source(i).item) for i in range(len(mixed)) if not mixed.source(i).synthetic]
        pairs = [(mixed[i][0].numpy()[0], mixed.real[item][0][..., 0] / 255) for i, item in real]
        exact.append(all(np.allclose(out, untouched, atol=1e-6) for out, untouched in pairs))
        return original(mixed, **kwargs)

    original = tasks.train_classifier
    monkeypatch.setattr(tasks, "train_classifier", spy)
    run_experiment(digits, quick(class_mean, ratios=(0.5,)), tmp_path, progress=False)
    assert exact == [True, False, False] * 2


def test_examples_are_sorted_into_columns_of_one_class(class_mean, digits, tmp_path):
    result = run_experiment(digits, quick(class_mean), tmp_path, progress=False)
    real, augmented, synthetic, nearest = result.pictures
    assert real.columns == augmented.columns == synthetic.columns == digits.class_names
    assert real.images.shape == augmented.images.shape == synthetic.images.shape == (40, 8, 8, 1)
    assert nearest.rows[:2] == ("sample", "nearest")
    labels = {image.tobytes(): int(label) for image, label in zip(digits.images, digits.labels, strict=True)}
    assert [labels[image.tobytes()] for image in real.images] == list(range(10)) * 4
    for scores in result.arms:
        assert np.array(scores.confusion).sum() == 2 * len(digits.test)
    assert result.gates["sizes"]["test"] == min(500, len(digits.test))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seeds": 1}, "seeds must be at least 2"),
        ({"ratios": (0.0,)}, "ratios must lie above 0"),
        ({"ratios": (0.5, 0.5)}, "ratios must differ"),
        ({"ratios": ()}, "ratios"),
        ({"train_steps": 0}, "train_steps must be at least 1"),
    ],
)
def test_settings_out_of_range_are_named(changes, message):
    with pytest.raises(ArgumentError, match=message):
        Settings(**changes)


def test_unusable_data_is_refused_before_any_work(class_mean, digits, tmp_path):
    with pytest.raises(ArgumentError, match="no test part"):
        run_experiment(load_dataset("digits"), quick(class_mean), tmp_path)
    large = np.zeros((8, 80, 80, 1), np.uint8)
    np.savez(tmp_path / "large.npz", images=large, labels=np.arange(8) % 2)
    with pytest.raises(ArgumentError, match=r"80x80 pixels.*--image-size 32"):
        run_experiment(load_dataset(tmp_path / "large.npz", test_fraction=0.5), quick(class_mean), tmp_path)
    with pytest.raises(DataError, match="500 are needed"):
        run_experiment(digits, quick(class_mean, per_class=500), tmp_path, progress=False)


def test_a_colleagues_generator_is_fitted_on_images_that_nobody_trains_on(class_mean, digits, tmp_path):
    mine, others = divide(digits)
    own, theirs = ({image.tobytes() for image in part.images} for part in (mine, others))
    assert not own & theirs
    assert own | theirs == {image.tobytes() for image in digits.images}
    assert mine.test is digits.test
    settings = quick(class_mean)
    colleague = Colleague(class_mean, steps=2)
    (result,) = run_shared(digits, colleague, settings, tmp_path, progress=False)
    assert [scores.arm.ratio for scores in result.synthetic] == [0.5, 0.8]
    assert result.settings["images per class"] == 5
    assert f"{len(others)} images of a colleague" in result.settings["synthetic images from"]
    assert "themselves reaches" in result.findings[0]
    (again,) = run_shared(digits, colleague, settings, tmp_path, progress=False)
    assert again.arms == result.arms
    few = digits.draw_per_class(9, 0)
    assert run_shared(few, colleague, settings, tmp_path, progress=False) == []


def test_processes_give_the_result_of_one(digits, tmp_path):
    settings = Settings(
        source=OwnData("cvae", {"width": 4}, steps=2, per_class=6),
        per_class=3,
        seeds=2,
        ratios=(0.5,),
        train_steps=2,
        workers=1,
    )
    one = run_experiment(digits, settings, tmp_path / "one", progress=False)
    two = run_experiment(digits, replace(settings, workers=2), tmp_path / "two", progress=False)
    assert one.arms == two.arms
