"""The calls that take targets: batches, plans, replays; what they return, and what they leave alone."""

from __future__ import annotations

import copy
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from augsynth import transforms as T
from augsynth.errors import ArgumentError, ArgumentTypeError
from augsynth.plan import Plan
from augsynth.testing import strategies as aug

T_ALL = T.Compose(
    [
        T.RandomResizedCrop((24, 32), scale=(0.2, 1.0), min_visible=0.3),
        T.RandomHorizontalFlip(),
        T.RandomRotation(30),
        T.RandomErasing(p=0.5, min_visible=0.5),
        T.RandomPerspective(),
        T.GaussianNoise(sigma=0.1),
    ],
    min_visibility=0.1,
)


def _sample(seed: int) -> tuple[np.ndarray[Any, Any], dict[str, Any]]:
    rng = np.random.default_rng(seed)
    height, width = rng.integers(20, 60, 2).tolist()
    low = rng.random((4, 2)) * (width, height) * 0.8
    boxes = np.concatenate([low, low + rng.random((4, 2)) * (width, height) * 0.2], axis=1)
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8), {
        "boxes": boxes,
        "labels": rng.integers(0, 9, 4),
        "masks": rng.integers(0, 9, (height, width)),
        "keypoints": np.concatenate([rng.random((4, 3, 2)) * 20, np.full((4, 3, 1), 2.0)], axis=2),
    }


def _assert_same(first: Any, second: Any) -> None:
    assert type(first) is type(second)
    if isinstance(first, dict):
        assert first.keys() == second.keys()
        for name in first:
            _assert_same(first[name], second[name])
    elif isinstance(first, (list, tuple)):
        assert len(first) == len(second)
        for one, other in zip(first, second, strict=True):
            _assert_same(one, other)
    elif isinstance(first, np.ndarray):
        np.testing.assert_array_equal(first, second, strict=True)
    elif isinstance(first, torch.Tensor):
        assert first.dtype == second.dtype
        assert torch.equal(first, second)
    else:
        assert first == second


SAMPLES = [_sample(seed) for seed in range(6)]
IMAGES, TARGETS = [image for image, _ in SAMPLES], [target for _, target in SAMPLES]
KEYS = [(3, 1, index) for index in range(6)]


def test_a_batch_is_its_images_one_by_one() -> None:
    batch, moved = T_ALL.batch(IMAGES, TARGETS, keys=KEYS)
    for index in range(6):
        image, target = T_ALL(IMAGES[index], TARGETS[index], key=KEYS[index])
        assert torch.equal(image, batch[index])
        _assert_same(target, moved[index])


def test_some_of_a_batch_may_have_no_boxes() -> None:
    mixed: list[Any] = [*TARGETS[:2], {"masks": TARGETS[2]["masks"]}, {}, *TARGETS[4:]]
    _, moved = T_ALL.batch(IMAGES, mixed, keys=KEYS)
    _assert_same(moved[1], T_ALL(IMAGES[1], TARGETS[1], key=KEYS[1])[1])
    assert moved[3] == {}
    assert moved[2].keys() == {"masks"}


def test_nothing_that_is_given_changes() -> None:
    before, images = copy.deepcopy(TARGETS), copy.deepcopy(IMAGES)
    _, moved = T_ALL.batch(IMAGES, TARGETS, keys=KEYS)
    _assert_same(before, TARGETS)
    _assert_same(images, IMAGES)
    moved[0]["labels"][:] = -1
    moved[0]["boxes"][:] = -1
    _assert_same(before, TARGETS)


@pytest.mark.parametrize("as_file", [True, False])
def test_a_stored_plan_replays_image_and_target_bit_for_bit(tmp_path: Path, as_file: bool) -> None:
    shapes = [image.shape for image in IMAGES]
    plan = T_ALL.plan(shapes, KEYS, targets=TARGETS)
    batch, moved = T_ALL.batch(IMAGES, TARGETS, keys=KEYS)
    for index in range(6):
        stored: Any = io.BytesIO() if as_file else tmp_path / f"{index}.plan"
        plan[index : index + 1].save(stored)
        if as_file:
            stored.seek(0)
        again, targets = T.Compose([], min_visibility=0.1).apply([IMAGES[index]], Plan.load(stored), [TARGETS[index]])
        assert torch.equal(again[0], batch[index])
        _assert_same(targets, [moved[index]])


def test_without_targets_only_images_come_back() -> None:
    assert isinstance(T_ALL(IMAGES[0], key=KEYS[0]), torch.Tensor)
    assert isinstance(T_ALL.batch(IMAGES, keys=KEYS), torch.Tensor)
    out = torch.empty(6, 3, 24, 32, dtype=torch.uint8)
    batch, targets = T_ALL.batch(IMAGES, TARGETS, keys=KEYS, out=out)
    assert batch is out
    assert len(targets) == 6


def test_a_single_transform_takes_targets_too() -> None:
    image, target = T.Resize(10)(IMAGES[0], {"labels": torch.tensor([1])})
    assert image.shape[1] == 10 or image.shape[2] == 10
    assert target["labels"].tolist() == [1]


def test_barriers_leave_targets_where_they_are() -> None:
    t = T.Compose([T.RandomHorizontalFlip(1.0), T.GaussianBlur(3), T.RandomHorizontalFlip(1.0)])
    _, moved = t(IMAGES[0], {"masks": TARGETS[0]["masks"], "keypoints": TARGETS[0]["keypoints"]}, key=(0, 0, 0))
    np.testing.assert_array_equal(moved["masks"], TARGETS[0]["masks"])
    np.testing.assert_allclose(moved["keypoints"], TARGETS[0]["keypoints"])


@given(aug.cases(), st.data())
def test_any_pipeline_takes_any_target(case: aug.Case, data: st.DataObject) -> None:
    height, width = case.image.shape[:2]
    target = data.draw(aug.targets(height, width))
    image, moved = case.pipeline(case.image, target, key=case.key)
    assert torch.equal(
        torch.nan_to_num(image.float()), torch.nan_to_num(case.pipeline(case.image, key=case.key).float())
    )
    count = len(moved["boxes"])
    assert [len(moved[name]) for name in ("labels", "masks", "keypoints")] == [count] * 3
    assert moved["masks"].shape[1:] == image.shape[1:]


@pytest.mark.parametrize(
    ("targets", "error", "words"),
    [
        (TARGETS[:5], ArgumentError, "one target an image: got 5 for 6 images"),
        (TARGETS[0], ArgumentTypeError, "sequence with one target an image, got dict"),
        (7, ArgumentTypeError, "sequence with one target an image, got int"),
        ([None] * 6, ArgumentTypeError, "target must be a dict"),
    ],
)
def test_targets_that_are_not_one_an_image_are_refused(targets: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        T_ALL.batch(IMAGES, targets, keys=KEYS)
    with pytest.raises(error, match=words):
        T_ALL.plan([image.shape for image in IMAGES], KEYS, targets=targets)
