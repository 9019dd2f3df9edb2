"""Classifiers on the disk: what comes back, what is refused, and training that begins with one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from augsynth.classifier import Classifier, load_classifier, train_classifier
from augsynth.errors import ArgumentError, CheckpointError

NAMES = ("dark", "grey", "light")


def shades(n: int = 60, side: int = 8) -> tuple[np.ndarray, np.ndarray]:
    labels = np.arange(n) % 3
    noise = np.random.default_rng(0).integers(0, 20, (n, 1, side, side))
    return (noise + 100 * labels[:, None, None, None]).astype(np.uint8), labels


@pytest.fixture(scope="module")
def trained() -> Classifier:
    return train_classifier(*shades(), steps=30, width=4)


def test_a_classifier_comes_back_with_its_names_and_its_very_numbers(trained: Classifier, tmp_path: Path) -> None:
    trained.save(tmp_path / "new" / "folder", class_names=NAMES)
    found = load_classifier(tmp_path / "new" / "folder")
    images, _ = shades()
    assert found.class_names == NAMES
    assert (found.image_shape, found.num_classes, found.width) == ((1, 8, 8), 3, 4)
    np.testing.assert_array_equal(found.probabilities(images), trained.probabilities(images))
    found.save(tmp_path / "again")
    assert load_classifier(tmp_path / "again").digest() == found.digest() != trained.digest()


def test_saving_replaces_the_classifier_of_a_folder(trained: Classifier, tmp_path: Path) -> None:
    train_classifier(*shades(), steps=1, width=4).save(tmp_path)
    trained.save(tmp_path)
    assert load_classifier(tmp_path).digest() == trained.digest()
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "config.json").unlink(), "no saved classifier"),
        (lambda folder: (folder / "config.json").write_text("{"), "cannot be read"),
        (
            lambda folder: (folder / "config.json").write_text('{"format": "augsynth-generator"}'),
            "is not of a classifier",
        ),
        (lambda folder: next(folder.glob("weights-*")).write_bytes(b"0"), "SHA-256"),
        (lambda folder: next(folder.glob("weights-*")).unlink(), "damaged"),
        (lambda folder: _edit(folder, num_classes=10**9), "does not fit"),
        (lambda folder: _edit(folder, image_shape=[1, 8]), "does not fit"),
        (lambda folder: _edit(folder, class_names=["one"]), "does not fit"),
        (lambda folder: _edit(folder, width="wide"), "does not fit"),
        (lambda folder: _edit(folder, weights=None), "damaged"),
    ],
)
def test_what_is_damaged_is_refused(trained: Classifier, tmp_path: Path, damage, message: str) -> None:
    trained.save(tmp_path)
    damage(tmp_path)
    with pytest.raises(CheckpointError, match=message):
        load_classifier(tmp_path)


def _edit(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_classes_can_be_chosen_and_put_into_another_order(trained: Classifier, tmp_path: Path) -> None:
    trained.save(tmp_path, class_names=NAMES)
    named = load_classifier(tmp_path)
    images, labels = shades()
    two = named.for_classes(("light", "dark"))
    kept = labels != 1
    assert two.class_names == ("light", "dark")
    assert (two.predict(images[kept]) == (labels[kept] == 0)).all()
    with pytest.raises(ArgumentError, match="has no class 'red'"):
        named.for_classes(("red", "dark"))
    with pytest.raises(ArgumentError, match="has no class"):
        trained.for_classes(("dark",))


def test_training_begins_with_the_weights_of_another_classifier(trained: Classifier) -> None:
    images, labels = shades()
    slow = {"steps": 1, "learning_rate": 1e-9}
    same = train_classifier(images, labels, start=trained, **slow)
    assert (same.predict(images) == trained.predict(images)).all()
    assert (same.predict(images) == labels).all()
    assert same.width == 4
    other = train_classifier(images, labels % 2, start=trained, **slow)
    before, after = trained.weights(), other.weights()
    convolution = next(name for name in before if before[name].ndim == 4)
    np.testing.assert_allclose(after[convolution], before[convolution], atol=1e-6)
    assert [len(value) for value in list(after.values())[-2:]] == [2, 2]
    for change in ({"width": 8}, {"images": images[..., :7]}):
        with pytest.raises(ArgumentError, match=r"start takes images of shape \(1, 8, 8\)"):
            train_classifier(**({"images": images, "labels": labels, "start": trained, "steps": 1} | change))


def test_weights_of_the_items_of_a_data_set_count() -> None:
    images, labels = shades()
    items = [(image, label, np.float32(label < 2)) for image, label in zip(images, labels, strict=True)]
    without = [item[:2] for item in items]
    ignoring, plain = (train_classifier(data, num_classes=3, steps=40, width=4) for data in (items, without))
    assert (plain.predict(images) == labels).mean() > 0.95
    assert not (ignoring.predict(images[labels == 2]) == 2).any()
