"""Pipelines of images that require gradients: the same pictures, and gradients or a refusal in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from augsynth import transforms as T
from augsynth.errors import ArgumentError, ArgumentTypeError, PlanError

KEYS = [(3, 0, index) for index in range(3)]
MEAN, STD = [0.5, 0.4, 0.3], [0.2, 0.3, 0.4]

PIPELINES = {
    "moves": [T.RandomHorizontalFlip(), T.RandomCrop((6, 5), padding=1)],
    "turns": [T.RandomRotation(40, fill=0.25), T.RandomHorizontalFlip()],
    "borders": [T.RandomAffine(30, translate=(0.2, 0.2), border="reflect"), T.Normalize(MEAN, STD)],
    "perspective": [T.RandomPerspective(0.4, p=1.0), T.Normalize(MEAN, STD)],
    "nearest": [T.RandomRotation(40, interpolation="nearest")],
    "enlarges": [T.Resize((15, 12), antialias=False), T.RandomRotation(20)],
    "colours": [T.RandomRotation(20), T.ColorJitter(0.9, 0.9, 0.9), T.Normalize(MEAN, STD)],
    "some colours": [T.RandomApply([T.ColorJitter(0.5, 0.5)], p=0.5), T.RandomGrayscale(0.5)],
    "matrix": [T.ColorMatrix(np.eye(3)[::-1].tolist(), [0.1, 0.2, 0.3])],
    "erases": [T.RandomErasing(p=0.7, count=2, value=0.5), T.Normalize(MEAN, STD)],
    "erases standardised": [T.Normalize(MEAN, STD), T.RandomErasing(p=1.0)],
    "two passes": [T.ColorJitter(0.9), T.RandomRotation(30), T.GridMask()],
    "nothing": [],
}


def _images(dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.rand((3, 3, 9, 8), generator=torch.Generator().manual_seed(0), dtype=dtype).requires_grad_()


@pytest.mark.parametrize("name", PIPELINES)
def test_the_pictures_are_those_without_gradients(name: str) -> None:
    pipeline, images = T.Compose(PIPELINES[name]), _images()
    recorded = pipeline.batch(images, keys=KEYS)
    torch.testing.assert_close(recorded, pipeline.batch(images.detach(), keys=KEYS), rtol=0, atol=2e-5)
    assert recorded.requires_grad


@pytest.mark.parametrize("name", PIPELINES)
def test_gradients_are_right(name: str) -> None:
    pipeline = T.Compose(PIPELINES[name])
    assert torch.autograd.gradcheck(lambda x: pipeline.batch(x, keys=KEYS), _images(torch.float64))


def test_what_is_clamped_has_no_gradient() -> None:
    bright = torch.full((1, 3, 2, 2), 0.9, requires_grad=True)
    brighter = T.ColorJitter(brightness=(2.0, 2.0)).batch(bright, keys=KEYS[:1])
    assert torch.equal(brighter.detach(), torch.ones(1, 3, 2, 2))
    assert not torch.autograd.grad(brighter.sum(), bright)[0].any()


@pytest.mark.parametrize(
    ("transform", "reason"),
    [
        (T.GaussianNoise(0.1), "adds noise"),
        (T.FillMissing("constant"), "fills missing values"),
        (T.RandomRotation(10, interpolation="bicubic"), "samples bicubically"),
        (T.ElasticTransform(), "displaces pixels"),
        (T.Resize((4, 4)), "antialiases \\(antialias=False does not\\)"),
        (T.RandomErasing(p=1.0, value="random"), "erases with random values"),
        (T.ToDtype("uint8", scale=True), "rounds to integers"),
        (T.RandomRotation(90, expand=True), "pictures of different sizes"),
        (T.GaussianBlur(3), "is 'gaussian_blur', which runs between passes"),
        (T.RandomGamma(), "runs between passes"),
    ],
)
def test_says_why_gradients_do_not_go_through(transform: T.Transform, reason: str) -> None:
    with pytest.raises(PlanError, match=f"gradients do not go through this pipeline: step 1 .*{reason}"):
        transform.batch(_images(), keys=KEYS)
    assert not transform(_images()[0].detach()).requires_grad
    with torch.no_grad():
        assert not transform(_images()[0]).requires_grad


def test_single_images_and_lists_are_recorded_too() -> None:
    pipeline, images = T.Compose(PIPELINES["turns"]), _images()
    batch = pipeline.batch(images, keys=KEYS)
    assert torch.equal(pipeline(images[1], key=KEYS[1]), batch[1])
    assert torch.equal(pipeline.batch(list(images), keys=KEYS), batch)
    (gradient,) = torch.autograd.grad(pipeline(images[1], key=KEYS[1]).sum(), images)
    assert gradient[1].any()
    assert not gradient[0].any()
    grey = images[:, 0]
    assert torch.equal(pipeline.batch(grey, keys=KEYS), pipeline.batch(grey[:, None], keys=KEYS))


def test_targets_and_stored_plans_go_with_them() -> None:
    pipeline, images = T.Compose(PIPELINES["turns"], memory_format="channels_last"), _images()
    target = {"boxes": [[1.0, 1.0, 4.0, 5.0]]}
    pictures, targets = pipeline.batch(images, [target] * 3, keys=KEYS)
    _, expected = pipeline.batch(images.detach(), [target] * 3, keys=KEYS)
    assert targets == expected
    assert pictures.is_contiguous(memory_format=torch.channels_last)
    plan = pipeline.plan([(9, 8, 3)] * 3, KEYS, dtype="float32")
    assert torch.equal(pipeline.apply(images, plan), pictures)
    with pytest.raises(PlanError, match="reads integers"):
        pipeline.apply(images, pipeline.plan([(9, 8, 3)] * 3, KEYS))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_outputs_pass_gradients_on(dtype: str) -> None:
    images = _images()
    half = T.Compose([T.RandomHorizontalFlip(), T.ToDtype(dtype)]).batch(images, keys=KEYS)
    assert str(half.dtype) == f"torch.{dtype}"
    assert torch.equal(torch.autograd.grad(half.sum(), images)[0], torch.ones_like(images))


@pytest.mark.parametrize(
    ("images", "error", "message"),
    [
        (lambda x: [x[0], x[1, :, :4]], ArgumentError, "one shape, dtype and device, got 2 kinds"),
        (lambda x: [x[0], np.zeros((9, 8, 3), np.float32)], ArgumentError, "got 2 kinds"),
        (lambda x: x[None], ArgumentError, "must be a batch \\(B, C, H, W\\)"),
        (lambda x: x.repeat(1, 6, 1, 1), ArgumentError, "1 to 16 channels, got"),
        (lambda x: x.half(), ArgumentTypeError, "must be float32 or float64, got torch.float16"),
    ],
)
def test_refuses_other_images(images: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        T.RandomHorizontalFlip().batch(images(_images()))


def test_refuses_to_write_into_a_batch() -> None:
    with pytest.raises(ArgumentError, match="out cannot be given"):
        T.RandomHorizontalFlip().batch(_images(), out=torch.empty(3, 3, 9, 8))
