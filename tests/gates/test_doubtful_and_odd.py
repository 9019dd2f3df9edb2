"""Wrong labels and odd images are found where they were planted."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from gates.planted_sets import real_images

from augsynth.classifier.folds import fold_numbers, out_of_fold
from augsynth.errors import ArgumentError
from augsynth.gates import doubtful, find_doubtful_labels, find_odd_images

pytestmark = pytest.mark.usefixtures("one_thread")


def _digits() -> tuple[torch.Tensor, Any]:
    data = pytest.importorskip("sklearn.datasets").load_digits()
    order = np.random.default_rng(0).permutation(len(data.target))
    images = torch.from_numpy((data.images * 15.9).astype(np.uint8))[:, None]
    return images[order], data.target[order].astype(np.int64)


def test_wrong_labels_are_found_and_right_ones_rarely_blamed() -> None:
    images, labels = _digits()
    images, given = images[:900], labels[:900].copy()
    given[:45] = (given[:45] + 3) % 10
    found = find_doubtful_labels(images, given)
    wrong = found.items < 45
    assert wrong.sum() >= 40
    assert (~wrong).sum() <= 9
    assert np.mean(found.suggested[wrong] == labels[found.items[wrong]]) > 0.95
    assert 0.9 < found.agreement < 0.97
    assert json.loads(json.dumps(found.to_dict()))["items"] == found.items.tolist()


def test_a_pool_is_judged_by_a_classifier_of_real_images() -> None:
    images, labels = _digits()
    given = labels[1000:].copy()
    given[:30] = (given[:30] + 1) % 10
    found = find_doubtful_labels(images[1000:], given, reference=(images[:1000], labels[:1000]))
    assert (found.items < 30).sum() >= 28
    assert (found.items >= 30).sum() <= 12
    with pytest.raises(ArgumentError, match="labels must be one class for each of 3 images, got 2"):
        find_doubtful_labels(images[:3], labels[:2])


def test_no_item_is_judged_by_a_model_that_saw_it(monkeypatch: pytest.MonkeyPatch) -> None:
    images = torch.arange(40, dtype=torch.uint8)[:, None, None, None].expand(-1, 1, 8, 8).contiguous()
    labels, groups = np.arange(40) % 2, np.arange(40) // 4
    seen: list[set[int]] = []

    class Judge:
        def __init__(self, taught: torch.Tensor) -> None:
            self.taught = {int(image[0, 0, 0]) for image in taught}

        def probabilities(self, asked: torch.Tensor) -> Any:
            numbers = {int(image[0, 0, 0]) for image in asked}
            assert not {number // 4 for number in numbers} & {number // 4 for number in self.taught}
            seen.append(numbers)
            return np.full((len(asked), 2), 0.5, np.float32)

    monkeypatch.setattr("augsynth.classifier.folds.train_classifier", lambda taught, *_, **__: Judge(taught))
    assert out_of_fold(images, labels, groups=groups).shape == (40, 2)
    assert set.union(*seen) == set(range(40))
    assert sum(map(len, seen)) == 40


def test_folds_have_the_classes_in_proportion_and_repeat() -> None:
    labels = np.repeat([0, 1, 2], [40, 20, 4])
    folds = fold_numbers(labels, 4, seed=3)
    for label, count in ((0, 10), (1, 5), (2, 1)):
        assert np.bincount(folds[labels == label], minlength=4).tolist() == [count] * 4
    assert np.array_equal(folds, fold_numbers(labels, 4, seed=3))
    assert not np.array_equal(folds, fold_numbers(labels, 4, seed=4))
    with pytest.raises(ArgumentError, match="of one group"):
        out_of_fold(torch.zeros(4, 1, 8, 8, dtype=torch.uint8), np.array([0, 1, 0, 1]), groups=np.zeros(4, int))


def test_a_classifier_that_knows_nothing_doubts_little() -> None:
    """Of labels that are drawn at random, few are doubted with confidence, and the agreement says why."""
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(4) * 50, 200).astype(np.float32)
    labels = rng.integers(0, 4, 200)
    found = doubtful._doubtful(probabilities, labels)
    assert found.agreement < 0.4
    assert found.confidence.max(initial=0) < 0.5


@pytest.mark.parametrize("kind", ["digits", "MNIST", "CIFAR-10"])
def test_odd_images_are_found_and_usual_ones_are_not(kind: str, request: pytest.FixtureRequest) -> None:
    images = real_images(kind, request, 500).clone()
    clean = find_odd_images(images)
    assert len(clean.items) <= 2
    noise = torch.randint(0, 256, images.shape[1:], generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    images[3], images[50], images[77] = 128, noise, 255
    found = find_odd_images(images)
    assert {3, 77} <= set(found.items.tolist())
    assert found.reasons[3][0] == found.reasons[77][0] == "constant"
    if kind == "MNIST":  # noise is unlike strokes; photographs and tiny digits may be as rough
        assert 50 in found.reasons
    beside = find_odd_images(images[:60], real_images(kind, request, 500))
    assert 3 in beside.reasons
    assert json.loads(json.dumps(found.to_dict()))["reasons"]["3"][0] == "constant"
