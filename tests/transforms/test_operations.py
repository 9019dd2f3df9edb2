"""Operations on whole images and on single values agree with SciPy, with Pillow, and with their formulas."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance, ImageOps
from scipy import ndimage

from augsynth.core.points import POINTS
from augsynth.core.scale import full_scale
from augsynth.engine import whole_images
from augsynth.errors import ArgumentError
from augsynth.plan import Barrier
from augsynth.testing import strategies as aug
from augsynth.whole_image import OPERATIONS
from augsynth.whole_image.gaussian_blur import normal_kernel

Picture = npt.NDArray[Any]
SMALL = aug.shapes(12, 4)
BYTES = SMALL.flatmap(lambda shape: aug.images(shape, ["uint8"]))
PICTURES = SMALL.flatmap(aug.images)


# Operations on any image that keep its channels. JPEG has one or three, and "grey" makes one: both have own tests.
SAME_CHANNELS = sorted({name for name, operation in OPERATIONS.items() if operation.channels is None} - {"jpeg"})


def channels(image: Picture) -> list[Picture]:
    return [np.ascontiguousarray(image[..., c]) for c in range(image.shape[-1])]


def by_pillow(image: Picture, function: Any) -> Picture:
    """The same of each channel, as Pillow does it."""
    return np.stack([np.asarray(function(Image.fromarray(one))) for one in channels(image)], axis=-1)


@given(PICTURES, st.sampled_from(SAME_CHANNELS))
def test_images_keep_shape_and_dtype_and_are_not_changed(image: Picture, name: str) -> None:
    before = image.copy()
    result = OPERATIONS[name].function(image, **OPERATIONS[name].parameters)
    assert (result.shape, result.dtype) == (image.shape, image.dtype)
    assert not np.shares_memory(result, image)
    np.testing.assert_array_equal(image, before)


# These change images that have one value.
CHANGING = {"clahe", "shadow", "fog", "match_histogram", "adapt_fourier"}


@given(SMALL, st.sampled_from(aug.DTYPES), st.sampled_from(sorted({*SAME_CHANNELS} - CHANGING)), st.floats(0, 1))
def test_constant_images_stay(shape: aug.Shape, dtype: str, name: str, share: float) -> None:
    image = np.full(shape, share * full_scale(np.dtype(dtype))).astype(dtype)
    result = OPERATIONS[name].function(image, **OPERATIONS[name].parameters)
    np.testing.assert_allclose(result, image, rtol=0, atol=2e-7 if dtype == "float32" else 0)


@given(SMALL, st.sampled_from(SAME_CHANNELS), st.randoms(use_true_random=False))
def test_images_with_nan_and_infinity_are_taken(shape: aug.Shape, name: str, random: Any) -> None:
    image = np.array(random.choices([np.nan, np.inf, -np.inf, 0.25, 3e38], k=int(np.prod(shape))), np.float32)
    result = OPERATIONS[name].function(image.reshape(shape), **OPERATIONS[name].parameters)
    assert (result.shape, result.dtype) == (shape, image.dtype)


@given(PICTURES, st.sampled_from([1, 3, 5, 9, 41]), st.sampled_from([1, 3, 7]), st.floats(0.1, 20))
def test_blur_is_scipys_with_mirrored_borders(image: Picture, width: int, height: int, sigma: float) -> None:
    expected = image.astype(np.float64)
    for axis, size in ((0, height), (1, width)):
        t = np.arange(size) - size // 2
        weights = np.exp(-(t**2) / (2 * sigma**2))
        expected = ndimage.convolve1d(expected, weights / weights.sum(), axis=axis, mode="mirror")
    result = OPERATIONS["gaussian_blur"].function(image, kernel_size=(width, height), sigma=sigma)
    bound = 0.5 if image.dtype.kind == "u" else 0.0
    assert np.abs(result - expected).max() <= bound + 1e-6 * full_scale(image.dtype)


def test_blurring_weights_sum_to_one() -> None:
    for size, sigma in ((1, 0.1), (3, 0.01), (23, 2.0), (999, 1e6)):
        assert normal_kernel(size, sigma).astype(np.float64).sum() == pytest.approx(1, abs=1e-6)


@given(PICTURES, st.floats(0, 8))
def test_sharpness_is_an_extrapolation_from_the_smooth(image: Picture, factor: float) -> None:
    exact = image.astype(np.float64)
    kernel = np.array([[1, 1, 1], [1, 5, 1], [1, 1, 1]])[:, :, None] / 13
    expected = exact.copy()
    if min(image.shape[:2]) > 2:
        smooth = ndimage.convolve(exact, kernel)
        expected[1:-1, 1:-1] = (smooth + factor * (exact - smooth))[1:-1, 1:-1]
    expected = np.clip(expected, 0, full_scale(image.dtype))
    result = OPERATIONS["sharpness"].function(image, factor=factor)
    bound = 0.5 if image.dtype.kind == "u" else 0.0
    assert np.abs(result - expected).max() <= bound + 4e-6 * full_scale(image.dtype)


@given(BYTES, st.floats(0, 2))
def test_sharpness_is_pillows_within_a_level(image: Picture, factor: float) -> None:
    expected = by_pillow(image, lambda picture: ImageEnhance.Sharpness(picture).enhance(factor))
    result = OPERATIONS["sharpness"].function(image, factor=factor)
    assert np.abs(result.astype(int) - expected).max() <= 1 + (factor > 1)  # Pillow rounds the smooth picture too


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1), st.integers(1, 255))
def test_equalised_bytes_are_pillows(height: int, width: int, seed: int, levels: int) -> None:
    image = np.random.default_rng(seed).integers(0, levels, (height, width, 2), dtype=np.uint8, endpoint=True)
    np.testing.assert_array_equal(OPERATIONS["equalize"].function(image), by_pillow(image, ImageOps.equalize))


@given(SMALL.flatmap(lambda shape: aug.images(shape, ["uint16", "float32"])))
def test_equalised_values_are_ranks(image: Picture) -> None:
    result = OPERATIONS["equalize"].function(image)
    for before, after in zip(channels(image), channels(result), strict=True):
        smaller = (before.ravel()[None] < before.ravel()[:, None]).sum(axis=1).reshape(before.shape)
        expected = full_scale(image.dtype) * smaller / max(smaller.max(), 1) if smaller.any() else before
        assert np.abs(after - expected).max() <= (0.5 if image.dtype.kind == "u" else 1e-7)


@given(PICTURES)
def test_autocontrast_stretches_each_channel(image: Picture) -> None:
    result, full = OPERATIONS["autocontrast"].function(image), full_scale(image.dtype)
    for before, after in zip(channels(image.astype(np.float64)), channels(result), strict=True):
        low, high = before.min(), before.max()
        expected = before if low == high else (before - low) * full / (high - low)
        if image.dtype.kind == "u":
            np.testing.assert_array_equal(after, np.floor(expected + 1e-9))
        else:
            np.testing.assert_allclose(after, expected, atol=1e-7)


@given(BYTES)
def test_autocontrast_is_pillows_within_its_rounding(image: Picture) -> None:
    expected = by_pillow(image, ImageOps.autocontrast)
    assert np.abs(OPERATIONS["autocontrast"].function(image).astype(int) - expected).max() <= 1


def test_statistics_leave_out_what_is_not_finite() -> None:
    image = np.array([[[0.2], [np.nan], [0.4], [np.inf], [0.3], [-np.inf]]], np.float32)
    np.testing.assert_allclose(OPERATIONS["autocontrast"].function(image).ravel(), [0, np.nan, 1, 1, 0.5, 0], atol=1e-6)
    np.testing.assert_allclose(
        OPERATIONS["equalize"].function(image).ravel(), [0, np.nan, 1, np.inf, 0.5, -np.inf], atol=1e-6
    )


LEVELS = np.arange(256, dtype=np.uint8)[None, :, None]


def tabulated(name: str, **parameters: Any) -> Picture:
    """A point operation on all levels of uint8, rounded."""
    return np.floor(np.clip(POINTS[name](LEVELS.astype(np.float64), 255.0, **parameters), 0, 255) + 0.5)


@pytest.mark.parametrize("bits", range(1, 9))
def test_posterised_bytes_are_pillows(bits: int) -> None:
    expected = by_pillow(LEVELS, lambda picture: ImageOps.posterize(picture, bits))
    np.testing.assert_array_equal(tabulated("posterize", bits=bits), expected)


@pytest.mark.parametrize("threshold", [0, 1, 128, 255, 256])
def test_solarised_bytes_are_pillows(threshold: int) -> None:
    expected = by_pillow(LEVELS, lambda picture: ImageOps.solarize(picture, threshold))
    np.testing.assert_array_equal(tabulated("solarize", threshold=threshold), expected)


def test_posterise_keeps_the_highest_bits_of_uint16() -> None:
    values = np.array([0, 4095, 4096, 65535], np.float64)
    for bits in (0, 1, 4, 12, 16):
        kept = values.astype(np.int64) >> (16 - bits) << (16 - bits)
        np.testing.assert_array_equal(POINTS["posterize"](values, 65535.0, bits=bits), kept)


def test_point_operations_of_floats() -> None:
    values = np.array([-0.5, 0.0, 0.3, 0.5, 1.0, 2.0, np.nan])
    np.testing.assert_allclose(POINTS["invert"](values, 1.0), [1.5, 1, 0.7, 0.5, 0, -1, np.nan])
    np.testing.assert_allclose(POINTS["solarize"](values, 1.0, threshold=0.5), [-0.5, 0, 0.3, 0.5, 0, -1, np.nan])
    np.testing.assert_allclose(POINTS["posterize"](values, 1.0, bits=1), [0, 0, 0, 0.5, 0.5, 0.5, np.nan])
    np.testing.assert_allclose(POINTS["gamma"](values, 1.0, gamma=2, gain=3), [0, 0, 0.27, 0.75, 3, 12, np.nan])


@given(st.floats(0.1, 10), st.floats(0, 2))
def test_gamma_is_a_power_of_the_share_of_full_scale(gamma: float, gain: float) -> None:
    for full in (255.0, 65535.0):
        shares = np.linspace(0, 1, 50)
        result = POINTS["gamma"](shares * full, full, gamma=gamma, gain=gain)
        np.testing.assert_allclose(result, gain * full * shares**gamma, rtol=1e-9, atol=1e-9)


def test_parameters_broadcast_so_that_one_call_makes_all_tables() -> None:
    levels, gammas = np.arange(256.0)[None], np.array([[0.5], [2.0]])
    tables = POINTS["gamma"](levels, 255.0, gamma=gammas)
    for table, gamma in zip(tables, gammas[:, 0], strict=True):
        np.testing.assert_array_equal(table, POINTS["gamma"](levels[0], 255.0, gamma=gamma))


@st.composite
def holed(draw: st.DrawFn) -> tuple[Picture, npt.NDArray[np.bool_]]:
    """An image of any dtype and a mask (H, W, C) of what is missing in it."""
    image = draw(PICTURES)
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return image, random.random(image.shape) < draw(st.floats(0, 1))


@given(holed())
def test_nearest_filling_finds_the_nearest(case: tuple[Picture, npt.NDArray[np.bool_]]) -> None:
    image, gone = case
    marked = np.where(gone, 0, np.maximum(image, 1e-3)).astype(image.dtype)
    gone = marked == 0
    result = OPERATIONS["fill_missing_nearest"].function(marked, missing=0, value=0)
    for c in range(image.shape[-1]):
        there = np.argwhere(~gone[..., c])
        for y, x in np.argwhere(gone[..., c])[:20]:
            distance = ((there - (y, x)) ** 2).sum(axis=1)
            nearest = there[distance == distance.min(initial=2**60)]
            values = marked[nearest[:, 0], nearest[:, 1], c] if len(there) else [0]
            assert result[y, x, c] in values
    np.testing.assert_array_equal(result[~gone], marked[~gone])


@given(holed(), st.sampled_from(["constant", "mean", "nearest", "inpaint"]))
def test_filling_by_a_mask_touches_the_masked_pixels_only(
    case: tuple[Picture, npt.NDArray[np.bool_]], strategy: str
) -> None:
    image, gone = case
    mask = gone[..., 0]
    result = OPERATIONS[f"fill_missing_{strategy}"].function(image, mask=mask, value=1)
    np.testing.assert_array_equal(result[~mask], image[~mask])
    poisoned = image.copy()
    poisoned[mask] = 0
    np.testing.assert_array_equal(OPERATIONS[f"fill_missing_{strategy}"].function(poisoned, mask=mask, value=1), result)
    if mask.all() or strategy == "constant":
        assert (result[mask] == 1).all()
    elif strategy == "mean" and mask.any():
        expected = image.astype(np.float64)[~mask].mean(axis=0)
        assert np.abs(result[mask] - expected).max() <= (0.5 if image.dtype.kind == "u" else 1e-6)


@given(holed(), st.sampled_from(["constant", "mean", "nearest", "inpaint", "random"]))
def test_nothing_is_missing_after_filling(case: tuple[Picture, npt.NDArray[np.bool_]], strategy: str) -> None:
    image, gone = case
    marked = np.where(gone, np.nan, image).astype(np.float32)
    name = f"fill_missing_{strategy}"
    result = OPERATIONS[name].function(marked, **OPERATIONS[name].parameters)
    assert not np.isnan(result).any()
    np.testing.assert_array_equal(result[~gone], marked[~gone])


def test_inpainting_continues_a_smooth_picture() -> None:
    y, x = np.mgrid[:12, :16] / 16
    picture = np.stack([x + y, x * y], axis=-1).astype(np.float32)
    broken = picture.copy()
    broken[4:8, 5:9, 0] = np.nan
    broken[2:4, 10:13, 1] = np.nan
    result = OPERATIONS["fill_missing_inpaint"].function(broken)
    np.testing.assert_array_equal(result[~np.isnan(broken)], picture[~np.isnan(broken)])
    assert np.abs(result - picture).max() < 0.02
    assert np.abs(OPERATIONS["fill_missing_nearest"].function(broken) - picture).max() > 0.05


def test_random_filling_is_uniform_and_keyed() -> None:
    image = np.full((200, 200, 2), np.nan, np.float32)
    first, again, other = (
        OPERATIONS["fill_missing_random"].function(
            image, low=[2, -1], high=[4, 1], stream=np.array([1, 2, 3, last], np.uint32)
        )
        for last in (4, 4, 5)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).mean() > 0.99
    for c, middle in enumerate((3.0, 0.0)):
        assert abs(first[..., c].mean() - middle) < 5 / np.sqrt(3 * 40000)
        assert (np.abs(first[..., c] - middle) <= 1).all()


def test_a_mask_of_another_size_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"must be bool \(3, 2\).*got bool \(2, 3\)"):
        OPERATIONS["fill_missing_mean"].function(np.zeros((3, 2, 1), np.uint8), mask=np.zeros((2, 3), bool))


def test_a_library_that_is_not_there_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "skimage.restoration", None)
    with pytest.raises(ArgumentError, match=r"needs skimage: pip install .augsynth\[missing\]"):
        OPERATIONS["fill_missing_inpaint"].function(np.zeros((3, 2, 1), np.uint8))


@pytest.mark.parametrize("planar", [False, True])
def test_large_batches_are_those_of_single_images(monkeypatch: pytest.MonkeyPatch, planar: bool) -> None:
    monkeypatch.setattr(whole_images, "SMALLEST_REUSED", 1)
    random = np.random.default_rng(0)
    images = [random.integers(0, 200, (9 + size, 14 - size, 3), np.uint8) for size in range(8)]
    if planar:
        images = [np.ascontiguousarray(image.transpose(2, 0, 1)).transpose(1, 2, 0) for image in images]
    barrier = Barrier("equalize", np.arange(8) % 3 != 1)
    results = whole_images.operate(barrier, images)
    for number, image in enumerate(images):
        expected = OPERATIONS["equalize"].function(image) if barrier.active[number] else image
        np.testing.assert_array_equal(results[number], expected)
        assert results[number].strides == image.strides
        assert np.shares_memory(results[number], image) == (not barrier.active[number])
    assert np.shares_memory(results[0].base, results[2].base)
