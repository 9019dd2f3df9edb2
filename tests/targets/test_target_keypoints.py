"""Keypoints: both conventions, visibility, and what erasing hides."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from augsynth import transforms as T
from augsynth.errors import ArgumentError
from augsynth.testing import strategies as aug

IMAGE = np.zeros((20, 30, 3), np.uint8)


def _points(t: Any, points: Any, **more: Any) -> Any:
    return t(IMAGE, {"keypoints": points, **more}, key=(0, 0, 0))[1]["keypoints"]


def test_keypoints_are_corner_coordinates() -> None:
    assert _points(T.RandomHorizontalFlip(1.0), np.array([[0.0, 4.0], [30.0, 5.5]])).tolist() == [[30, 4], [0, 5.5]]


def test_or_name_pixel_centres() -> None:
    flip = T.Compose([T.RandomHorizontalFlip(1.0)], pixel_center=True)
    assert _points(flip, np.array([[0.0, 4.0], [29.0, 5.0]])).tolist() == [[29, 4], [0, 5]]
    assert _points(T.Compose([T.Resize((40, 60))], pixel_center=True), np.array([[0.0, 1.0]])).tolist() == [[0.5, 2.5]]


@given(aug.cases(st.lists(aug.geometry(), max_size=3).map(T.Compose)), st.integers(0, 2**32 - 1))
def test_the_two_conventions_are_half_a_pixel_apart(case: aug.Case, seed: int) -> None:
    height, width = case.image.shape[:2]
    points = np.random.default_rng(seed).random((5, 2)) * (width, height)
    centred = T.Compose([case.pipeline], pixel_center=True)
    _, corners = case.pipeline(case.image, {"keypoints": points}, key=case.key)
    _, centres = centred(case.image, {"keypoints": points - 0.5}, key=case.key)
    np.testing.assert_allclose(centres["keypoints"] + 0.5, corners["keypoints"], rtol=1e-9, atol=1e-6)


@pytest.mark.parametrize("shape", [(0, 2), (5, 2), (3, 4, 2), (1, 2, 2, 2), (5, 3), (3, 4, 3)])
def test_any_leading_shape(shape: tuple[int, ...]) -> None:
    points = np.random.default_rng(0).random(shape, np.float32) * 10
    points[..., 2:] = 2
    moved = _points(T.RandomVerticalFlip(1.0), points)
    expected = points.copy()
    expected[..., 1] = 20 - expected[..., 1]
    np.testing.assert_allclose(moved, expected, rtol=1e-6)
    assert moved.dtype == np.float32


def test_points_outside_stay_in_their_place_and_number() -> None:
    points = np.array([[0.0, 0.0], [15.0, 10.0]])
    assert _points(T.CenterCrop(10), points).tolist() == [[-10, -5], [5, 5]]


def test_points_outside_are_no_longer_visible() -> None:
    points = np.array([[0.0, 0, 2], [15, 10, 2], [20, 10, 1], [9.9, 10, 1], [15, 10, 0]])
    moved = _points(T.CenterCrop(10), points)
    assert moved[:, 2].tolist() == [0, 2, 1, 0, 0]
    assert moved[:, :2].tolist()[:4] == [[-10, -5], [5, 5], [10, 5], [9.9 - 10, 5]]
    assert moved[4].tolist() == [15, 10, 0]  # it never had a place


def test_what_one_pass_cuts_off_stays_invisible() -> None:
    t = T.Compose([T.CenterCrop(10), T.Pad(10)])
    assert _points(t, np.array([[5.0, 10, 2], [15, 10, 2]])).tolist() == [[5, 15, 0], [15, 15, 2]]


@pytest.mark.parametrize(
    "visibility", [torch.tensor([2, 2, 0]), np.array([2, 2, 0], np.uint8), [2, 2, 0], np.array([True, True, False])]
)
def test_visibility_can_be_a_field_of_its_own(visibility: Any) -> None:
    points = torch.tensor([[0.0, 0.0], [15.0, 10.0], [1.0, 1.0]])
    _, moved = T.CenterCrop(10)(IMAGE, {"keypoints": points, "visibility": visibility})
    assert type(moved["visibility"]) is type(visibility)
    seen = np.asarray(moved["visibility"])
    assert seen.astype(bool).tolist() == [False, True, False]
    assert seen.dtype == np.asarray(visibility).dtype
    assert moved["keypoints"].tolist() == [[-10, -5], [5, 5], [1, 1]]


def test_erased_points_are_hidden_from_2_to_1() -> None:
    t = T.Compose([T.RandomHorizontalFlip(1.0), T.RandomErasing(p=1.0, scale=(0.2, 0.2), ratio=(1, 1)), T.Pad(3)])
    xs, ys = np.meshgrid(np.arange(30) + 0.5, np.arange(20) + 0.5)
    points = np.stack([xs, ys, np.full_like(xs, 2)], axis=-1)
    points[::2, :, 2] = 1
    image, moved = t(np.full((20, 30), 200, np.uint8), {"keypoints": points}, key=(3, 0, 0))
    x, y, seen = moved["keypoints"].reshape(-1, 3).T
    erased = image[0].numpy()[y.astype(int), x.astype(int)] == 0
    assert 50 < erased.sum() < 300
    was = points.reshape(-1, 3)[:, 2]
    np.testing.assert_array_equal(seen, np.where(erased, 1, was))


@given(aug.cases(st.lists(aug.geometry(), max_size=3).map(T.Compose)), st.integers(0, 2**32 - 1))
def test_the_matrix_of_the_plan_takes_points_back(case: aug.Case, seed: int) -> None:
    height, width = case.image.shape[:2]
    points = np.random.default_rng(seed).random((6, 2)) * (width, height)
    _, moved = case.pipeline(case.image, {"keypoints": points}, key=case.key)
    before_the_horizon = np.isfinite(moved["keypoints"]).all(axis=1)
    points, placed = points[before_the_horizon], moved["keypoints"][before_the_horizon]
    columns = case.plan.matrices()[0] @ np.column_stack([placed, np.ones(len(placed))]).T
    scale = max(1.0, float(np.abs(placed).max(initial=0)))
    np.testing.assert_allclose((columns[:2] / columns[2]).T, points, atol=1e-7 * scale * max(height, width))


def _bright(image: npt.NDArray[Any]) -> list[float]:
    y, x = np.unravel_index(int(image.argmax()), image.shape)
    return [float(x) + 0.5, float(y) + 0.5]


@given(st.integers(0, 29), st.integers(0, 19), aug.keys())
def test_a_point_stays_on_its_pixel(x: int, y: int, key: tuple[int, int, int]) -> None:
    image = np.zeros((20, 30), np.uint8)
    image[y, x] = 255
    t = T.Compose(
        [
            T.RandomHorizontalFlip(),
            T.RandomVerticalFlip(),
            T.RandomRotation((90, 90), expand=True),
            T.RandomCrop((25, 15), padding=2),
        ]
    )
    output, target = t(image, {"keypoints": np.array([[x + 0.5, y + 0.5, 2.0]])}, key=key)
    ((px, py, seen),) = target["keypoints"]
    assert (seen == 2) == bool(output.max() == 255)
    if seen:
        assert [px, py] == _bright(output[0].numpy())


def test_a_point_without_a_place_has_none_afterwards() -> None:
    moved = _points(T.RandomVerticalFlip(1.0), np.array([[np.nan, np.nan, 2], [1, 5, 2]]))
    assert np.isnan(moved[0, :2]).all()
    assert moved[0, 2] == 0
    assert moved[1].tolist() == [1, 15, 2]


def test_a_visibility_of_another_length_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"visibility must have one entry a keypoint, \(2,\) in all; got \(3,\)"):
        _points(T.Pad(1), np.zeros((2, 2)), visibility=[1, 2, 0])
