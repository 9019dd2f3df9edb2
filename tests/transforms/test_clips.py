"""Clips: frames that share their plan, and noise that they share or not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given

from augsynth import transforms as T
from augsynth.errors import ArgumentError, PlanError
from augsynth.testing import strategies as aug

KEY = (3, 1, 4)
FRAMES = np.random.default_rng(0).integers(0, 256, (5, 24, 32, 3), dtype=np.uint8)
MOVES = T.Compose(
    [
        T.RandomResizedCrop((20, 20)),
        T.RandomOrder([T.RandomHorizontalFlip(), T.RandomRotation(20)]),
        T.ColorJitter(0.3, 0.3, 0.3),
        T.GaussianBlur(3),
        T.RandomErasing(1.0, value="random"),
        T.ElasticTransform(3.0, 5.0),
    ]
)


@given(key=aug.keys())
def test_every_frame_gets_what_the_first_one_gets(key: tuple[int, int, int]) -> None:
    clip = MOVES.clip(FRAMES, key=key)
    for frame, expected in zip(clip, FRAMES, strict=True):
        torch.testing.assert_close(frame, MOVES(expected, key=key), rtol=0, atol=0)


@given(case=aug.cases())
def test_a_clip_of_one_frame_is_an_image(case: aug.Case) -> None:
    one = case.pipeline.clip([case.image], key=case.key)
    torch.testing.assert_close(one[0], case.pipeline(case.image, key=case.key), rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize(
    "noise", [T.GaussianNoise(0.0, 0.2), T.UniformNoise(), T.SaltAndPepperNoise(0.4), T.PoissonNoise(20.0)], ids=repr
)
def test_noise_is_each_frames_own_or_that_of_the_clip(isa: str, noise: T.Transform) -> None:
    grey = np.full((4, 16, 16, 1), 128, np.uint8)
    t = T.Compose([noise])
    own, same = t.clip(grey, key=KEY), t.clip(grey, key=KEY, noise="clip")
    assert len(own.unique(dim=0)) == 4
    assert len(same.unique(dim=0)) == 1
    assert torch.equal(own[0], same[0])
    shares = np.corrcoef(own.reshape(4, -1).numpy())
    assert abs(shares[np.triu_indices(4, 1)]).max() < 6 / np.sqrt(256)


def test_targets_of_each_frame_follow_it() -> None:
    targets = [{"boxes": [[4.0 + k, 5, 9 + k, 11]], "labels": [k], "masks": FRAMES[k, ..., 0]} for k in range(5)]
    t = T.Compose([T.RandomCrop(20), T.RandomQuarterTurn(), T.RandomHorizontalFlip()])
    clip, moved = t.clip(FRAMES, targets, key=KEY)
    for k in range(5):
        image, target = t(FRAMES[k], targets[k], key=KEY)
        assert torch.equal(clip[k], image)
        np.testing.assert_array_equal(moved[k]["masks"], clip[k, 0])
        assert moved[k]["boxes"] == target["boxes"]
        assert moved[k]["labels"] == target["labels"]


def test_a_window_shows_the_objects_of_all_frames() -> None:
    targets = [{"boxes": [[float(4 * k), 2, 4 * k + 3, 5]]} for k in range(5)]
    crop = T.Compose([T.RandomCrop((20, 20), min_visible=1.0)])
    for index in range(20):
        _, moved = crop.clip(FRAMES, targets, key=(0, 0, index))
        widths = [target["boxes"][0][2] - target["boxes"][0][0] for target in moved]
        assert widths == [3.0] * 5


def test_the_plan_of_a_clip_can_be_replayed() -> None:
    plan = MOVES.plan([FRAMES[0].shape], [KEY]).repeated(5)
    assert torch.equal(MOVES.apply(FRAMES, plan), MOVES.clip(FRAMES, key=KEY))
    with pytest.raises(PlanError, match="one sample"):
        plan.repeated(2)


def test_gradients_go_through_a_clip() -> None:
    frames = torch.rand(3, 2, 8, 8, requires_grad=True)
    T.Compose([T.RandomRotation(30)]).clip(frames, key=KEY).sum().backward()
    assert frames.grad is not None
    assert torch.equal(frames.grad[0], frames.grad[2])


@pytest.mark.parametrize(
    ("frames", "arguments", "words"),
    [
        ([], {}, "at least one frame"),
        ([FRAMES[0], FRAMES[0][:3]], {}, r"frames\[1\] has \(3, 32, 3\)"),
        (FRAMES, {"noise": "none"}, "frame or clip"),
        (FRAMES, {"target": [{}]}, "one target an image"),
    ],
)
def test_what_is_no_clip_is_refused_in_words(frames: Any, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        MOVES.clip(frames, **arguments)


def test_many_channels_are_refused_with_a_way_that_works() -> None:
    """An image of 32 channels goes as two frames of 16, and comes out like one image."""
    image = np.random.default_rng(0).integers(0, 256, (24, 20, 32), dtype=np.uint8)
    pipeline = T.Compose([T.RandomCrop(8), T.RandomHorizontalFlip()])
    with pytest.raises(ArgumentError, match=r"32 channels.*Compose\.clip transforms parts of up to 16 channels alike"):
        pipeline(image)
    parts = pipeline.clip([image[..., :16], image[..., 16:]], key=(0, 0, 3))
    alone = pipeline(image[..., 20:23], key=(0, 0, 3))
    assert torch.equal(parts[1, 4:7], alone)
