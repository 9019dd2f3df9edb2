"""Crops that look at boxes and masks: what they promise, for every image."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augsynth import transforms as T
from augsynth.errors import ArgumentError
from augsynth.testing import strategies as aug

SIZE = (60, 80)
IMAGE = np.zeros((*SIZE, 3), np.uint8)


@given(boxes=aug.boxes(*SIZE), key=aug.keys(), size=st.none() | st.just((32, 40)))
def test_a_safe_crop_keeps_every_box_whole(
    boxes: np.ndarray, key: tuple[int, int, int], size: tuple[int, int] | None
) -> None:
    plan = T.RandomBoxSafeCrop(size).plan([IMAGE.shape], [key], targets=[{"boxes": boxes}])
    row = plan.passes[0].rows[0]
    height, width = row["output_size"] * row["inverse"][[1, 0], [1, 0]]
    left, top = row["inverse"][:2, 2]
    assert min(left, top) >= 0
    assert left + width <= 80 + 1e-9
    assert top + height <= 60 + 1e-9
    if len(boxes):
        assert (boxes[:, :2] >= (left, top)).all()
        assert (boxes[:, 2:] <= (left + width + 1e-9, top + height + 1e-9)).all()
    _, (moved,) = T.Compose([], min_visibility=1.0).apply([IMAGE], plan, [{"boxes": boxes}])
    assert len(moved["boxes"]) == len(boxes)


def test_safe_windows_reach_the_boxes_and_the_edges() -> None:
    target = {"boxes": [[2.5, 1.0, 5.0, 3.5]]}
    crop, keys = T.RandomBoxSafeCrop(), [(0, 0, k) for k in range(1500)]
    rows = crop.plan([(6, 7)] * 1500, keys, targets=[target] * 1500).passes[0].rows
    lefts, tops = (set(rows["inverse"][:, axis, 2].astype(int)) for axis in (0, 1))
    assert (lefts, tops) == ({0, 1, 2}, {0, 1})
    rights = set((rows["inverse"][:, 0, 2] + rows["output_size"][:, 1]).astype(int))
    assert rights == {5, 6, 7}


@given(boxes=aug.boxes(*SIZE, max_count=3), key=aug.keys(), pads=st.booleans())
def test_a_random_crop_finds_the_window_that_shows_all_if_there_is_one(
    boxes: np.ndarray, key: tuple[int, int, int], pads: bool
) -> None:
    crop = T.RandomCrop((40, 50), padding=4 if pads else None, min_visible=1.0)
    _, moved = T.Compose([crop], min_visibility=1.0)(IMAGE, {"boxes": boxes}, key=key)
    if len(boxes) and ((np.ceil(boxes[:, 2:].max(axis=0)) - np.floor(boxes[:, :2].min(axis=0))) <= (50, 40)).all():
        assert len(moved["boxes"]) == len(boxes)


def _overlaps(boxes: np.ndarray, window: np.ndarray) -> np.ndarray:
    low, high = np.maximum(boxes[:, :2], window[:2]), np.minimum(boxes[:, 2:], window[2:])
    shared = np.prod(np.maximum(high - low, 0), axis=1)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    return shared / (areas + np.prod(window[2:] - window[:2]) - shared)


@given(boxes=aug.boxes(*SIZE), key=aug.keys(), overlap=st.sampled_from([0.0, 0.1, 0.3, 0.5]))
def test_an_iou_crop_is_the_whole_image_or_overlaps_as_drawn(
    boxes: np.ndarray, key: tuple[int, int, int], overlap: float
) -> None:
    crop = T.RandomIoUCrop(sampler_options=(overlap,))
    row = crop.plan([IMAGE.shape], [key], targets=[{"boxes": boxes}]).passes[0].rows[0]
    window = np.array([*row["inverse"][:2, 2], *(row["inverse"][:2, 2] + row["output_size"][::-1])])
    if window.tolist() == [0, 0, 80, 60]:
        return
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    within = ((centres > window[:2]) & (centres < window[2:])).all(axis=1)
    assert within.any()
    assert _overlaps(boxes[within], window).max() >= overlap
    height, width = row["output_size"]
    assert 0.5 <= width / height <= 2.0
    assert height >= int(0.3 * 60)
    assert width >= int(0.3 * 80)


def test_an_overlap_of_one_keeps_the_image_whole_and_others_mostly_crop() -> None:
    target = {"boxes": [[20.0, 10, 60, 50]]}
    keys = [(0, 0, k) for k in range(300)]
    whole = T.RandomIoUCrop(sampler_options=(1.0,)).plan([SIZE] * 300, keys, targets=[target] * 300)
    assert (whole.passes[0].rows["output_size"] == SIZE).all()
    some = T.RandomIoUCrop(sampler_options=(0.5,)).plan([SIZE] * 300, keys, targets=[target] * 300)
    assert (some.passes[0].rows["output_size"] != SIZE).any(axis=1).mean() > 0.95
    # torchvision's seven overlaps leave an image whole once in seven at least.
    both = T.RandomIoUCrop().plan([SIZE] * 300, keys, targets=[target] * 300)
    assert 0.08 < (both.passes[0].rows["output_size"] == SIZE).all(axis=1).mean() < 0.35


@given(key=aug.keys(), data=st.data())
def test_a_crop_around_a_mask_shows_some_of_it(key: tuple[int, int, int], data: st.DataObject) -> None:
    mask = np.zeros(SIZE, np.uint8)
    rows, columns = data.draw(st.integers(0, 59)), data.draw(st.integers(0, 79))
    mask[rows : rows + 3, columns : columns + 2] = 2
    mask[0, 0] = 9
    t = T.Compose([T.RandomQuarterTurn(), T.RandomHorizontalFlip(), T.CropNonEmptyMask(9, values=(2,))])
    _, moved = t(IMAGE, {"masks": mask}, key=key)
    assert (moved["masks"] == 2).any()


def test_windows_around_a_pixel_are_uniform_and_others_are_random_crops() -> None:
    mask = np.zeros((9, 9), bool)
    mask[4, 4] = True
    keys = [(0, 0, k) for k in range(900)]
    crop = T.CropNonEmptyMask(3)
    rows = crop.plan([(9, 9)] * 900, keys, targets=[{"masks": mask}] * 900).passes[0].rows
    places, counts = np.unique(rows["inverse"][:, :2, 2], axis=0, return_counts=True)
    assert len(places) == 9
    assert counts.min() > 60
    for nothing in ({"masks": np.zeros((9, 9), bool)}, {"boxes": []}):
        rows = crop.plan([(9, 9)] * 900, keys, targets=[nothing] * 900).passes[0].rows
        assert len(np.unique(rows["inverse"][:, :2, 2], axis=0)) == 49


def test_marks_follow_crops_and_blurs_before_them() -> None:
    mask = np.zeros(SIZE, np.uint8)
    mask[:, :40] = 1
    t = T.Compose([T.CropAt("right", (60, 50)), T.GaussianBlur(3), T.RandomHorizontalFlip(1.0), T.CropNonEmptyMask(8)])
    for k in range(40):
        assert t(IMAGE, {"masks": mask}, key=(0, 0, k))[1]["masks"].any()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: T.RandomIoUCrop(min_scale=0), "min_scale must be greater than 0"),
        (lambda: T.RandomIoUCrop(min_scale=0.9, max_scale=0.5), "lowest, highest"),
        (lambda: T.RandomIoUCrop(sampler_options=()), "at least one"),
        (lambda: T.CropNonEmptyMask(99)(IMAGE), "does not fit"),
        (lambda: T.CropNonEmptyMask(9, values=()), "at least one"),
    ],
)
def test_what_cannot_be_is_refused_in_words(make: object, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        make()  # type: ignore[operator]
