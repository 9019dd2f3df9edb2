"""Crops and erasures that leave objects visible."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augsynth import transforms as T
from augsynth.errors import ArgumentError
from augsynth.testing import strategies as aug
from augsynth.transforms.visibility import covered

SHAPE = (60, 80, 3)
Floats = npt.NDArray[np.float64]
KEYS = [(0, 0, index) for index in range(200)]
BOXES = np.array([[20.0, 20, 30, 40], [50, 10, 60, 20]])


def _windows(t: T.Transform, boxes: Floats | None) -> Floats:
    """The part of the source (n, 4) that each key's crop shows."""
    targets = None if boxes is None else [{"boxes": boxes}] * len(KEYS)
    plan = t.plan([SHAPE] * len(KEYS), KEYS, targets=targets)
    height, width = plan.passes[-1].rows["output_size"][0]
    frame = np.array([[0.0, 0, width, height]])
    return np.concatenate(plan.invert(boxes=[frame] * len(KEYS)))


def _fraction(box: Floats, windows: Floats) -> Floats:
    low, high = np.maximum(box[:2], windows[:, :2]), np.minimum(box[2:], windows[:, 2:])
    inside: Floats = np.prod(np.maximum(high - low, 0), axis=1) / np.prod(box[2:] - box[:2])
    return inside


CROPS: list[Any] = [
    lambda **more: T.RandomCrop((40, 50), **more),
    lambda **more: T.RandomCrop((50, 50), padding=10, **more),
    lambda **more: T.RandomResizedCrop((20, 20), scale=(0.3, 0.8), **more),
]


@pytest.mark.parametrize("crop", CROPS)
def test_crops_keep_what_they_are_asked_to_keep(crop: Any) -> None:
    plain, kept = _windows(crop(), BOXES), _windows(crop(min_visible=0.6), BOXES)
    cut = np.min([_fraction(box, plain) for box in BOXES], axis=0) < 0.6
    assert 20 < cut.sum() < 180
    after = np.min([_fraction(box, kept) for box in BOXES], axis=0) >= 0.6
    assert after.mean() > 0.9
    np.testing.assert_array_equal(plain[~cut], kept[~cut])  # where the first window will do, it is the one


@pytest.mark.parametrize("crop", CROPS)
def test_without_boxes_or_without_asking_nothing_changes(crop: Any) -> None:
    plain = _windows(crop(), None)
    np.testing.assert_array_equal(plain, _windows(crop(), BOXES))
    np.testing.assert_array_equal(plain, _windows(crop(min_visible=0.9), None))
    np.testing.assert_array_equal(plain, _windows(crop(min_visible=0.9), np.zeros((0, 4))))
    outside = np.array([[-9.0, -9, -1, -1]])
    np.testing.assert_array_equal(plain, _windows(crop(min_visible=0.9), outside))


def test_where_no_window_will_do_the_best_is_taken() -> None:
    corners = np.array([[0.0, 0, 4, 4], [4, 0, 8, 4], [76, 56, 80, 60]])  # two together, one too far away
    both = np.min([_fraction(box, _windows(T.RandomCrop(40, min_visible=0.5), corners)) for box in corners[:2]], axis=0)
    assert (both >= 0.5).mean() > 2 * (
        np.min([_fraction(box, _windows(T.RandomCrop(40), corners)) for box in corners[:2]], axis=0) >= 0.5
    ).mean()


def test_of_windows_that_cut_an_object_the_one_that_shows_most_is_taken() -> None:
    wide = np.array([[0.0, 20, 80, 40]])
    plain = _fraction(wide[0], _windows(T.RandomCrop((10, 50)), wide))
    kept = _fraction(wide[0], _windows(T.RandomCrop((10, 50), min_visible=0.9), wide))
    assert (kept >= plain).all()
    assert (kept == 10 * 50 / 1600).mean() > 0.85


def test_what_is_out_of_sight_already_does_not_count() -> None:
    t = T.Compose([T.CenterCrop((40, 40)), T.RandomCrop((30, 30), min_visible=0.6)])  # x from 20 to 60, y from 10 to 50
    half = np.array([[10.0, 30, 30, 40]])  # its right half is in view
    for key in KEYS[:50]:
        _, moved = t(np.zeros(SHAPE, np.uint8), {"boxes": half}, key=key)
        x1, y1, x2, y2 = moved["boxes"][0]
        assert (x2 - x1) * (y2 - y1) >= 60


@pytest.mark.parametrize("turn", [T.RandomRotation((30, 30)), T.Pad(20), T.RandomPerspective(0.3, 1.0)], ids=repr)
def test_what_an_earlier_pass_cut_off_does_not_count(turn: T.Transform) -> None:
    """As if it were not there; of what is left, the share counts."""
    erase = T.RandomErasing(p=1.0, scale=(0.05, 0.2), count=3, min_visible=0.9)
    t = T.Compose([T.CenterCrop(30), T.GaussianBlur(3), turn, erase])  # x from 25 to 55, y from 15 to 45
    gone, cut = np.array([[56.0, 5, 79, 59], [1, 1, 24, 59]]), np.array([[30.0, 5, 40, 25]])
    left = np.array([[30.0, 15, 40, 25]])
    for one, other in ((gone, np.zeros((0, 4))), (cut, left), (np.concatenate([gone, left]), left)):
        plans = [t.plan([SHAPE] * 50, KEYS[:50], targets=[{"boxes": boxes}] * 50) for boxes in (one, other)]
        first, second = (plan.passes[-1].tables.erasures["box"] for plan in plans)
        np.testing.assert_array_equal(first, second)


def test_a_choice_depends_on_the_key_and_the_own_boxes_alone() -> None:
    t = T.RandomCrop((30, 30), min_visible=0.8)
    rng = np.random.default_rng(0)
    targets: list[Any] = []
    for _ in range(30):
        low = rng.random((3, 2)) * (60, 40)
        targets.append({"boxes": np.concatenate([low, low + 8], axis=1)})
    images = [np.zeros(SHAPE, np.uint8)] * 30
    together = t.plan([SHAPE] * 30, KEYS[:30], targets=targets).matrices()
    for index in range(30):
        alone = t.plan([SHAPE], [KEYS[index]], targets=[targets[index]]).matrices()
        np.testing.assert_array_equal(alone[0], together[index])
    assert t.batch(images, targets, keys=KEYS[:30])[0].shape == (30, 3, 30, 30)


def _erased(t: Any, boxes: Floats, key: tuple[int, int, int]) -> npt.NDArray[np.bool_]:
    image, _ = t(np.full(SHAPE, 255, np.uint8), {"boxes": boxes}, key=key)
    erased: npt.NDArray[np.bool_] = image[0].numpy() == 0
    return erased


@given(aug.boxes(60, 80), aug.keys(), st.integers(1, 4), st.floats(0.1, 1.0))
def test_erasures_spare_what_they_are_asked_to_spare(
    boxes: Floats, key: tuple[int, int, int], count: int, share: float
) -> None:
    boxes = np.concatenate([np.floor(boxes[:, :2]), np.ceil(boxes[:, 2:])], axis=1)
    erased = _erased(T.RandomErasing(p=1.0, count=count, min_visible=share), boxes, key)
    for x1, y1, x2, y2 in boxes.astype(int):
        assert 1 - erased[y1:y2, x1:x2].mean() >= share - 1e-9


def test_erasures_hide_more_when_not_asked_and_still_happen_when_asked() -> None:
    asked, plain = T.RandomErasing(p=1.0, min_visible=0.9), T.RandomErasing(p=1.0)
    hidden = [[_erased(t, BOXES, key)[20:40, 20:30].mean() for key in KEYS] for t in (asked, plain)]
    assert max(hidden[0]) <= 0.1
    assert max(hidden[1]) > 0.5
    assert np.mean([_erased(asked, BOXES, key).any() for key in KEYS]) > 0.9
    whole = np.array([[0.0, 0, 80, 60]])
    assert not any(_erased(T.RandomErasing(p=1.0, min_visible=0.999), whole, key).any() for key in KEYS)


def test_parameters_are_checked_and_stored() -> None:
    for t in (
        T.RandomCrop(4, min_visible=0.5),
        T.RandomResizedCrop(4, min_visible=0.5),
        T.RandomErasing(min_visible=1),
    ):
        assert T.from_dict(t.to_dict()) == t
    for kind in (T.RandomCrop, T.RandomResizedCrop):
        with pytest.raises(ArgumentError, match="min_visible"):
            kind(4, min_visible=1.5)


def test_an_empty_batch_has_a_plan() -> None:
    assert len(T.RandomCrop(4, min_visible=0.5).plan([], [], targets=[])) == 0
    assert len(T.RandomResizedCrop(4).plan([], [])) == 0


def test_covered_is_a_fraction_of_the_box() -> None:
    boxes, windows = np.array([[0.0, 0, 4, 4], [10, 10, 12, 12]]), np.array([[2.0, 2, 20, 20], [0, 0, 4, 4]])
    assert covered(boxes, windows).tolist() == [[0.25, 1.0], [1.0, 0.0]]
