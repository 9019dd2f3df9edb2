"""Colours, levels and blurs against OpenCV: its luma, matrices, tables, kernels and histograms."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augsynth import transforms as T
from augsynth.testing import strategies as aug

Image = npt.NDArray[Any]
Key = tuple[int, int, int]
KEY = (0, 0, 0)
FLOAT = 1e-5
SEEDS = st.integers(0, 2**32 - 1)
FACTORS = st.floats(0, 3)


def bytes_image(seed: int, channels: int = 3) -> Image:
    return np.random.default_rng(seed).integers(0, 256, (23, 31, channels), dtype=np.uint8)


def floats_image(seed: int) -> Image:
    return np.random.default_rng(seed).random((23, 31, 3), dtype=np.float32)


def result(transform: T.Transform, image: Image, key: Key = KEY) -> Image:
    """The output as OpenCV has its images: (H, W, C)."""
    return np.moveaxis(transform(image, key=key).numpy(), 0, -1)


def grey_of(image: Image) -> Image:
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None]


@given(seed=SEEDS)
def test_grey_is_opencvs(isa: str, seed: int) -> None:
    for image, bound in ((floats_image(seed), FLOAT), (bytes_image(seed), 1.0)):
        grey = result(T.RandomGrayscale(1.0), image)
        expected = np.broadcast_to(grey_of(image), image.shape)
        np.testing.assert_allclose(grey.astype(float), expected.astype(float), rtol=0, atol=bound)


@given(seed=SEEDS, matrix=st.lists(st.floats(-2, 2), min_size=9, max_size=9), offset=st.floats(-0.5, 0.5))
def test_a_matrix_of_colours_is_opencvs_transform(isa: str, seed: int, matrix: list[float], offset: float) -> None:
    image, rows = floats_image(seed), np.reshape(matrix, (3, 3))
    expected = cv2.transform(image, np.column_stack([rows, np.full(3, offset)]))
    mixed = result(T.ColorMatrix(rows.tolist(), offset), image)
    np.testing.assert_allclose(mixed, np.clip(expected, 0, 1), rtol=0, atol=FLOAT)


@given(seed=SEEDS, factor=FACTORS)
def test_contrast_turns_about_opencvs_mean_grey(isa: str, seed: int, factor: float) -> None:
    image = floats_image(seed)
    mean = cv2.mean(grey_of(image))[0]
    expected = np.clip(image * factor + (1 - factor) * mean, 0, 1)
    contrast = result(T.ColorJitter(contrast=(factor, factor)), image)
    np.testing.assert_allclose(contrast, expected, rtol=0, atol=FLOAT)


@given(seed=SEEDS, factor=FACTORS)
def test_the_mean_of_contrast_is_that_of_the_picture_in_its_frame(isa: str, seed: int, factor: float) -> None:
    """Geometry comes first: the mean is taken over what a crop and a flip leave, in the same pass."""
    image = bytes_image(seed)
    jitter = T.ColorJitter(contrast=(factor, factor))
    pipeline = T.Compose([T.CenterCrop((11, 13)), T.RandomHorizontalFlip(1.0), jitter, T.ToDtype("float32")])
    assert pipeline.explain(image.shape).startswith("1 pass")
    shown = image[6:17, 9:22][:, ::-1].astype(np.float32)
    mean = cv2.mean(grey_of(shown))[0]
    expected = np.clip(shown * factor + (1 - factor) * mean, 0, 255)
    np.testing.assert_allclose(result(pipeline, image), expected, rtol=0, atol=255 * FLOAT)


@given(seed=SEEDS, hue=st.floats(-0.5, 0.5), saturation=FACTORS)
def test_hue_and_saturation_keep_opencvs_luma(isa: str, seed: int, hue: float, saturation: float) -> None:
    # Pale colours, which nothing clamps.
    image = (0.5 + 0.05 * (floats_image(seed) - 0.5)).astype(np.float32)
    changed = result(T.ColorJitter(hue=(hue, hue), saturation=(saturation, saturation)), image)
    np.testing.assert_allclose(grey_of(changed), grey_of(image), rtol=0, atol=FLOAT)


TABLES: dict[str, tuple[T.Transform, Any]] = {
    "invert": (T.RandomInvert(1.0), lambda v: 255 - v),
    "posterise": (T.RandomPosterize(3, 1.0), lambda v: v // 32 * 32),
    "solarise": (T.RandomSolarize(100, 1.0), lambda v: np.where(v < 100, v, 255 - v)),
    "gamma": (T.RandomGamma(2.2), lambda v: np.floor(255 * (v / 255) ** 2.2 + 0.5)),
}


@pytest.mark.parametrize("name", TABLES)
def test_levels_are_looked_up_as_opencv_does(isa: str, name: str) -> None:
    transform, formula = TABLES[name]
    table = formula(np.arange(256)).astype(np.uint8)
    image = bytes_image(7, channels=4)
    np.testing.assert_array_equal(result(transform, image), cv2.LUT(image, table))
    chain = T.Compose([transform, T.RandomInvert(1.0)])
    assert chain.explain(image.shape).startswith("1 pass")
    np.testing.assert_array_equal(result(chain, image), 255 - cv2.LUT(image, table))


ODD = st.integers(0, 5).map(lambda k: 2 * k + 1)


@given(seed=SEEDS, width=ODD, height=ODD, sigma=st.floats(0.1, 4))
def test_blur_is_opencvs(seed: int, width: int, height: int, sigma: float) -> None:
    # OpenCV's kernels for bytes are of whole 1/256, so that each of its 11 weights may be half of one off.
    for image, bound in ((floats_image(seed), FLOAT), (bytes_image(seed), 5.5)):
        expected = cv2.GaussianBlur(
            image, (width, height), sigmaX=sigma, sigmaY=sigma, borderType=cv2.BORDER_REFLECT_101
        )
        blurred = result(T.GaussianBlur((width, height), sigma), image)
        np.testing.assert_allclose(blurred.astype(float), expected.astype(float), rtol=0, atol=bound)
        assert np.abs(blurred.astype(float) - expected).mean() < min(bound, 1.0)


def test_equalising_is_opencvs_but_for_the_darkest_level() -> None:
    """OpenCV leaves the darkest level out of its count; Pillow and torchvision, whose rule is ours, the brightest."""
    image = np.random.default_rng(3).integers(0, 256, (400, 500, 1), dtype=np.uint8)
    for black, least, most in ((0.0, 0, 1), (0.5, 20, 255)):
        image[: int(400 * black)] = 0
        ours = result(T.RandomEqualize(1.0), image)[..., 0].astype(int)
        assert least <= np.abs(ours - cv2.equalizeHist(image[..., 0])).max() <= most


@given(seed=SEEDS, key=aug.keys())
def test_normalising_is_opencvs_arithmetic(isa: str, seed: int, key: Key) -> None:
    image = bytes_image(seed)
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    expected = cv2.divide(cv2.subtract(image / 255.0, mean), std)
    np.testing.assert_allclose(result(T.Normalize(mean, std), image, key), expected, rtol=0, atol=FLOAT)
