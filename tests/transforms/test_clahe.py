"""CLAHE gives OpenCV's levels, and treats channels, floats and odd grids as it says."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augsynth import transforms as T
from augsynth.errors import ArgumentError
from augsynth.testing import strategies as aug

GRIDS = st.tuples(st.integers(1, 9), st.integers(1, 9))
LIMITS = st.floats(0.01, 100)
Picture = npt.NDArray[Any]


def equalized(image: Picture, limit: float, grid: tuple[int, int] = (8, 8)) -> Picture:
    result: Picture = T.CLAHE(limit, grid, p=1.0)(image).numpy().transpose(1, 2, 0)
    return result


@given(aug.shapes(70, 1).flatmap(lambda shape: aug.images(shape, ["uint8", "uint16"])), LIMITS, GRIDS, st.booleans())
def test_grey_images_get_the_levels_of_opencv(
    image: Picture, limit: float, grid: tuple[int, int], crowded: bool
) -> None:
    # Few levels, so that many are cut off.
    image = image // 16 if crowded else image
    expected = cv2.createCLAHE(limit, grid).apply(np.ascontiguousarray(image[..., 0]))
    assert np.abs(equalized(image, limit, grid)[..., 0].astype(int) - expected).max() <= 1


@pytest.mark.parametrize("shape", [(48, 64), (48, 61), (45, 64), (45, 61), (1, 1), (3, 200)])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_sizes_that_the_grid_does_not_divide(shape: tuple[int, int], dtype: str) -> None:
    image = (np.random.default_rng(0).random(shape) ** 3 * np.iinfo(dtype).max).astype(dtype)
    expected = cv2.createCLAHE(4.0, (8, 6)).apply(image)
    np.testing.assert_array_equal(equalized(image[..., None], 4.0, (8, 6))[..., 0], expected)


@given(aug.images(dtypes=["uint8", "uint16"]), LIMITS, GRIDS)
def test_channels_are_equalized_each_by_itself(image: Picture, limit: float, grid: tuple[int, int]) -> None:
    result = equalized(image, limit, grid)
    for channel in range(image.shape[-1]):
        np.testing.assert_array_equal(result[..., [channel]], equalized(image[..., [channel]], limit, grid))


@given(aug.images(dtypes=["uint16"]), LIMITS, GRIDS)
def test_floats_are_equalized_as_65536_levels(image: Picture, limit: float, grid: tuple[int, int]) -> None:
    result = equalized((image / 65535).astype(np.float32), limit, grid)
    np.testing.assert_allclose(result * 65535, equalized(image, limit, grid), rtol=0, atol=0.51)


def test_what_is_not_finite_is_clamped_and_nan_stays() -> None:
    image = np.random.default_rng(1).random((20, 30, 1), np.float32)
    special, clamped = image.copy(), image.copy()
    special[3, 4], special[5, 6], special[7, 8] = np.nan, np.inf, -np.inf
    clamped[3, 4], clamped[5, 6], clamped[7, 8] = 0, 1, 0
    expected = equalized(clamped, 3.0)
    expected[3, 4] = np.nan
    np.testing.assert_array_equal(equalized(special, 3.0), expected)


def test_limits_are_drawn_from_a_range_and_images_with_probability_p() -> None:
    image = (np.random.default_rng(2).random((40, 40, 1)) ** 2 * 16).astype(np.uint8)
    keys = [(0, 0, index) for index in range(200)]
    results = T.CLAHE((1.0, 20.0), 1, p=0.3).batch([image] * len(keys), keys=keys).numpy()
    left = (results == image.transpose(2, 0, 1)).all(axis=(1, 2, 3))
    assert 0.55 < left.mean() < 0.85
    assert len(np.unique(results[~left], axis=0)) > 20


def test_targets_stay_and_clamping_is_warned_of() -> None:
    image, boxes = np.zeros((20, 30, 1), np.float32), np.array([[1.0, 2.0, 9.0, 8.0]])
    np.testing.assert_array_equal(T.CLAHE(p=1.0)(image, {"boxes": boxes})[1]["boxes"], boxes)
    assert "CLAHE clamps to [0, 1]" in T.Compose([T.Normalize([0.5], [0.2]), T.CLAHE(p=1.0)]).explain(
        (20, 30, 1), dtype="float32"
    )


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"clip_limit": 0}, "clip_limit must be greater than 0"),
        ({"clip_limit": (3, 1)}, "clip_limit"),
        ({"tile_grid_size": 0}, "tile_grid_size"),
        ({"tile_grid_size": (8, 33)}, "tile_grid_size must be at most 32"),
        ({"p": 2}, r"p must be in \[0, 1\]"),
    ],
)
def test_what_is_refused(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        T.CLAHE(**parameters)


def test_a_plan_with_a_grid_of_no_use_is_refused() -> None:
    plan = T.CLAHE(p=1.0).plan([(9, 9, 1)], [(0, 0, 0)])
    for grid in ([0, 8], [8], [10**9, 1]):
        plan.steps[0].settings["tile_grid_size"] = np.array(grid)  # type: ignore[union-attr,index]
        with pytest.raises(ArgumentError, match="a grid must have 1 to 32 columns"):
            T.CLAHE().apply([np.zeros((9, 9, 1), np.uint8)], plan)
