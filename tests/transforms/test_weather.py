"""Shadows and fog: closed formulas on every dtype, alpha and targets untouched, and who is drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from augsynth import transforms as T
from augsynth.core.scale import full_scale
from augsynth.errors import ArgumentError, PlanError
from augsynth.whole_image.fog import fog
from augsynth.whole_image.shadow import shadow

KEYS = [(3, 0, index) for index in range(200)]
DTYPES = [np.uint8, np.uint16, np.float32]


def picture(dtype: Any, channels: int = 3) -> Any:
    values = np.random.default_rng(1).random((31, 44, channels))
    return (values * full_scale(np.dtype(dtype))).astype(dtype)


def close_to(found: Any, expected: Any) -> None:
    assert np.abs(found - expected).max() <= (0.5 + 1e-6 if found.dtype.kind == "u" else 1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
def test_shadows_are_opencvs_polygons_times_light(dtype: Any) -> None:
    """OpenCV draws the edge of a polygon too, so that only pixels near its edges may differ."""
    cv2 = pytest.importorskip("cv2")
    image, polygon = picture(dtype), np.array([[0.2, 0.1], [0.9, 0.3], [0.7, 0.95], [0.4, 0.8], [0.1, 0.6]])
    found = shadow(image, corners=polygon[None], darkness=np.array([0.4]))
    mask = np.zeros(image.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round((polygon * (44, 31) - 0.5) * 16).astype(np.int32)], 1, shift=4)
    inner, outer = (op(mask, np.ones((3, 3), np.uint8)).astype(bool) for op in (cv2.erode, cv2.dilate))
    assert inner.sum() > 300
    close_to(found[inner], image[inner].astype(np.float64) * 0.6)
    np.testing.assert_array_equal(found[~outer], image[~outer])


def test_shadows_that_overlap_multiply() -> None:
    left = [[0.0, 0.0], [0.6, 0.0], [0.6, 1.0], [0.0, 1.0]]
    right = [[0.4, 0.0], [1.0, 0.0], [1.0, 1.0], [0.4, 1.0]]
    found = shadow(np.ones((1, 5, 1), np.float32), corners=np.array([left, right]), darkness=np.array([0.5, 0.2]))
    np.testing.assert_allclose(found.ravel(), [0.5, 0.5, 0.4, 0.8, 0.8], atol=1e-6)


def test_shadows_are_as_many_and_as_dark_as_they_say_and_lie_in_their_part() -> None:
    t = T.RandomShadow((1, 3), (0.2, 0.6), 4, (0.1, 0.5, 0.8, 0.9), p=1.0)
    parameters = t.plan([(20, 30, 3)] * 200, KEYS).steps[0].parameters  # type: ignore[union-attr]
    counts = (parameters["darkness"] > 0).sum(axis=1)
    assert all((counts == number).sum() > 40 for number in (1, 2, 3))
    drawn = parameters["darkness"][parameters["darkness"] > 0]
    assert 0.2 <= drawn.min() < 0.22 < 0.58 < drawn.max() <= 0.6
    corners = parameters["corners"]
    assert (corners.min(axis=(0, 1, 2)) >= [0.1, 0.5]).all()
    assert (corners.max(axis=(0, 1, 2)) <= [0.8, 0.9]).all()
    aside = corners - corners.mean(axis=2, keepdims=True)
    turns = np.diff(np.arctan2(aside[..., 1], aside[..., 0]), axis=2)
    assert (turns >= 0).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_fog_is_a_mean_with_white_between_its_knots(dtype: Any) -> None:
    image, knots = picture(dtype), np.random.default_rng(2).random((4, 3))
    white = np.zeros((31, 44))
    for y in range(31):
        for x in range(44):
            down, across = (y + 0.5) / 31 * 3, (x + 0.5) / 44 * 2
            j, i = int(down), int(across)
            v, u = (3 * t**2 - 2 * t**3 for t in (down - j, across - i))
            top, bottom = (knots[row, i] * (1 - u) + knots[row, i + 1] * u for row in (j, j + 1))
            white[y, x] = 0.7 * (top * (1 - v) + bottom * v)
    expected = image + white[..., None] * (full_scale(image.dtype) - image.astype(np.float64))
    close_to(fog(image, density=knots, coefficient=0.7), expected)


@pytest.mark.parametrize("t", [T.RandomShadow(), T.RandomFog()], ids=repr)
def test_half_of_the_samples_are_changed_by_their_keys_alone(t: T.Transform) -> None:
    images = [picture(np.uint8, 4)] * 100
    together = t.batch(images, keys=KEYS[:100])
    changed = [not np.array_equal(one.permute(1, 2, 0), images[0]) for one in together]
    assert 35 < sum(changed) < 65
    for number in (0, 7, 99):
        np.testing.assert_array_equal(t(images[0], key=KEYS[number]), together[number])
    np.testing.assert_array_equal(together[:, 3], np.stack([images[0][..., 3]] * 100))


def test_targets_stay_and_stored_plans_replay(tmp_path: Any) -> None:
    t = T.Compose([T.RandomShadow(p=1.0), T.RandomFog(p=1.0)])
    target = {"boxes": [[1.0, 2, 5, 6]], "keypoints": [[3.0, 4.0]]}
    image = picture(np.uint8)
    found, moved = t(image, target, key=KEYS[0])
    assert moved == target
    plan = t.plan([image.shape], KEYS[:1])
    plan.save(tmp_path / "plan.npz")
    np.testing.assert_array_equal(t.apply([image], T.Plan.load(tmp_path / "plan.npz"))[0], found)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: T.RandomShadow(0), "num_shadows"),
        (lambda: T.RandomShadow(darkness=1.5), "darkness"),
        (lambda: T.RandomShadow(corners=2), "corners"),
        (lambda: T.RandomShadow(roi=(0.5, 0, 0.2, 1)), "left, top, right, bottom"),
        (lambda: T.RandomFog((0.5, 2.0)), "coefficient"),
        (lambda: fog(np.zeros((2, 2, 1), np.uint8), density=[[0.0]], coefficient=0.5), "density|densities"),
        (lambda: shadow(np.zeros((2, 2, 1), np.uint8), corners=np.zeros((1, 3, 2)), darkness=[2.0]), "m numbers"),
    ],
)
def test_what_cannot_be_is_refused_in_words(make: Any, words: str) -> None:
    with pytest.raises((ArgumentError, PlanError), match=words):
        make()
