"""Gaussian noise has the moments it states.

Each statistic of N = 4,000,000 variates is compared with its exact value at 5 standard errors: a two-sided false-alarm
rate of 5.7e-7 a comparison (the keys are fixed, so a pass is a pass for good).
"""

from __future__ import annotations

import numpy as np
import pytest

from augsynth import reference
from augsynth import transforms as T

COUNT = 2000
ERRORS = 5.0
KURTOSIS = -0.0194717694


@pytest.fixture(scope="module")
def table() -> np.ndarray:
    """All 65,536 variates that the 16-bit table can give."""
    bits = np.arange(65536)
    return (reference._EVEN[bits & 255] + reference._ODD[bits >> 8]) / reference.NOISE_SCALE


def test_table_has_the_exact_moments_of_the_docstring(table: np.ndarray) -> None:
    assert abs(table.mean()) < 1e-12
    assert abs((table**2).mean() - 1) < 1e-12
    assert (table**4).mean() - 3 == pytest.approx(KURTOSIS, abs=1e-9)
    assert np.abs(table).max() == pytest.approx(4.188, abs=5e-4)


def test_sampled_moments(isa: str) -> None:
    flat = np.zeros((COUNT, COUNT), np.float32)
    z = (
        T.GaussianNoise(mean=0.25, sigma=0.5, clip=False)(flat, key=(11, 2, 5)).numpy().astype(np.float64) - 0.25
    ) / 0.5
    n = z.size
    fourth, sixth_like = (z**4).mean(), (z**8).mean()
    assert abs(z.mean()) < ERRORS / np.sqrt(n)
    assert abs((z**2).mean() - 1) < ERRORS * np.sqrt((fourth - 1) / n)
    assert abs(fourth - 3 - KURTOSIS) < ERRORS * np.sqrt((sixth_like - fourth**2) / n)
    assert np.abs(z).max() < 4.1885


def test_pixels_channels_and_samples_are_uncorrelated(isa: str) -> None:
    flat = np.zeros((400, 400, 4), np.float32)
    batch = T.GaussianNoise(sigma=1.0, clip=False).batch([flat, flat], keys=[(1, 0, 0), (1, 0, 1)]).numpy()
    bound = ERRORS / np.sqrt(batch[0, 0].size / 2)
    pairs = {
        "columns": (batch[..., :-1], batch[..., 1:]),
        "columns a block apart": (batch[..., :-8], batch[..., 8:]),
        "rows": (batch[:, :, :-1], batch[:, :, 1:]),
        "channels": (batch[:, :-1], batch[:, 1:]),
        "samples": (batch[0], batch[1]),
    }
    for name, (left, right) in pairs.items():
        assert abs(float((left * right).mean())) < bound, name


@pytest.mark.parametrize(("dtype", "full"), [("uint8", 255), ("uint16", 65535)])
def test_sigma_is_a_fraction_of_the_full_scale(isa: str, dtype: str, full: int) -> None:
    image = np.full((300, 300), full // 2, dtype)
    result = T.GaussianNoise(sigma=0.05)(image, key=(0, 0, 0)).numpy().astype(np.float64)
    # Rounding to whole levels adds a variance of 1/12.
    assert result.std() == pytest.approx(np.sqrt((0.05 * full) ** 2 + 1 / 12), rel=0.01)


def test_clip_keeps_the_full_scale_and_no_clip_does_not(isa: str) -> None:
    ones = np.ones((64, 64), np.float32)
    assert T.GaussianNoise(sigma=0.3)(ones, key=(0, 0, 0)).max() == 1.0
    assert T.GaussianNoise(sigma=0.3, clip=False)(ones, key=(0, 0, 0)).max() > 1.5
    scaled = T.Compose([T.ToDtype("float32", scale=True), T.GaussianNoise(sigma=0.3)])
    assert scaled(np.full((64, 64), 255, np.uint8), key=(0, 0, 0)).max() == 1.0


def test_an_integer_image_stays_in_its_range_before_what_follows(isa: str) -> None:
    brighter = T.Compose([T.GaussianNoise(mean=0.125, sigma=0.0, clip=False), T.Normalize([0.0], [1.0])])
    assert brighter(np.full((2, 2), 255, np.uint8)).max() == 1.0


def test_a_range_of_sigmas_is_drawn_per_sample(isa: str) -> None:
    flat = [np.zeros((64, 64), np.float32)] * 40
    noise = T.GaussianNoise(sigma=(0.1, 0.9), clip=False)
    spread = noise.batch(flat, keys=[(0, 0, k) for k in range(40)]).std(dim=(1, 2, 3))
    assert 0.08 < spread.min() < 0.3
    assert 0.7 < spread.max() < 0.95
