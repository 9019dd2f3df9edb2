"""Random perspectives: where the corners go, and what a projective map keeps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augsynth import transforms as T
from augsynth.core.geometry import map_points
from augsynth.errors import ArgumentError
from augsynth.testing import strategies as aug
from augsynth.transforms.perspective import projective

CORNERS = np.array([(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)])


@given(size=st.tuples(st.integers(1, 300), st.integers(1, 300)), scale=st.floats(0, 1), key=aug.keys())
def test_corners_move_inwards_by_no_more_than_it_says(
    size: tuple[int, int], scale: float, key: tuple[int, int, int]
) -> None:
    inverse = T.RandomPerspective(scale, p=1.0).plan([size], [key]).matrices()[0]
    height, width = size
    corners = CORNERS * (width, height)
    moved = map_points(np.linalg.inv(inverse), corners)
    inwards = (moved - corners) * (1 - 2 * CORNERS) / (width, height)
    assert inwards.min() >= -1e-6
    assert inwards.max() <= scale / 2 + 1e-6


def test_the_horizon_stays_out_of_the_picture() -> None:
    shapes, keys = [(30, 40)] * 3000, [(0, 0, k) for k in range(3000)]
    inverse = T.RandomPerspective(1.0, p=1.0).plan(shapes, keys).matrices()
    depths = np.array([(0, 0, 1), (40, 0, 1), (40, 30, 1), (0, 30, 1)]) @ inverse[:, 2, :, None]
    assert depths.min() > 0
    assert T.RandomPerspective(1.0, p=1.0).batch(np.zeros((3000, 6, 8), np.uint8), keys=keys).shape == (3000, 1, 6, 8)


@pytest.mark.parametrize(
    "after", [T.RandomPerspective(0.8, p=1.0), T.RandomTranslate((1.0, 1.0)), T.RandomRotation((45, 45))]
)
def test_nothing_that_follows_in_its_pass_looks_behind_the_horizon(after: T.Transform) -> None:
    t = T.Compose([T.RandomPerspective(0.8, p=1.0), T.RandomHorizontalFlip(), after])
    assert t.batch(np.zeros((1000, 6, 8), np.uint8), keys=[(0, 0, k) for k in range(1000)]).shape == (1000, 1, 6, 8)
    assert "where its horizon is" in t.explain()
    assert t.explain().startswith("2 passes")


@given(points=st.integers(0, 2**32 - 1))
def test_four_points_decide_a_projective_map(points: int) -> None:
    random = np.random.default_rng(points)
    before = CORNERS * 50 + random.uniform(-10, 10, (7, 4, 2))
    after = CORNERS * 70 + random.uniform(-10, 10, (7, 4, 2))
    for matrix, source, image in zip(projective(before, after), before, after, strict=True):
        np.testing.assert_allclose(map_points(matrix, source), image, atol=1e-8)


def test_it_happens_as_often_as_it_says() -> None:
    plan = T.RandomPerspective(0.4, p=0.3).plan([(20, 30)] * 2000, [(0, 0, k) for k in range(2000)])
    share = (plan.matrices() != np.eye(3)).any(axis=(1, 2)).mean()
    assert 0.25 < share < 0.35


def test_without_distortion_every_pixel_stays(isa: str) -> None:
    image = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    same = T.RandomPerspective(0.0, p=1.0)(image, key=(0, 0, 0)).numpy()
    assert np.abs(same.astype(int) - np.moveaxis(image, -1, 0)).max() <= 1


def test_a_distortion_beyond_the_middle_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"distortion_scale must be in \[0, 1\]"):
        T.RandomPerspective(1.2)
