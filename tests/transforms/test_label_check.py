"""Labels under transforms: planted classes that known operations turn into one another, and that others keep."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from augsynth import transforms as T
from augsynth.errors import ArgumentError, ArgumentTypeError

COUNT = 60


def world() -> tuple[Any, Any]:
    """Bars at the left (0), at the right (1) and at the top (2), of noisy brightness."""
    random = np.random.default_rng(0)
    images = np.zeros((3 * COUNT, 16, 16, 1), np.uint8)
    labels = np.repeat([0, 1, 2], COUNT)
    for image, label in zip(images, labels, strict=True):
        place = [(slice(None), slice(0, 5)), (slice(None), slice(11, 16)), (slice(0, 5), slice(None))][label]
        image[place] = random.integers(150, 256)
    return images, labels


class Places:
    """A classifier that looks where the light is, and does not know images without light."""

    def predict(self, images: torch.Tensor) -> torch.Tensor:
        light = images.float()
        scores = [light[..., :5].mean((1, 2, 3)), light[..., 11:].mean((1, 2, 3)), light[:, :, :5].mean((1, 2, 3))]
        return torch.stack(scores, dim=1)


def test_an_operation_that_turns_classes_into_others_is_named_with_them() -> None:
    images, labels = world()
    flips = T.Compose([T.RandomHorizontalFlip(), T.RandomVerticalFlip(0.1), T.ColorJitter(0.2), T.Normalize(0.5, 0.5)])
    check = T.check_labels(flips, images, labels, Places())
    assert check.accuracy == 1.0
    assert [
        (row.operation, row.label, row.becomes) for row in check.unsafe if row.operation != "RandomVerticalFlip"
    ] == [
        ("RandomHorizontalFlip", 0, 1),
        ("RandomHorizontalFlip", 1, 0),
    ]
    verdicts = {(row.operation, row.label): row.verdict for row in check.rows}
    assert verdicts["RandomHorizontalFlip", 2] == "keeps"
    assert {verdicts["ColorJitter", label] for label in (None, 0, 1, 2)} == {"keeps"}
    assert verdicts["RandomVerticalFlip", 2] == "changes"
    assert not any(name == "Normalize" for name, _ in verdicts)


def test_intervals_are_wilsons() -> None:
    """Against the textbook's formula, with 40 of 60 kept: 0.5409 to 0.7724."""
    images, labels = world()
    kept = np.zeros(len(images), bool)
    kept[:40] = True
    calls: list[int] = []

    def answer(batch: torch.Tensor) -> Any:
        calls.append(len(batch))
        return labels if len(calls) == 1 else np.where(kept | (labels > 0), labels, 2)

    check = T.check_labels({"any": T.RandomInvert(1.0)}, images, labels, answer)
    (row,) = [row for row in check.rows if row.label == 0]
    assert (row.operation, row.strength, row.asked, row.becomes, row.verdict) == ("any", None, 60, 2, "changes")
    np.testing.assert_allclose([row.kept, row.low, row.high], [2 / 3, 0.5405, 0.7725], atol=5e-4)
    assert calls == [180, 180]


def test_only_images_that_are_known_are_asked() -> None:
    images, labels = world()
    wrong = labels.copy()
    wrong[:30] = 1
    check = T.check_labels(T.RandomInvert(0.5), images, wrong, Places())
    assert check.accuracy == pytest.approx(150 / 180)
    asked = {row.label: row.asked for row in check.rows}
    assert asked == {None: 150, 0: 30, 1: 60, 2: 60}


@pytest.mark.parametrize("policy", [T.RandAugment(2, 15), T.TrivialAugmentWide(), T.AutoAugment("cifar10")], ids=repr)
def test_operations_of_policies_have_strengths(policy: Any) -> None:
    images, labels = world()
    check = T.check_labels(policy, images, labels, Places(), strengths=(0.1, 1.0))
    kept = {(row.operation, row.strength): row.kept for row in check.rows if row.label is None}
    top = 0.5 if isinstance(policy, T.RandAugment) else 1.0
    assert kept["TranslateX", 0.1 * top] > kept["TranslateX", top]
    assert kept["AutoContrast", None] == 1.0
    assert (("Invert", None) in kept) is isinstance(policy, T.AutoAugment)
    assert "| TranslateX | " in str(check)


def test_a_single_operation_is_the_policys() -> None:
    """Every sample of RandAugment with one operation is one of the single ones, in one of the two directions."""
    from augsynth.transforms.policies import single_operations

    image, policy = np.random.default_rng(0).integers(0, 256, (12, 14, 3), dtype=np.uint8), T.RandAugment(1, 20)
    singles = [t for _, _, t in single_operations(policy, (1.0,))]
    keys = [(0, 0, index) for index in range(30)]
    known = {t(image, key=key).numpy().tobytes() for t in singles for key in keys}
    known.add(image.transpose(2, 0, 1).tobytes())
    assert {policy(image, key=key).numpy().tobytes() for key in keys} <= known


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({"labels": [0.5]}, ArgumentError, "one integer for each of 180 images"),
        ({"policy": 3}, ArgumentTypeError, "policy must be a transform"),
        ({"classifier": 3}, ArgumentTypeError, "have predict"),
        ({"classifier": lambda batch: torch.zeros(2)}, ArgumentError, r"classes \(180,\)"),
        ({"keep": 2.0}, ArgumentError, "keep"),
        ({"strengths": (2.0,), "policy": T.RandAugment()}, ArgumentError, "strengths"),
    ],
)
def test_what_cannot_be_is_refused_in_words(change: dict[str, Any], kind: type[Exception], words: str) -> None:
    images, labels = world()
    given = {"policy": T.RandomHorizontalFlip(), "images": images, "labels": labels, "classifier": Places(), **change}
    with pytest.raises(kind, match=words):
        T.check_labels(**given)
