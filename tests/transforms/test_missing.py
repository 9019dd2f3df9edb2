"""Missing values are filled by every strategy, fused where that is promised, and nothing else is touched."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augsynth import transforms as T
from augsynth.errors import ArgumentError
from augsynth.plan import Pass
from augsynth.testing import strategies as aug
from augsynth.whole_image import OPERATIONS

Key = tuple[int, int, int]
Picture = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
KEY = (5, 1, 9)
STRATEGIES = ("constant", "random", "mean", "nearest", "inpaint")
NODATA = {"uint8": 7, "uint16": 1234, "float32": float("nan")}


@st.composite
def holed(draw: st.DrawFn) -> tuple[Picture, Mask]:
    """An image with missing values, NaN or nodata, and where they are (H, W, C)."""
    image = draw(aug.shapes(12, 4).flatmap(aug.images)).copy()
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    image[random.random(image.shape) < draw(st.sampled_from([0.0, 0.2, 0.9, 1.0]))] = NODATA[image.dtype.name]
    return image, np.isnan(image) if image.dtype.kind == "f" else image == NODATA[image.dtype.name]


def filled(image: Picture, strategy: str, key: Key = KEY, **parameters: Any) -> Picture:
    fill = T.FillMissing(strategy, NODATA[image.dtype.name], **parameters)
    result: Picture = fill(image, key=key).numpy().transpose(1, 2, 0)
    return result


@given(holed(), st.sampled_from(STRATEGIES), aug.keys())
def test_nothing_is_missing_any_more_and_the_rest_stays(case: tuple[Picture, Mask], strategy: str, key: Key) -> None:
    image, gone = case
    result = filled(image, strategy, key)
    assert not np.isnan(result.astype(np.float64)).any()
    np.testing.assert_array_equal(result[~gone], image[~gone])


@given(holed(), st.integers(0, 200))
def test_constant(case: tuple[Picture, Mask], value: int) -> None:
    image, gone = case
    assert (filled(image, "constant", value=value)[gone] == value).all()


@given(holed(), st.sampled_from(["mean", "nearest", "inpaint"]), st.integers(0, 255))
def test_a_channel_without_any_value_becomes_the_stated_one(
    case: tuple[Picture, Mask], strategy: str, value: int
) -> None:
    image, _ = case
    image[..., 0] = NODATA[image.dtype.name]
    assert (filled(image, strategy, value=value)[..., 0] == value).all()


@pytest.mark.parametrize("strategy", ["constant", "mean", "nearest", "inpaint"])
def test_values_may_differ_from_channel_to_channel(strategy: str) -> None:
    image = np.full((4, 5, 3), np.nan, np.float32)
    assert (filled(image, strategy, value=(1, 2, 3)) == (1, 2, 3)).all()


@given(holed())
def test_mean(case: tuple[Picture, Mask]) -> None:
    image, gone = case
    result = filled(image, "mean").astype(np.float64)
    for c in range(image.shape[-1]):
        if gone[..., c].any() and not gone[..., c].all():
            mean = image[..., c][~gone[..., c]].astype(np.float64).mean()
            bound = 0.5 + 1e-6 if image.dtype.kind == "u" else 1e-6
            assert np.abs(result[..., c][gone[..., c]] - mean).max() <= bound


@pytest.mark.parametrize("dtype", aug.DTYPES)
def test_random_is_uniform_keyed_and_differs_from_sample_to_sample(dtype: str) -> None:
    full = {"uint8": 255, "uint16": 65535, "float32": 1}[dtype]
    images = np.full((3, 80, 80, 2), NODATA[dtype]).astype(dtype)
    keys = [(1, 0, 0), (1, 0, 1), (1, 0, 0)]
    for span, low, high in ((None, 0.0, full), ((0.25 * full, 0.5 * full), 0.25 * full, 0.5 * full)):
        fill = T.FillMissing("random", NODATA[dtype], between=span)
        first, other, again = fill.batch(images, keys=keys).numpy().astype(np.float64)
        np.testing.assert_array_equal(first, again)
        assert (first != other).mean() > 0.9
        assert low - 0.5 <= first.min()
        assert first.max() <= high + 0.5
        share = (first - low) / (high - low)
        assert abs(share.mean() - 0.5) < 5 / np.sqrt(12 * share.size)
        assert abs(share.var() - 1 / 12) < 5 / np.sqrt(180 * share.size) + 1e-4


@given(holed(), st.sampled_from(STRATEGIES))
def test_a_mask_says_what_is_missing(case: tuple[Picture, Mask], strategy: str) -> None:
    image, gone = case
    mask = gone[..., 0]
    present = np.where(np.isnan(image.astype(np.float64)), 0, image).astype(image.dtype)
    result = T.FillMissing(strategy, mask, value=1)(present, key=KEY).numpy().transpose(1, 2, 0)
    np.testing.assert_array_equal(result[~mask], present[~mask])
    if strategy != "random":
        expected = OPERATIONS[f"fill_missing_{strategy}"].function(present, mask=mask, value=1.0)
        np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("missing", [float("nan"), np.ones((6, 8), bool)], ids=["value", "mask"])
def test_what_needs_no_neighbours_is_part_of_a_pass(strategy: str, missing: Any) -> None:
    fused = strategy in ("constant", "random", "mean") and isinstance(missing, float)
    parts = [T.FillMissing(strategy, missing), T.RandomRotation(10), T.GaussianNoise()]
    steps = T.Compose(parts).plan([(6, 8)], [KEY], dtype="float32").steps
    assert [isinstance(step, Pass) for step in steps] == ([True] if fused else [False, True])


@given(holed(), st.sampled_from(STRATEGIES), aug.keys())
def test_fused_is_unfused_before_whole_pixels_are_moved(case: tuple[Picture, Mask], strategy: str, key: Key) -> None:
    image, _ = case
    parts = [T.FillMissing(strategy, NODATA[image.dtype.name]), T.RandomHorizontalFlip(), T.RandomVerticalFlip()]
    fused, unfused = (T.Compose(parts, fuse=fuse)(image, key=key).numpy() for fuse in (True, False))
    np.testing.assert_array_equal(fused, unfused)


def test_filling_comes_before_resampling_so_that_no_nan_spreads() -> None:
    image = np.random.default_rng(0).random((20, 20, 3), np.float32)
    image[5:8, 5:8] = np.nan
    result = T.Compose([T.FillMissing("mean"), T.Resize((11, 13)), T.RandomRotation(20)])(image, key=KEY)
    assert not np.isnan(result.numpy()).any()


@pytest.mark.parametrize(
    "fill",
    [
        T.FillMissing(),
        T.FillMissing("mean", -9999, value=(1, 2, 3)),
        T.FillMissing("random", between=(0.2, 0.8)),
        T.FillMissing("nearest", np.eye(3, dtype=bool)),
    ],
    ids=lambda fill: fill.strategy,
)
def test_descriptions_come_back_through_json(fill: T.Transform) -> None:
    text = json.dumps(fill.to_dict(), allow_nan=False)
    assert T.from_dict(json.loads(text)) == fill


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: T.FillMissing("median"), "strategy must be one of constant, .*, got 'median'"),
        (lambda: T.FillMissing(missing="nodata"), "missing must be a finite number, got 'nodata'"),
        (lambda: T.FillMissing(missing=float("inf")), "missing must be a finite number"),
        (lambda: T.FillMissing(missing=[[True, False], [True]]), "rows of one length"),
        (lambda: T.FillMissing(missing=[[1, 0]]), "must be true and false"),
        (lambda: T.FillMissing(missing=[[]]), "must be true and false"),
        (lambda: T.FillMissing("mean", between=(0, 1)), 'between is for strategy="random"'),
        (lambda: T.FillMissing("random", between=(1, 0)), "between must be .lowest, highest."),
        (lambda: T.FillMissing(missing=0, value=300)(np.zeros((2, 2), np.uint8)), r"value must be in \[0, 255\]"),
        (lambda: T.FillMissing("nearest", 0, -1)(np.zeros((2, 2), np.uint8)), r"value must be in \[0, 255\]"),
        (
            lambda: T.FillMissing("random", 0, between=(0, 256))(np.zeros((2, 2), np.uint8)),
            r"between must be in \[0, 255\]",
        ),
        (lambda: T.FillMissing("mean", np.eye(3, dtype=bool))(np.zeros((2, 2), np.uint8)), r"\(2, 2\).*\(3, 3\)"),
    ],
)
def test_what_is_refused(make: Callable[[], Any], message: str) -> None:
    with pytest.raises((ArgumentError, TypeError), match=message):
        make()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_nodata_value_is_what_the_image_holds_of_it(strategy: str) -> None:
    """-9999.1 is no float32, and 51 / 255 no level of a uint8 image once it was rounded."""
    image = np.full((3, 3), 5.0, np.float32)
    image[1, 1] = -9999.1
    assert T.FillMissing(strategy, -9999.1, value=5.0)(image, key=KEY).min() >= 0.0
    levels = np.full((3, 3), 51, np.uint8)
    scaled = T.Compose(
        [T.ToDtype("float32", scale=True), T.FillMissing(strategy, float(np.float32(51 / 255)), value=1.0)]
    )
    assert (scaled(levels, key=KEY) != levels[0, 0] / 255).all()
