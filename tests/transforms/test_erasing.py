"""Erasing overwrites the rectangles that were drawn and nothing else, by the rule of the papers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augsynth import transforms as T
from augsynth._native.layout import DType
from augsynth.errors import ArgumentError
from augsynth.plan import FULL_SCALE, Pass
from augsynth.testing import strategies as aug

Key = tuple[int, int, int]
Boxes = npt.NDArray[np.int64]
IMAGES = aug.shapes(24, 3).flatmap(aug.images)
ERASERS = st.one_of(
    st.builds(T.RandomErasing, p=st.just(1.0), count=st.integers(1, 4)),
    st.builds(T.GridMask, st.floats(0.1, 1.0), st.floats(0, 1), p=st.just(1.0)),
)


def boxes_of(step: Any, sample: int = 0) -> Boxes:
    """The rectangles (m, 4) of a sample of a pass: top, left, bottom, right."""
    assert isinstance(step, Pass)
    boxes: Boxes = step.tables.erasures["box"][slice(*step.rows["erasures"][sample])].astype(np.int64)
    return boxes


def covered(boxes: Boxes, height: int, width: int) -> npt.NDArray[np.bool_]:
    mask = np.zeros((height, width), bool)
    for top, left, bottom, right in boxes:
        mask[top:bottom, left:right] = True
    return mask


@given(IMAGES, ERASERS, aug.keys(), st.floats(0, 1))
def test_what_was_drawn_is_overwritten_and_nothing_else(
    image: npt.NDArray[Any], eraser: Any, key: Key, share: float
) -> None:
    full = FULL_SCALE[DType[image.dtype.name.upper()]]
    value = float(np.float32(share)) if full == 1 else float(round(share * full))
    eraser = T.from_dict({**eraser.to_dict(), "value": value})
    plan = eraser.plan([image.shape], [key], dtype=image.dtype.name)
    mask = covered(boxes_of(plan.steps[0]), *image.shape[:2])
    expected = np.where(mask[..., None], np.asarray(value, image.dtype), image)
    np.testing.assert_array_equal(eraser(image, key=key).numpy().transpose(1, 2, 0), expected)


@given(IMAGES, aug.keys())
def test_with_p_0_nothing_changes(image: npt.NDArray[Any], key: Key) -> None:
    for eraser in (T.RandomErasing(p=0.0, value="random"), T.GridMask(p=0.0)):
        np.testing.assert_array_equal(eraser(image, key=key).numpy().transpose(1, 2, 0), image)


@given(
    aug.shapes(200, 1),
    st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted),
    st.tuples(st.floats(0.1, 10), st.floats(0.1, 10)).map(sorted),
    aug.keys(),
)
def test_rectangles_have_the_drawn_area_and_shape(
    shape: aug.Shape, scale: list[float], ratio: list[float], key: Key
) -> None:
    height, width, _ = shape
    erasing = T.RandomErasing(1.0, scale, ratio, count=3)
    boxes = boxes_of(erasing.plan([shape], [key]).steps[0])
    h, w = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    assert ((boxes[:, :2] >= 0) & (boxes[:, 2:] <= (height, width))).all()
    assert ((h > 0) & (h < height) & (w > 0) & (w < width)).all()
    area = height * width
    # A side is rounded by half a pixel at most.
    assert ((h - 0.5) * (w - 0.5) <= scale[1] * area + 1e-6).all()
    assert ((h + 0.5) * (w + 0.5) >= scale[0] * area - 1e-6).all()
    assert ((h - 0.5) / (w + 0.5) <= ratio[1] + 1e-6).all()
    assert ((h + 0.5) / (w - 0.5) >= ratio[0] - 1e-6).all()


def test_area_ratio_and_place_are_uniform() -> None:
    """Mean and spread over 4,000 rectangles that always fit, at five standard errors."""
    n, side = 4000, 1000
    plan = T.RandomErasing(1.0, (0.02, 0.2), (0.5, 2.0)).plan([(side, side)] * n, [(6, 0, i) for i in range(n)])
    boxes = np.concatenate([boxes_of(plan.steps[0], i) for i in range(n)])
    assert len(boxes) == n
    h, w = (boxes[:, 2] - boxes[:, 0]).astype(float), (boxes[:, 3] - boxes[:, 1]).astype(float)
    top, left = boxes[:, 0] / (side - h), boxes[:, 1] / (side - w)
    shares = ((h * w / side**2 - 0.02) / 0.18, np.log(h / w) / np.log(4) + 0.5, top, left)
    for uniform in shares:
        assert abs(uniform.mean() - 0.5) < 5 / np.sqrt(12 * n) + 1e-3
        assert abs(uniform.var() - 1 / 12) < 5 / np.sqrt(180 * n) + 1e-3
    assert (np.abs(np.corrcoef(shares)) - np.eye(4)).max() < 5 / np.sqrt(n) + 1e-9


def test_rectangles_reach_every_edge() -> None:
    plan = T.RandomErasing(1.0, (0.75, 0.78), (1.0, 1.0)).plan([(8, 8)] * 200, [(3, 0, i) for i in range(200)])
    corners = {tuple(boxes_of(plan.steps[0], i)[0].tolist()) for i in range(200)}
    assert corners == {(y, x, y + 7, x + 7) for y in (0, 1) for x in (0, 1)}


def test_what_never_fits_is_not_erased() -> None:
    image = np.ones((4, 4), np.uint8)
    assert T.RandomErasing(1.0, (1.0, 1.0), (1.0, 1.0))(image).sum() == 16
    assert T.RandomErasing(1.0)(np.ones((1, 9), np.uint8)).sum() == 9
    assert T.RandomErasing(1.0, ratio=(1e-300, 1e-299))(image).sum() == 16


def test_ten_attempts_are_made() -> None:
    """Rectangles fit if their height is below 63.5 pixels, so if their ratio is below 63.5**2 / 2048."""
    n, fits = 12000, np.log(63.5**2 / 2048) / np.log(16)
    plan = T.RandomErasing(1.0, (0.5, 0.5), (1.0, 16.0)).plan([(64, 64)] * n, [(7, 0, i) for i in range(n)])
    erased = plan.passes[0].rows["erasures"] @ [-1, 1]
    assert set(erased.tolist()) <= {0, 1}
    missed = (1 - fits) ** 10
    assert abs((erased == 0).mean() - missed) < 5 * np.sqrt(missed / n)


@given(aug.keys(), st.sampled_from(aug.DTYPES))
def test_random_values_are_uniform_over_the_full_scale(key: Key, dtype: str) -> None:
    full = FULL_SCALE[DType[dtype.upper()]]
    image = np.full((64, 64, 3), full / 2).astype(dtype)
    erasing = T.RandomErasing(1.0, (0.3, 0.5), (0.8, 1.25), value="random")
    mask = covered(boxes_of(erasing.plan([image.shape], [key], dtype=dtype).steps[0]), 64, 64)
    values = erasing(image, key=key).numpy().transpose(1, 2, 0)[mask].astype(np.float64) / full
    n = values.size
    assert values.min() >= 0
    assert values.max() <= 1
    assert abs(values.mean() - 0.5) < 6 / np.sqrt(12 * n)
    assert abs(values.var() - 1 / 12) < 6 / np.sqrt(180 * n) + 1e-4
    assert len(np.unique(values)) > 200


def test_values_are_in_the_scale_at_that_point() -> None:
    image = np.full((8, 8, 1), 100, np.uint8)
    erase = {"p": 1.0, "scale": (0.25, 0.25), "ratio": (1, 1)}
    normalised = T.Compose([T.Normalize([0.5], [0.25]), T.RandomErasing(value=-3.0, **erase)])
    assert len(normalised.plan([image.shape], [(0, 0, 0)]).steps) == 1
    result = normalised(image, key=(0, 0, 0)).numpy()
    assert (np.isclose(result, -3.0, atol=1e-5)).sum() == 16
    assert np.isclose(result, (100 / 255 - 0.5) / 0.25, atol=1e-5).sum() == 48
    coloured = T.RandomErasing(value=(10, 20, 30), **erase)(np.zeros((8, 8, 3), np.uint8), key=(0, 0, 0)).numpy()
    assert [int(one.max()) for one in coloured] == [10, 20, 30]


@given(st.integers(4, 60), st.integers(4, 60), st.floats(0.1, 1.0), st.floats(0.0, 1.0), aug.keys())
def test_a_grid_is_periodic_and_keeps_its_share(height: int, width: int, unit: float, ratio: float, key: Key) -> None:
    mask = covered(boxes_of(T.GridMask(unit, ratio, p=1.0).plan([(height, width)], [key]).steps[0]), height, width)
    period = max(round(unit * min(height, width)), 2)
    side = round(period * (1 - ratio))
    np.testing.assert_array_equal(mask[period:], mask[:-period] if period < height else mask[period:])
    np.testing.assert_array_equal(mask[:, period:], mask[:, :-period] if period < width else mask[:, period:])
    tile = mask[:period, :period]
    if period <= min(height, width):
        assert tile.sum() == side**2


def test_grids_lie_anywhere() -> None:
    plan = T.GridMask(0.5, 0.5, p=1.0).plan([(20, 20)] * 400, [(9, 0, i) for i in range(400)])
    corners = {tuple(boxes_of(plan.steps[0], i)[-1].tolist()) for i in range(400)}
    assert len(corners) > 60  # of 100 origins


@given(ERASERS, st.integers(0, 2**40))
def test_a_batch_is_its_images_one_by_one(eraser: T.Transform, index: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 9, 12, 3), dtype=np.uint8)
    keys = [(1, 2, index + i) for i in range(5)]
    together = eraser.batch(images, keys=keys).numpy()
    for i in range(5):
        np.testing.assert_array_equal(together[i], eraser(images[i], key=keys[i]).numpy())
    if isinstance(eraser, T.RandomErasing):
        assert len(np.unique((together != images.transpose(0, 3, 1, 2)).any(axis=1), axis=0)) > 1


@given(IMAGES, aug.keys())
def test_fused_is_unfused(image: npt.NDArray[Any], key: Key) -> None:
    parts = [T.RandomHorizontalFlip(), T.RandomErasing(1.0, value="random"), T.GridMask(p=1.0)]
    fused, unfused = T.Compose(parts), T.Compose(parts, fuse=False)
    assert len(fused.plan([image.shape], [key], dtype=image.dtype.name).steps) == 1
    np.testing.assert_array_equal(fused(image, key=key).numpy(), unfused(image, key=key).numpy())


@pytest.mark.parametrize("eraser", [T.RandomErasing(value="random", count=3), T.GridMask(value=(1, 2, 3))], ids=str)
def test_descriptions_come_back(eraser: T.Transform) -> None:
    assert T.from_dict(eraser.to_dict()) == eraser


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: T.RandomErasing(scale=(0.5, 1.5)), r"scale.* must be in \[0, 1\]"),
        (lambda: T.RandomErasing(ratio=(0.0, 1.0)), "ratio must be greater than 0"),
        (lambda: T.RandomErasing(value="noise"), "value must be a number, one a channel, or 'random', got 'noise'"),
        (lambda: T.RandomErasing(count=0), "count must be at least 1"),
        (lambda: T.RandomErasing(count=1000), "count must be at most 64"),
        (lambda: T.RandomErasing(1.0, value=300)(np.ones((9, 9), np.uint8)), r"value must be in \[0, 255\]"),
        (lambda: T.RandomErasing(1.0, value=(1, 2))(np.ones((9, 9, 3), np.uint8)), "value has 2 values, .* 3 channels"),
        (lambda: T.GridMask(unit=0.001), r"unit must be in \[0.02, 1\]"),
        (lambda: T.GridMask(ratio=1.5), r"ratio must be in \[0, 1\]"),
    ],
)
def test_what_is_refused(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        make()
