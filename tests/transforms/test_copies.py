"""Samples that are left out, and moves by whole pixels, copy every value bit for bit, on every executor."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from copies import LEFT_OUT, MOVED, NEUTRAL, same, special_picture

from augsynth import transforms as T
from augsynth.engine import run
from augsynth.engine.reference import ReferenceExecutor
from augsynth.errors import PlanError
from augsynth.testing import strategies as aug

Image = npt.NDArray[Any]
KEY = (5, 6, 7)
COPIED = {**LEFT_OUT, **NEUTRAL}
CASES = {**{name: (t, same) for name, t in COPIED.items()}, **MOVED}
FLOATS_ONLY = {"normalised by nothing"}


def bits(image: Image) -> Image:
    """The elements as whole numbers, to which NaN and the sign of 0 are like any others."""
    return np.ascontiguousarray(image).view(f"u{image.dtype.itemsize}")


def picture_for(name: str, dtype: str, channels: int = 3) -> Image:
    return special_picture((9, 12, channels) if name == "every third pixel" else (8, 11, channels), dtype)


def by_reference(t: T.Pipeline, image: Image) -> Image:
    """Return the result (C, H, W) of the reference for an image (H, W, C)."""
    plan = t.plan([image.shape], [KEY], dtype=image.dtype.name)
    (output,) = outputs = ReferenceExecutor().allocate(plan.passes[-1].rows)
    run(plan, [image], ReferenceExecutor(), outputs)
    return output


@pytest.mark.parametrize("dtype", aug.DTYPES)
@pytest.mark.parametrize("name", CASES)
def test_pixels_are_copied(isa: str, name: str, dtype: str) -> None:
    if name in FLOATS_ONLY and dtype != "float32":
        pytest.skip("a float32 image is normalised as it is")
    t, move = CASES[name]
    image = picture_for(name, dtype)
    np.testing.assert_array_equal(bits(t(image, key=KEY).numpy()), bits(move(image).transpose(2, 0, 1)))


@pytest.mark.parametrize("channels", [1, 2, 4, 5])
@pytest.mark.parametrize("name", MOVED)
def test_any_channels_and_strides_are_copied(isa: str, name: str, channels: int) -> None:
    t, move = MOVED[name]
    image = picture_for(name, "float32", channels)
    views = [image, np.repeat(image, 2, axis=1)[:, ::2], image[::-1, ::-1].copy()[::-1, ::-1]]
    views.append(np.ascontiguousarray(image.transpose(2, 0, 1)).transpose(1, 2, 0))
    for view in views:
        np.testing.assert_array_equal(bits(t(view, key=KEY).numpy()), bits(move(image).transpose(2, 0, 1)))


@pytest.mark.parametrize("name", LEFT_OUT)
def test_lines_of_several_chunks_are_copied(isa: str, name: str) -> None:
    image = special_picture((5, 530, 3), "float32", seed=1)
    np.testing.assert_array_equal(bits(LEFT_OUT[name](image, key=KEY).numpy()), bits(image.transpose(2, 0, 1)))


@pytest.mark.parametrize("end", ["float16", "bfloat16", "uint8"])
def test_another_dtype_changes_nothing_more(isa: str, end: str) -> None:
    image = special_picture((8, 11, 3), "float32")
    plain, left_out = T.ToDtype(end), T.Compose([T.RandomApply([T.RandomRotation(30)], 0.0), T.ToDtype(end)])
    assert torch.equal(*(t(image, key=KEY).view(torch.uint8) for t in (plain, left_out)))


def test_in_a_batch_those_are_copied_that_are_left_out(isa: str) -> None:
    changing = T.Compose([T.RandomRotation((40, 50), "bicubic"), T.ColorJitter(0.5, 0.5), T.GaussianNoise(0.1, 0.2)])
    t = T.RandomApply([changing], 0.5)
    images = np.stack([special_picture((9, 10, 3), "float32", seed) for seed in range(40)])
    keys = [(0, 0, index) for index in range(40)]
    rows = t.plan([(9, 10, 3)] * 40, keys, dtype="float32").passes[0].rows
    left_out = (rows["inverse"] == np.eye(3)).all((1, 2))
    results = t.batch(images, keys=keys).numpy()
    assert 5 < left_out.sum() < 35
    np.testing.assert_array_equal(bits(results[left_out]), bits(images[left_out].transpose(0, 3, 1, 2)))
    assert (bits(results[~left_out]) != bits(images[~left_out].transpose(0, 3, 1, 2))).any((1, 2, 3)).all()


@pytest.mark.parametrize("dtype", aug.DTYPES)
@pytest.mark.parametrize("name", CASES)
def test_the_reference_copies_them(name: str, dtype: str) -> None:
    if name in FLOATS_ONLY and dtype != "float32":
        pytest.skip("a float32 image is normalised as it is")
    t, move = CASES[name]
    image = picture_for(name, dtype)
    np.testing.assert_array_equal(bits(by_reference(t, image)), bits(move(image).transpose(2, 0, 1)))


@pytest.mark.parametrize("name", CASES)
def test_images_and_gradients_are_copied(name: str) -> None:
    t, move = CASES[name]
    images = special_picture((9, 12, 3) if name == "every third pixel" else (8, 11, 3), "float32")
    planes = torch.from_numpy(images.transpose(2, 0, 1).copy()).requires_grad_()
    with contextlib.suppress(PlanError):  # of what no gradient goes through
        output = t(planes, key=KEY)
        np.testing.assert_array_equal(bits(output.detach().numpy()), bits(move(images).transpose(2, 0, 1)))
        gradient = special_picture(output.shape, "float32", seed=2)
        output.backward(torch.from_numpy(gradient))
        assert planes.grad is not None
        positions = np.arange(images.size).reshape(images.shape)
        moved = move(positions + 1).transpose(2, 0, 1)  # 0 is padding
        expected = np.zeros(images.size + 1, np.float32)
        expected[moved] = gradient
        found = planes.grad.numpy().transpose(1, 2, 0).ravel()
        np.testing.assert_array_equal(found, expected[1:])
