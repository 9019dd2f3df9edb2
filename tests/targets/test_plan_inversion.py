"""`Plan.invert`: predictions in the outputs' frames, back in the sources'."""

from __future__ import annotations

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

SHAPE = (20, 30)
FLIP = T.RandomHorizontalFlip(1.0)


def _plan(t: Any, *indices: int) -> Plan:
    plan: Plan = t.plan([SHAPE] * max(len(indices), 1), [(0, 0, index) for index in indices or (0,)])
    return plan


pipelines = st.lists(aug.geometry(), max_size=3).map(T.Compose)


@given(aug.cases(pipelines), st.integers(0, 2**32 - 1))
def test_what_went_forward_comes_back(case: aug.Case, seed: int) -> None:
    height, width = case.image.shape[:2]
    points = np.random.default_rng(seed).random((7, 2)) * (width, height)
    _, moved = case.pipeline(case.image, {"keypoints": points}, key=case.key)
    before_the_horizon = np.isfinite(moved["keypoints"]).all(axis=1)
    points, placed = points[before_the_horizon], moved["keypoints"][before_the_horizon]
    scale = max(1.0, float(np.abs(placed).max(initial=0)))
    np.testing.assert_allclose(case.plan.invert(points=placed), points, atol=1e-7 * scale * max(height, width))


def test_perspectives_are_inverted_too() -> None:
    t = T.Compose([T.RandomPerspective(p=1.0), T.RandomRotation((20, 20)), T.RandomPerspective(p=1.0)], fuse=False)
    for index in range(20):
        plan = _plan(t, index)
        assert len(plan.passes) == 3
        assert np.abs(plan.matrices()[0, 2, :2]).max() > 0
        points = np.random.default_rng(index).random((7, 2)) * (30, 20)
        moved = t(np.zeros(SHAPE, np.uint8), {"keypoints": points}, key=(0, 0, index))[1]["keypoints"]
        np.testing.assert_allclose(plan.invert(points=moved), points, atol=1e-7)


def test_boxes_come_back_as_the_boxes_around_them() -> None:
    boxes = np.array([[1.0, 2, 5, 9], [-3, 0, 4, 4]])
    assert _plan(FLIP).invert(boxes=boxes).tolist() == [[25, 2, 29, 9], [26, 0, 33, 4]]
    turned = _plan(T.RandomRotation((45, 45))).invert(boxes=np.array([[14.0, 9, 16, 11]]))
    np.testing.assert_allclose(turned, [[15 - 2**0.5, 10 - 2**0.5, 15 + 2**0.5, 10 + 2**0.5]])


def test_boxes_without_area_come_back_without() -> None:
    flat = np.array([[14.0, 5, 14, 15], [10, 10, 20, 10], [14, 9, 14 + 1e-9, 11]])
    for t in (T.RandomRotation((45, 45)), T.RandomPerspective(p=1.0), FLIP):
        x1, y1, x2, y2 = _plan(t).invert(boxes=flat).T
        assert ((x2 - x1) * (y2 - y1) < 1e-7).all()
    assert _plan(T.RandomRotation((45, 45))).invert(boxes=flat[1:2]) == pytest.approx(np.array([[15, 10, 15, 10]]))


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float16", "float64"])
@pytest.mark.parametrize("leading", [(), (3,), (2, 1)])
def test_masks_come_back_where_the_output_shows_the_source(dtype: str, leading: tuple[int, ...]) -> None:
    source = (np.random.default_rng(0).random((*leading, *SHAPE)) * 50).astype(dtype)
    t = T.Compose([FLIP, T.RandomRotation((90, 90), expand=True), T.CenterCrop((16, 20)), T.Pad(3)])
    plan = _plan(t)
    seen = np.where(plan.invert(masks=np.ones(tuple(plan.passes[-1].rows["output_size"][0]), np.uint8)), 1, 0)
    assert seen.sum() == 16 * 20  # the padding shows nothing of the source
    moved = source[..., ::-1]
    moved = np.rot90(moved, axes=(-2, -1))[..., 7:23, :]
    moved = np.pad(moved, [(0, 0)] * len(leading) + [(3, 3), (3, 3)])
    back = plan.invert(masks=moved, mask_fill=0)
    np.testing.assert_array_equal(back, np.where(seen, source, 0).astype(dtype))
    assert back.dtype == source.dtype


@given(aug.cases(pipelines), st.sampled_from(["uint8", "float32"]))
def test_masks_agree_with_points(case: aug.Case, dtype: str) -> None:
    height, width = case.image.shape[:2]
    size = tuple(case.plan.passes[-1].rows["output_size"][0].tolist())
    mask = np.random.default_rng(0).integers(1, 200, size).astype(dtype)
    back = case.plan.invert(masks=mask, mask_fill=0)
    assert back.shape == (height, width)
    xs, ys = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    centres = np.stack([xs, ys, np.full_like(xs, 2)], axis=-1)
    _, moved = case.pipeline(case.image, {"keypoints": centres}, key=case.key)
    x, y, seen = np.moveaxis(moved["keypoints"], -1, 0)
    inner = (seen == 2) & (x < size[1]) & (y < size[0])
    columns, rows = np.floor(x[inner]).astype(int), np.floor(y[inner]).astype(int)
    np.testing.assert_array_equal(back[inner], mask[rows, columns])
    assert not back[~inner].any()


def test_fills_outside() -> None:
    plan = _plan(T.CenterCrop(10))
    assert plan.invert(masks=np.ones((10, 10), np.int64), mask_fill=-1)[0, 0] == -1
    assert not plan.invert(masks=np.ones((10, 10), bool), mask_fill=255)[0, 0]
    assert np.isnan(plan.invert(masks=np.ones((10, 10), np.float32), mask_fill=float("nan"))[0, 0])
    with pytest.raises(ArgumentError, match="uint8 masks can hold, got 300"):
        plan.invert(masks=np.ones((10, 10), np.uint8), mask_fill=300)


def test_several_at_once_and_one_entry_a_sample() -> None:
    plan = _plan(T.Compose([T.RandomHorizontalFlip()]), *range(8))
    flipped = plan.matrices()[:, 0, 0] == -1
    assert 0 < flipped.sum() < 8
    points, boxes = np.array([[1.0, 2.0]]), torch.tensor([[1.0, 2, 5, 9]])
    back = plan.invert(points=[points] * 8, boxes=boxes.repeat(8, 1, 1), masks=np.zeros((8, 1, *SHAPE), bool))
    assert [len(one) for one in back] == [8, 8, 8]
    for index in range(8):
        assert back[0][index].tolist() == ([[29, 2]] if flipped[index] else [[1, 2]])
        assert back[1][index].tolist() == ([[25, 2, 29, 9]] if flipped[index] else [[1, 2, 5, 9]])
        assert type(back[1][index]) is torch.Tensor
        assert back[1][index].dtype == torch.float32
        alone = plan[index : index + 1].invert(points=points, masks=np.zeros(SHAPE, bool))
        assert alone[0].tolist() == back[0][index].tolist()
        assert alone[1].shape == SHAPE


def test_a_sequence_of_one_gives_a_list_of_one() -> None:
    assert isinstance(_plan(FLIP).invert(points=[np.zeros((1, 2))]), list)
    assert _plan(FLIP).invert(points=torch.tensor([[1, 2]])).tolist() == [[29, 2]]
    assert _plan(FLIP).invert(points=np.zeros((2, 3, 2), np.float32)).shape == (2, 3, 2)


def test_pixel_centres() -> None:
    assert _plan(FLIP).invert(points=np.array([[0.0, 3.0]]), pixel_center=True).tolist() == [[29, 3]]


@pytest.mark.parametrize(
    ("values", "error", "words"),
    [
        ({}, ArgumentError, "nothing to invert"),
        ({"points": [np.zeros((1, 2))] * 2}, ArgumentError, "one entry a sample: got 2 for a plan of 1"),
        ({"points": np.zeros((1, 3))}, ArgumentError, "points must have shape"),
        ({"boxes": np.zeros((1, 5))}, ArgumentError, "boxes must have shape"),
        ({"masks": np.zeros((20, 29))}, ArgumentError, "masks must have shape"),
        ({"boxes": 5}, ArgumentTypeError, "one entry a sample"),
        ({"points": [np.array([[np.inf, 1]])]}, ArgumentError, r"points\[0\] must be finite"),
    ],
)
def test_refusals(values: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        _plan(FLIP).invert(**values)


def test_masks_keep_a_dtype_that_numpy_lacks() -> None:
    plan = T.RandomHorizontalFlip(1.0).plan([(4, 6)], [(0, 0, 0)])
    masks = torch.arange(24.0).reshape(1, 4, 6).bfloat16()
    (back,) = plan.invert(masks=masks)
    assert back.dtype == torch.bfloat16
    assert torch.equal(back, masks[0].flip(-1))
