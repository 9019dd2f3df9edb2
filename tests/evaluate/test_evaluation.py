"""Scores of samples beside their floor: roles of the sets, planted worlds, and refusals."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from augsynth import SyntheticPool
from augsynth.data import ImageData, load_dataset
from augsynth.errors import ArgumentError, DataError
from augsynth.evaluate import SCORES, SampleScore, rebuild_report, scores, write_results
from augsynth.evaluate.scoring.judged import Judged
from augsynth.generators import Samples


@pytest.fixture(scope="module")
def parts() -> tuple[ImageData, ImageData]:
    """Training images with a test part, and other real images of the same classes."""
    digits = load_dataset("digits", test_fraction=0.4, seed=1)
    order = np.random.default_rng(0).permutation(len(digits))
    mine, others = (digits.take(np.sort(part)) for part in np.array_split(order, 2))
    return replace(mine, test=digits.test), others


@pytest.fixture(scope="module")
def found(parts):
    real, others = parts
    return scores(others, real, steps=100)


def test_real_images_in_the_place_of_samples_score_as_the_floor_does(found):
    assert list(found.values) == list(SCORES)
    for name in ("cas", "gan_test", "precision", "recall", "coverage"):
        assert found.scores[name].value == pytest.approx(found.scores[name].floor, abs=0.08), name
    assert found.sizes["compared on each side"] == 359
    assert found.sizes["to train for CAS"] == 539
    assert "classifier of the real training images" in found.features
    assert any("359 images a side" in warning for warning in found.warnings)
    assert [picture.name for picture in found.pictures] == ["samples", "real", "nearest"]


def test_worse_samples_score_worse_and_wrong_classes_are_seen(parts, found):
    real, others = parts
    noise = np.random.default_rng(0).integers(0, 256, others.images.shape, np.uint8)
    blurred = replace(others, images=(others.images // 2 + noise // 2).astype(np.uint8))
    worse = scores(blurred, real, steps=100)
    for name, scored in worse.scores.items():
        better = found.values[name]
        assert scored.value < better if SCORES[name].better == "more" else scored.value > better, name
    shifted = replace(others, labels=(others.labels + 1) % 10)
    wrong = scores(shifted, real, ["gan_test"], steps=100)
    assert wrong.values["gan_test"] < 0.1 < 0.9 < wrong.scores["gan_test"].floor


def test_copies_are_warned_of_and_have_a_high_divergence(parts, found):
    real, _ = parts
    result = scores(real.take(np.arange(len(real))), real, ["fld"], steps=100)
    assert any("near-copies of training images" in warning for warning in result.warnings)
    assert result.values["fld"] > found.values["fld"] + 20
    assert result.pictures[-1].columns[0] == "0.00"


def test_without_classes_the_scores_that_need_them_are_left_out(parts):
    real, others = parts
    plain = [image.squeeze(-1) for image in others.images]
    result = scores(plain, real, steps=20)
    assert "cas" not in result.values
    assert "fld" in result.values
    assert result.features.startswith("pixels")
    assert result.notes == ("CAS and GAN-test need classes on all sides, and were left out",)
    with pytest.raises(DataError, match="cas needs two or more classes"):
        scores(plain, real, ["cas"])


def test_half_of_the_real_images_play_the_test_part_if_there_is_none(parts):
    real, others = parts
    result = scores(others, replace(real, test=None), ["coverage"], steps=20)
    assert result.sizes["real training images"] + result.sizes["real test images"] == len(real)
    assert "half of the real ones" in result.notes[0]


def test_pools_samples_and_archives_give_the_same_scores(parts, tmp_path):
    real, others = parts
    tensors = torch.from_numpy(np.moveaxis(others.images, -1, 1).copy())
    np.savez(tmp_path / "others.npz", images=others.images, labels=others.labels)
    pool = SyntheticPool.import_images(tmp_path / "pool", tmp_path / "others.npz", progress=False)
    forms = [Samples(tensors, torch.from_numpy(others.labels)), pool, load_dataset(tmp_path / "others.npz")]
    values = [scores(form, real, ["gan_test", "coverage"], steps=20).values for form in forms]
    assert values[0] == values[1] == values[2]


def test_a_score_of_ones_own_is_one_line(parts, monkeypatch):
    real, others = parts

    def brightness(judged: Judged) -> float:
        return float(judged.samples.images.float().mean() - judged.reference.images.float().mean())

    monkeypatch.setitem(SCORES, "brightness", SampleScore("brightness gap", "less", brightness))
    result = scores(replace(others, images=others.images // 2), real, ["brightness"], features=lambda x: x.flatten(1))
    assert result.scores["brightness"].value < -20 < -5 < result.scores["brightness"].floor < 5


def test_the_report_of_an_evaluation_is_made_again_from_what_is_stored(found, tmp_path):
    path = write_results(found, tmp_path, command="augsynth evaluate pool --real photos")
    html = path.read_text(encoding="utf-8")
    for part in ("FLD", "Nearest training images", "359 images a side", "augsynth evaluate pool --real photos"):
        assert part in html
    stored = json.loads((tmp_path / "results.json").read_text())
    assert {name: one["value"] for name, one in stored["scores"].items()} == found.values
    assert rebuild_report(tmp_path).read_text(encoding="utf-8") == html


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"names": ["fid"]}, ArgumentError, "names must be some of cas, gan_test, .*; got fid"),
        ({"names": []}, ArgumentError, "got none"),
        ({"limit": 5}, ArgumentError, "limit must be at least 6"),
        ({"test": [np.zeros((8, 8), np.uint8)] * 11}, DataError, "too few images.*11 test"),
        ({"test": [np.zeros((9, 9), np.uint8)] * 20}, DataError, r"one shape, got samples \(1, 8, 8\), real .*9, 9"),
        ({"features": lambda x: x, "names": ["fld"]}, ArgumentError, r"features must return \(n, D\)"),
    ],
)
def test_unusable_arguments_are_refused_in_words(parts, changes, error, message):
    real, others = parts
    with pytest.raises(error, match=message):
        scores(others, real, steps=2, **changes)


def test_class_names_in_another_order_are_refused(parts):
    real, others = parts
    with pytest.raises(DataError, match="the same in another order"):
        scores(replace(others, class_names=others.class_names[::-1]), real)
