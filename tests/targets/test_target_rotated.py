"""Rotated boxes: exact under similarities, else the smallest rectangle around what becomes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augsynth import transforms as T
from augsynth.core.geometry import as_outline, clip_outline, outline_area
from augsynth.errors import ArgumentError
from augsynth.targets.rotated import corners_of, enclosing

IMAGE = np.zeros((40, 60), np.uint8)
Floats = npt.NDArray[np.float64]

rotated = st.tuples(st.floats(0, 60), st.floats(0, 40), st.floats(1, 30), st.floats(1, 30), st.floats(-179, 180)).map(
    lambda values: np.array([values])
)


def _moved(t: Any, boxes: Any, **more: Any) -> Any:
    return t(IMAGE, {"rotated_boxes": np.asarray(boxes, np.float64), **more}, key=(0, 0, 0))[1]


def _same_rectangle(first: Floats, second: Floats) -> bool:
    """Return whether two sets of corners (4, 2) are the same, in any order."""
    distances = np.abs(first[:, None] - second[None]).max(axis=-1)
    return bool((distances.min(axis=1) < 1e-6).all())


def test_angles_turn_counter_clockwise_on_screen() -> None:
    along = corners_of(np.array([[0.0, 0.0, 2.0, 0.0, 30.0]]))[0, 1]
    assert along == pytest.approx([np.cos(np.pi / 6), -np.sin(np.pi / 6)])


@given(rotated, st.sampled_from([-150.0, -90.0, 0.0, 20.0, 45.0, 90.0, 180.0]))
def test_turns_add_to_the_angle(box: Floats, degrees: float) -> None:
    moved = _moved(T.RandomRotation((degrees, degrees), expand=True), box)["rotated_boxes"]
    if len(moved):
        assert moved[0, 2:4] == pytest.approx(box[0, 2:4])
        assert (moved[0, 4] - box[0, 4] - degrees + 180) % 360 - 180 == pytest.approx(0, abs=1e-9)
        assert -180 < moved[0, 4] <= 180


@given(rotated)
def test_nothing_changes_under_the_identity(box: Floats) -> None:
    moved = _moved(T.Compose([]), box)["rotated_boxes"]
    if len(moved):
        assert moved.tolist() == box.tolist()


@given(rotated, st.sampled_from(["horizontal", "vertical", "both", "scale"]))
def test_similarities_are_exact(box: Floats, kind: str) -> None:
    parts = {
        "horizontal": [T.RandomHorizontalFlip(1.0)],
        "vertical": [T.RandomVerticalFlip(1.0)],
        "both": [T.RandomHorizontalFlip(1.0), T.RandomVerticalFlip(1.0)],
        "scale": [T.Resize((80, 120))],
    }[kind]
    moved = _moved(T.Compose(parts), box)["rotated_boxes"]
    corners = corners_of(box)[0]
    if kind == "scale":
        corners = corners * 2
    if kind in ("horizontal", "both"):
        corners = np.array([60, 0]) + corners * np.array([-1, 1])
    if kind in ("vertical", "both"):
        corners = np.array([0, 40]) + corners * np.array([1, -1])
    if len(moved):
        assert _same_rectangle(corners_of(moved)[0], corners)
    else:
        frame = (0, 0, 60, 40) if kind != "scale" else (0, 0, 120, 80)
        assert outline_area(clip_outline(as_outline(corners), frame)) < 1e-9


def test_mirrored_upright_boxes_stay_upright() -> None:
    for flip in (T.RandomHorizontalFlip(1.0), T.RandomVerticalFlip(1.0)):
        assert _moved(flip, [[20, 20, 10, 4, 0]])["rotated_boxes"][0, 2:].tolist() == [10, 4, 0]
        assert _moved(flip, [[20, 20, 10, 4, 30]])["rotated_boxes"][0, 4] == -30


@given(rotated, st.floats(-40, 40))
def test_other_maps_give_the_smallest_rectangle_around_the_corners(box: Floats, shear: float) -> None:
    t = T.Compose([T.RandomShear((shear, shear)), T.Resize((90, 60))])
    moved = _moved(t, box)["rotated_boxes"]
    if not len(moved):
        return
    plan = t.plan([IMAGE.shape], [(0, 0, 0)])
    polygon = _through(np.linalg.inv(plan.matrices()[0]), corners_of(box)[0])
    turn = moved[0, 4] - _angle(polygon[1] - polygon[0])
    assert abs((turn + 180) % 360 - 180) <= 45 + 1e-6  # w stays along what was w
    around = corners_of(moved)[0]
    area = outline_area(as_outline(around))
    assert area >= outline_area(as_outline(polygon)) * (1 - 1e-9)
    assert area <= _smallest_by_search(polygon) * (1 + 1e-6)
    for corner in polygon:
        assert _distance_outside(corner, around) < 1e-6


def _through(matrix: Floats, points: Floats) -> Floats:
    columns = matrix @ np.column_stack([points, np.ones(len(points))]).T
    mapped: Floats = (columns[:2] / columns[2]).T
    return mapped


def _angle(vector: Floats) -> float:
    return float(np.degrees(np.arctan2(-vector[1], vector[0])))


def _smallest_by_search(polygon: Floats) -> float:
    angles = np.linspace(0, np.pi / 2, 1000)
    u = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    v = np.stack([-np.sin(angles), np.cos(angles)], axis=1)
    return float((np.ptp(polygon @ u.T, axis=0) * np.ptp(polygon @ v.T, axis=0)).min())


def _distance_outside(point: Floats, corners: Floats) -> float:
    edges = np.roll(corners, -1, axis=0) - corners
    offsets = point - corners
    cross = (edges[:, 0] * offsets[:, 1] - edges[:, 1] * offsets[:, 0]) / np.maximum(np.hypot(*edges.T), 1e-12)
    return float(-cross.min())


def test_the_side_w_stays_the_side_w() -> None:
    moved = _moved(T.Resize((20, 60)), [[30, 20, 20, 10, 0], [30, 20, 20, 10, 90]])["rotated_boxes"]
    np.testing.assert_allclose(moved, [[30, 10, 20, 5, 0], [30, 10, 10, 10, 90]], atol=1e-9)


def test_they_are_kept_by_the_area_within_the_frame() -> None:
    boxes = [[20, 20, 20, 20, 45.0], [40, 20, 10, 10, 0.0]]
    crop = [T.CenterCrop((40, 20))]  # columns 20 to 40: half of each box
    moved = _moved(T.Compose(crop, min_visibility=0.4999), boxes, labels=[1, 2])
    assert moved["labels"] == [1, 2]
    assert moved["rotated_boxes"][0].tolist() == [0, 20, 20, 20, 45]  # whole, not clipped
    assert _moved(T.Compose(crop, min_visibility=0.51), boxes, labels=[1, 2])["labels"] == []
    assert _moved(T.Compose(crop, min_area=51), boxes, labels=[1, 2])["labels"] == [1]


def test_beside_upright_boxes_those_decide() -> None:
    target = {"boxes": [[0.0, 0, 10, 10], [30, 10, 50, 30]], "rotated_boxes": [[5.0, 5, 9, 9, 3], [40, 20, 18, 18, 3]]}
    _, moved = T.RandomCrop(20, min_visible=1.0)(np.zeros((40, 60), np.uint8), target, key=(0, 0, 4))
    assert len(moved["boxes"]) == len(moved["rotated_boxes"])


def test_the_smallest_rectangle_of_nothing_is_none() -> None:
    assert np.isnan(enclosing(np.zeros((0, 2)))).all()


def test_negative_sides_are_refused() -> None:
    with pytest.raises(ArgumentError, match="h >= 0"):
        _moved(T.Compose([]), [[0, 0, 1, -1, 0]])
