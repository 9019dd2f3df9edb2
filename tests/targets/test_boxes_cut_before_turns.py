"""Boxes across passes: what one cuts off does not come back when a later one turns the frame."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augsynth import transforms as T
from augsynth.core.geometry import as_outline, clip_outline, map_polygon, outline_area
from augsynth.plan import Plan
from augsynth.plan.coordinates import coordinate_maps
from augsynth.targets.boxes import Placed, place_boxes
from augsynth.targets.rules import TargetRules
from augsynth.testing import strategies as aug

Floats = npt.NDArray[np.float64]
SIZE = (60, 80)
TURN = T.RandomRotation((30, 30))
BLUR = T.GaussianBlur(3)
GRID = (np.arange(60) + 0.5) / 60

# Each turns, in a pass of its own, what another has cut.
PIPELINES = [
    [T.RandomCrop(30), BLUR, T.RandomRotation(180)],
    [T.RandomCrop(30), BLUR, T.RandomAffine(45, (0.2, 0.2), (0.5, 2), 20)],
    [T.RandomRotation(45), BLUR, T.RandomRotation(45)],
    [T.CenterCrop(40), BLUR, T.RandomRotation(45), BLUR, T.RandomShear(30), BLUR, T.Resize((50, 70))],
    [T.RandomCrop(30), T.RandAugment(3, 20)],
]


def _plan(t: T.Compose, index: int = 0) -> Plan:
    return t.plan([SIZE], [(0, 0, index)])


def _placed(plan: Plan, boxes: Any) -> Placed:
    return place_boxes(coordinate_maps(plan.passes)[0], np.asarray(boxes, np.float64), TargetRules())


def _drawn(seed: int, count: int = 12) -> Floats:
    """Boxes of 4 to 24 pixels inside the image."""
    random = np.random.default_rng(seed)
    sides = random.uniform(4, 24, (count, 2))
    low = random.random((count, 2)) * ((80, 60) - sides)
    return np.concatenate([low, low + sides], axis=1)


def _seen(plan: Plan, box: Floats) -> Floats:
    """Return those of 60 x 60 points of the box that no pass cuts off, in the output."""
    x, y = np.meshgrid(box[0] + GRID * (box[2] - box[0]), box[1] + GRID * (box[3] - box[1]))
    points = np.stack([x.ravel(), y.ravel()], axis=1)
    for one in plan.passes:
        rows = np.concatenate([points, np.ones((len(points), 1))], axis=1) @ np.linalg.inv(one.rows["inverse"][0]).T
        rows = rows[rows[:, 2] > 1e-6]
        points = rows[:, :2] / rows[:, 2:]
        points = points[np.all((points > 0) & (points < one.rows["output_size"][0][::-1]), axis=1)]
    return points


@pytest.mark.parametrize("steps", PIPELINES, ids=str)
def test_boxes_are_measured_by_what_is_shown(steps: list[T.Transform]) -> None:
    t = T.Compose(steps)
    for index in range(6):
        plan, boxes = _plan(t, index), _drawn(index)
        placed = _placed(plan, boxes)
        for box, moved, visible, kept in zip(boxes, placed.boxes, placed.visible, placed.kept, strict=True):
            seen = _seen(plan, box)
            assert visible == pytest.approx(len(seen) / GRID.size**2, abs=0.03)
            assert kept or len(seen) == 0
            assert np.all(seen >= moved[:2] - 1e-9)
            assert np.all(seen <= moved[2:] + 1e-9)


def test_the_box_is_that_of_what_an_earlier_pass_left() -> None:
    plan = _plan(T.Compose([T.CenterCrop(20), BLUR, TURN]))  # columns 30 to 50, lines 20 to 40
    (moved,) = _placed(plan, [[35.0, 10, 45, 32]]).boxes
    left = map_polygon(np.linalg.inv(plan.matrices()[0]), [[35, 20], [45, 20], [45, 32], [35, 32]])
    assert moved == pytest.approx([*np.maximum(left.min(axis=0), 0), *np.minimum(left.max(axis=0), 20)])


def test_what_was_cut_off_wholly_stays_away() -> None:
    t = T.Compose([T.CenterCrop(20), BLUR, TURN])
    target = {"boxes": [[51.0, 22, 60, 38]], "labels": [1], "scores": [0.5], "masks": np.zeros((1, *SIZE), bool)}
    _, moved = t(np.zeros(SIZE, np.uint8), target, key=(0, 0, 0))
    assert (moved["boxes"], moved["labels"], moved["scores"]) == ([], [], [])
    assert moved["masks"].shape == (0, 20, 20)
    assert t(np.zeros(SIZE, np.uint8), [{"bbox": [51.0, 22, 9, 16]}], key=(0, 0, 0))[1] == []


@given(aug.keys(), st.integers(0, 2**32 - 1), st.sampled_from([0.1, 0.5, 0.9, 1.0]))
def test_where_nothing_was_cut_another_pass_changes_nothing(
    key: tuple[int, int, int], seed: int, min_visibility: float
) -> None:
    parts = [T.RandomHorizontalFlip(), T.RandomAffine(30, (0.2, 0.2), (0.7, 1.4), 10)]
    target = {"boxes": _drawn(seed), "labels": np.arange(12)}
    once, before, after = (
        T.Compose(steps, fuse, min_visibility=min_visibility)(np.zeros(SIZE, np.uint8), target, key=key)[1]
        for steps, fuse in ((parts, True), (parts, False), ([*parts, T.Lambda(_same, keeps_positions=True)], True))
    )
    np.testing.assert_array_equal(after["boxes"], once["boxes"])
    np.testing.assert_allclose(before["boxes"], once["boxes"], atol=1e-9)
    assert before["labels"].tolist() == after["labels"].tolist() == once["labels"].tolist()


def _same(image: Any) -> Any:
    return image


def test_an_outline_beside_the_frame_is_not_seen_though_its_box_reaches_in() -> None:
    t = T.RandomAffine((45, 45), scale=(2, 2))
    image, target = np.zeros(SIZE, np.uint8), {"boxes": [[10.0, 5, 15, 44], [10, 5, 35, 44]], "labels": [1, 2]}
    assert t(image, target, key=(0, 0, 0))[1]["labels"] == [2]
    outline = map_polygon(
        np.linalg.inv(t.plan([SIZE], [(0, 0, 0)]).matrices()[0]), [[10, 5], [35, 5], [35, 44], [10, 44]]
    )
    shown = clip_outline(as_outline(outline), (0, 0, *SIZE[::-1]))
    share = outline_area(shown) / outline_area(as_outline(outline))
    for min_visibility, labels in ((share - 0.01, [2]), (share + 0.01, [])):
        assert T.Compose([t], min_visibility=min_visibility)(image, target, key=(0, 0, 0))[1]["labels"] == labels


def test_perspectives_cut_too() -> None:
    t = T.Compose([T.RandomCrop(40), BLUR, T.RandomPerspective(0.5, 1.0), BLUR, T.RandomPerspective(0.5, 1.0)])
    for index in range(20):
        plan, boxes = _plan(t, index), _drawn(index)
        assert len(plan.passes) == 3
        placed = _placed(plan, boxes)
        seen = np.array([len(_seen(plan, box)) for box in boxes])
        assert placed.visible[seen == 0].max(initial=0.0) < 0.01
        assert placed.kept[seen > 0].all()


def test_full_visibility_is_reached_in_spite_of_rounding() -> None:
    image, target = np.zeros(SIZE, np.uint8), {"boxes": [[0.0, 0, 80, 60]], "labels": [1]}
    for size in ((41, 61), (77, 91), (113, 49)):
        for steps in ([T.Resize(size)], [T.Resize(size), BLUR, T.RandomHorizontalFlip(1.0)]):
            assert T.Compose(steps, min_visibility=1.0)(image, target, key=(0, 0, 0))[1]["labels"] == [1]
