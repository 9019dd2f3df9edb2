"""Point operations are one lookup table for integer images, and the same function between passes for float images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augsynth import transforms as T
from augsynth.errors import ArgumentError
from augsynth.plan import Barrier
from augsynth.testing import strategies as aug

Key = tuple[int, int, int]
KEY = (5, 1, 9)
FULL = {"uint8": 255, "uint16": 65535, "float32": 1}
IMAGES = aug.shapes(12, 4).flatmap(aug.images)
INTEGERS = aug.shapes(12, 4).flatmap(lambda shape: aug.images(shape, ["uint8", "uint16"]))
POINTS: dict[str, Callable[..., T.Transform]] = {
    "invert": lambda p=1.0: T.RandomInvert(p),
    "posterize": lambda p=1.0: T.RandomPosterize(3, p),
    "solarize": lambda p=1.0: T.RandomSolarize(0.5, p),
    "gamma": lambda p=1.0: T.RandomGamma((0.5, 2.0), p),
}
WHOLE: dict[str, Callable[..., T.Transform]] = {
    "blur": lambda: T.GaussianBlur(5),
    "sharpness": lambda p=1.0: T.RandomAdjustSharpness(2.0, p),
    "equalize": lambda p=1.0: T.RandomEqualize(p),
    "autocontrast": lambda p=1.0: T.RandomAutocontrast(p),
}


def shown(transform: Any, image: npt.NDArray[Any], key: Key = KEY) -> npt.NDArray[Any]:
    result: npt.NDArray[Any] = transform(image, key=key).numpy().transpose(1, 2, 0)
    return result


@given(IMAGES)
def test_invert(image: npt.NDArray[Any]) -> None:
    np.testing.assert_array_equal(shown(T.RandomInvert(1.0), image), FULL[image.dtype.name] - image)


@given(INTEGERS, st.integers(0, 16))
def test_posterize_keeps_the_highest_bits(image: npt.NDArray[Any], bits: int) -> None:
    dropped = max(8 * image.dtype.itemsize - bits, 0)
    np.testing.assert_array_equal(shown(T.RandomPosterize(bits, 1.0), image), image >> dropped << dropped)


@given(IMAGES, st.floats(0, 1))
def test_solarize(image: npt.NDArray[Any], share: float) -> None:
    full = FULL[image.dtype.name]
    expected = np.where(image.astype(np.float64) >= share * full, full - image, image)
    np.testing.assert_array_equal(shown(T.RandomSolarize(share * full, 1.0), image), expected)


@given(IMAGES, st.floats(0.2, 5))
def test_gamma(image: npt.NDArray[Any], gamma: float) -> None:
    full = FULL[image.dtype.name]
    expected = full * (image.astype(np.float64) / full) ** gamma
    difference = np.abs(shown(T.RandomGamma(gamma), image) - expected)
    assert difference.max() <= (0.5 if full > 1 else 0.0) + 1e-6


def test_gamma_brightens_as_often_as_it_darkens() -> None:
    keys = [(2, 0, index) for index in range(400)]
    tables = T.RandomGamma((0.5, 2.0)).plan([(2, 2)] * 400, keys).passes[0].tables.luts
    exponents = np.log(tables[:, 128] / 255) / np.log(128 / 255)
    assert exponents.min() + 0.01 >= 0.5
    assert exponents.max() - 0.01 <= 2.0
    assert abs(np.log(exponents).mean()) < 5 * np.log(2) / np.sqrt(3 * 400)
    assert len(np.unique(tables, axis=0)) > 150  # each sample has its own


@given(IMAGES, st.sampled_from(sorted(POINTS)), aug.keys())
def test_with_p_0_nothing_changes(image: npt.NDArray[Any], name: str, key: Key) -> None:
    np.testing.assert_array_equal(shown(POINTS[name](0.0), image, key), image)


@given(IMAGES, st.sampled_from(["sharpness", "equalize", "autocontrast"]), aug.keys())
def test_with_p_0_no_barrier_changes_anything(image: npt.NDArray[Any], name: str, key: Key) -> None:
    np.testing.assert_array_equal(shown(WHOLE[name](0.0), image, key), image)


@given(INTEGERS, st.lists(st.sampled_from(sorted(POINTS)), min_size=1, max_size=5), aug.keys())
def test_many_are_one_table_and_exactly_what_they_are_apart(
    image: npt.NDArray[Any], names: list[str], key: Key
) -> None:
    parts = [POINTS[name](0.7) for name in names]
    fused, unfused = T.Compose(parts), T.Compose(parts, fuse=False)
    plan = fused.plan([image.shape], [key], dtype=image.dtype.name)
    assert len(plan.steps) == 1
    assert len(plan.passes[0].tables.luts) <= 1
    np.testing.assert_array_equal(shown(fused, image, key), shown(unfused, image, key))


@given(INTEGERS, st.sampled_from(sorted(POINTS)), aug.keys())
def test_a_table_follows_geometry_in_its_pass(image: npt.NDArray[Any], name: str, key: Key) -> None:
    parts = [T.RandomRotation(30), POINTS[name]()]
    fused, unfused = T.Compose(parts), T.Compose(parts, fuse=False)
    assert len(fused.plan([image.shape], [key], dtype=image.dtype.name).steps) == 1
    np.testing.assert_array_equal(shown(fused, image, key), shown(unfused, image, key))


def test_floats_have_a_barrier_for_what_is_a_table_in_integers() -> None:
    plan = T.Compose([T.RandomInvert(1.0), T.RandomGamma(2.0)]).plan([(3, 3)], [KEY], dtype="float32")
    assert [step.operation for step in plan.steps if isinstance(step, Barrier)] == ["invert", "gamma"]
    values = np.array([[-0.5, 0.3, 1.5, np.nan]], np.float32)
    np.testing.assert_array_equal(shown(T.RandomInvert(1.0), values)[..., 0], 1 - values)


@given(st.sampled_from(sorted({**POINTS, **WHOLE})), st.sampled_from(aug.DTYPES), st.integers(0, 2**40))
def test_a_batch_is_its_images_one_by_one(name: str, dtype: str, index: int) -> None:
    random = np.random.default_rng(index)
    images = [(random.random((6, 5, 3)) * FULL[dtype]).astype(dtype) for _ in range(4)]
    keys = [(1, 2, index + i) for i in range(4)]
    transform = {**POINTS, **WHOLE}[name]()
    together = transform.batch(images, keys=keys).numpy()
    for i in range(4):
        np.testing.assert_array_equal(together[i], transform(images[i], key=keys[i]).numpy())
    np.testing.assert_array_equal(transform.batch(images, keys=keys).numpy(), together)


@pytest.mark.parametrize("name", ["blur", "gamma"])
def test_parameters_differ_from_sample_to_sample(name: str) -> None:
    image = np.random.default_rng(0).integers(0, 256, (16, 16, 1), dtype=np.uint8)
    results = {**POINTS, **WHOLE}[name]().batch([image] * 8, keys=[(3, 0, i) for i in range(8)]).numpy()
    assert len(np.unique(results.reshape(8, -1), axis=0)) > 5


@pytest.mark.parametrize("name", sorted({**POINTS, **WHOLE}.keys() - {"blur"}))
def test_p_is_the_share_that_changes(name: str) -> None:
    n, p = 1000, 0.3
    image = np.random.default_rng(1).integers(60, 180, (24, 24, 1), dtype=np.uint8)
    results = {**POINTS, **WHOLE}[name](p).batch([image] * n, keys=[(8, 0, i) for i in range(n)]).numpy()
    changed = (results != image.transpose(2, 0, 1)).any(axis=(1, 2, 3)).mean()
    assert abs(changed - p) < 5 * np.sqrt(p * (1 - p) / n)


def test_blur_draws_its_sigma_within_the_range() -> None:
    barrier = T.GaussianBlur((3, 5), (0.5, 1.5)).plan([(9, 9)] * 100, [(0, 0, i) for i in range(100)]).steps[0]
    assert isinstance(barrier, Barrier)
    assert barrier.settings["kernel_size"].tolist() == [3, 5]
    assert 0.5 <= barrier.parameters["sigma"].min() < 0.6
    assert 1.4 < barrier.parameters["sigma"].max() <= 1.5


def test_a_tiny_sigma_changes_nothing() -> None:
    image = np.random.default_rng(0).integers(0, 256, (5, 5, 1), dtype=np.uint8)
    np.testing.assert_array_equal(shown(T.GaussianBlur(9, 1e-300), image), image)


def test_kernels_are_width_by_height() -> None:
    spot = np.zeros((7, 7), np.uint8)
    spot[3, 3] = 200
    result = shown(T.GaussianBlur((5, 1), 1.0), spot)[..., 0]
    assert np.count_nonzero(result.any(axis=0)) == 5
    assert np.count_nonzero(result.any(axis=1)) == 1


@pytest.mark.parametrize("transform", [make() for make in {**POINTS, **WHOLE}.values()], ids=str)
def test_descriptions_come_back(transform: T.Transform) -> None:
    assert T.from_dict(transform.to_dict()) == transform


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: T.RandomPosterize(-1), "bits must be at least 0"),
        (lambda: T.RandomPosterize(17), "bits must be at most 16"),
        (lambda: T.RandomSolarize(-1.0), "threshold must be finite and at least 0"),
        (lambda: T.RandomSolarize(128)(np.zeros((2, 2), np.float32)), "at most the full scale, 1 for float32 images"),
        (lambda: T.RandomGamma((0.0, 1.0)), "gamma must be greater than 0"),
        (lambda: T.GaussianBlur(4), "kernel_size must be odd"),
        (lambda: T.GaussianBlur(10**9 + 1), "kernel_size must be at most"),
        (lambda: T.GaussianBlur(3, (0.0, 1.0)), "sigma must be greater than 0"),
        (lambda: T.RandomAdjustSharpness(-1.0), "sharpness_factor must be finite and at least 0"),
        (lambda: T.RandomEqualize(2.0), r"p must be in \[0, 1\]"),
    ],
)
def test_what_is_refused(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        make()
