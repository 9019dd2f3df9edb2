"""Tasks with networks of torch: classification by name; detection and segmentation by the usual contracts."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.linear_model import RidgeClassifier
from torch import nn

from augsynth import SyntheticMixDataset
from augsynth.data import AugmentedDataset
from augsynth.data.loading.datasets import load_dataset
from augsynth.errors import ArgumentError, PluginError
from augsynth.evaluate import Detection, ScikitLearn, Segmentation, TorchModel
from augsynth.evaluate.pipelines import plain_pipeline
from augsynth.evaluate.sweeping.detection import coco_precision
from augsynth.evaluate.sweeping.networks import classifier_of

pytestmark = pytest.mark.usefixtures("one_thread")


def pooled(num_classes, channels):
    return nn.Sequential(nn.Conv2d(channels, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, num_classes))


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits", test_fraction=0.25)


@pytest.fixture(scope="module")
def training(digits):
    return AugmentedDataset(digits.draw_per_class(20, 0), plain_pipeline(), seed=0)


def dense(num_classes, channels):
    return nn.Sequential(nn.Flatten(), nn.Linear(64 * channels, num_classes))


def test_a_function_of_the_user_gives_the_network_and_the_result_repeats(digits, training):
    task = TorchModel(dense, steps=60, learning_rate=0.02)
    first, again = (task.score(training, digits.test, seed=1) for _ in range(2))
    assert first == again
    assert first["accuracy"] > 0.7
    assert task.describe()["model"].endswith(":dense")
    by_name = TorchModel(f"{__name__}:dense", steps=60, learning_rate=0.02)
    assert by_name.score(training, digits.test, seed=1) == first
    assert TorchModel(pooled, steps=2, side=16).train(training, num_classes=10, seed=0)(
        np.moveaxis(digits.images[:3], -1, 1)
    ).shape == (3, 10)


def test_models_are_asked_for_by_the_name_of_their_package(monkeypatch):
    asked = []

    def create(name, **options):
        asked.append((name, options))
        return nn.Conv2d(3, 1, 1)

    monkeypatch.setitem(sys.modules, "timm", SimpleNamespace(create_model=create))
    monkeypatch.setitem(sys.modules, "torchvision", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "torchvision.models", SimpleNamespace(get_model=create))
    classifier_of("timm:vit", 5, 2)
    grey = classifier_of("torchvision:resnet18", 5, 1)
    assert asked == [
        ("vit", {"pretrained": False, "num_classes": 5, "in_chans": 2}),
        ("resnet18", {"weights": None, "num_classes": 5}),
    ]
    assert grey(torch.zeros(2, 1, 4, 4)).shape == (2, 1, 4, 4)
    with pytest.raises(ArgumentError, match="take 3 channels"):
        classifier_of("torchvision:resnet18", 5, 4)


def test_names_that_lead_nowhere_are_refused_in_words(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(PluginError, match="needs timm"):
        classifier_of("timm:vit", 5, 3)
    for name in ("nowhere:model", "resnet18", "augsynth:nothing"):
        with pytest.raises(ArgumentError, match="'torchvision:name', 'timm:name' or 'module:function'"):
            classifier_of(name, 5, 3)


def test_a_scikit_learn_classifier_sees_features_if_there_are_any(digits, training):
    def rows(images):
        assert images.dtype == np.float32
        return images.mean(2).reshape(len(images), -1)

    task = ScikitLearn(RidgeClassifier, epochs=1, features=rows)
    assert 0.3 < task.score(training, digits.test, seed=0)["accuracy"] < 1
    assert task.describe()["features"].endswith("rows")


class Spot(nn.Module):
    """A detection model by torchvision's contract: it learns one box and one score for each class."""

    def __init__(self, num_classes):
        super().__init__()
        self.boxes = nn.Parameter(torch.zeros(num_classes, 4))
        self.seen = 0

    def forward(self, images, targets=None):
        assert isinstance(images, list)
        if self.training:
            assert len(images) == len(targets)
            assert all(int(target["labels"].min()) >= 1 for target in targets)
            losses = [(self.boxes[t["labels"]] - t["boxes"] / 10).abs().mean() for t in targets]
            return {"box": torch.stack(losses).mean()}
        labels = torch.arange(1, len(self.boxes))
        return [{"boxes": self.boxes[1:] * 10, "labels": labels, "scores": torch.ones(len(labels))} for _ in images]


def scenes(n=8):
    """Images with an object of each of two classes, always at the same place."""
    boxes = np.array([[2.0, 2, 8, 8], [10, 4, 16, 12]], np.float32)
    return [(torch.zeros(3, 20, 20), {"boxes": boxes, "labels": np.array([0, 1])}) for _ in range(n)]


def test_detection_trains_by_the_contract_of_torchvision_and_scores_by_coco():
    pytest.importorskip("pycocotools")
    task = Detection(Spot, num_classes=2, steps=150, learning_rate=0.02)
    scores = task.score(scenes(), scenes(3), seed=0)
    assert scores["mAP"] > 0.7
    assert scores["mAP 50"] == pytest.approx(1.0)
    early = Detection(Spot, num_classes=2, steps=1).score(scenes(), scenes(3), seed=0)
    assert early == {"mAP": 0.0, "mAP 50": 0.0}


def test_precision_counts_a_missed_object_and_a_wrong_class():
    pytest.importorskip("pycocotools")
    boxes = torch.tensor([[0.0, 0, 10, 10], [20, 20, 40, 40]])
    target = {"boxes": boxes.numpy(), "labels": np.array([0, 0])}
    whole = {"boxes": boxes, "labels": torch.tensor([1, 1]), "scores": torch.tensor([0.9, 0.8])}
    assert coco_precision([target], [whole]) == {"mAP": pytest.approx(1.0), "mAP 50": pytest.approx(1.0)}
    half = {name: value[:1] for name, value in whole.items()}
    assert coco_precision([target], [half])["mAP 50"] == pytest.approx(0.5, abs=0.01)
    wrong = {**whole, "labels": torch.tensor([2, 2])}
    assert coco_precision([target], [wrong])["mAP"] == 0.0
    nothing = {name: value[:0] for name, value in whole.items()}
    assert coco_precision([target], [nothing])["mAP"] == 0.0


def test_detection_without_pycocotools_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pycocotools.coco", None)
    with pytest.raises(PluginError, match="pip install pycocotools"):
        coco_precision([], [])


@pytest.mark.parametrize("as_dict", [True, False])
def test_segmentation_learns_bright_pixels_and_scores_them_by_intersection_and_union(as_dict):
    class Pixels(nn.Module):
        def __init__(self, num_classes):
            super().__init__()
            self.last = nn.Conv2d(1, num_classes, 1)

        def forward(self, images):
            return {"out": self.last(images)} if as_dict else self.last(images)

    random = np.random.default_rng(0)
    images = [random.integers(0, 2, (12, 12)) * 200 for _ in range(8)]
    items = [(image.astype(np.uint8)[..., None], (image > 100).astype(np.int64)) for image in images]
    mix = SyntheticMixDataset(items, items, ratio=0.0, pairing="free", transform=plain_pipeline())
    scores = Segmentation(Pixels, num_classes=2, steps=150, learning_rate=0.1).score(mix, mix, seed=0)
    assert scores["mIoU"] > 0.95
    assert Segmentation(Pixels, num_classes=3, steps=1).score(mix, mix, seed=0)["mIoU"] < 0.9
