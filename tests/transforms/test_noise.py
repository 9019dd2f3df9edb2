"""Noise has the distribution it states.

Each statistic of some million variates is compared with its exact value at 5 standard errors: a two-sided false-alarm
rate of 5.7e-7 a comparison (the keys are fixed, so a pass is a pass for good).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
import torch

from augsynth import _native
from augsynth import transforms as T
from augsynth.engine import reference

COUNT = 2000
ERRORS = 5.0
KURTOSIS = -0.0194717694
KEY = (11, 2, 5)
KINDS: dict[str, Callable[[], T.Transform]] = {
    "gaussian": lambda: T.GaussianNoise(sigma=0.2),
    "exact gaussian": lambda: T.GaussianNoise(sigma=0.2, exact=True),
    "uniform": lambda: T.UniformNoise(-0.2, 0.3),
    "salt and pepper": lambda: T.SaltAndPepperNoise(0.3, 0.4),
    "poisson, few photons": lambda: T.PoissonNoise(8),
    "poisson, many photons": lambda: T.PoissonNoise(64),
    "speckle": lambda: T.SpeckleNoise(0.1, 0.2),
}


def noisy(transform: T.Transform, level: float, side: int = COUNT) -> npt.NDArray[np.float64]:
    """The transform of a flat float32 image, (side, side)."""
    return transform(np.full((side, side), level, np.float32), key=KEY)[0].numpy().astype(np.float64)


def assert_moments(values: npt.NDArray[np.float64], mean: float, variance: float, fourth: float) -> None:
    """The mean, and the second moment about it, given the fourth central moment."""
    n, centred = values.size, values - mean
    assert abs(centred.mean()) < ERRORS * np.sqrt(variance / n)
    assert abs((centred**2).mean() - variance) < ERRORS * np.sqrt((fourth - variance**2) / n)


@pytest.fixture(scope="module")
def table() -> np.ndarray:
    """All 65,536 variates that the 16-bit table can give."""
    bits = np.arange(65536)
    return reference.normal_of(bits)


def test_table_has_the_exact_moments_of_the_docstring(table: np.ndarray) -> None:
    assert abs(table.mean()) < 1e-12
    assert abs((table**2).mean() - 1) < 1e-12
    assert (table**4).mean() - 3 == pytest.approx(KURTOSIS, abs=1e-9)
    assert np.abs(table).max() == pytest.approx(4.188, abs=5e-4)


def test_sampled_moments(isa: str) -> None:
    z = (noisy(T.GaussianNoise(mean=0.25, sigma=0.5, clip=False), 0.0) - 0.25) / 0.5
    n = z.size
    fourth, sixth_like = (z**4).mean(), (z**8).mean()
    assert abs(z.mean()) < ERRORS / np.sqrt(n)
    assert abs((z**2).mean() - 1) < ERRORS * np.sqrt((fourth - 1) / n)
    assert abs(fourth - 3 - KURTOSIS) < ERRORS * np.sqrt((sixth_like - fourth**2) / n)
    assert np.abs(z).max() < 4.1885


def test_exact_gaussian_is_the_quantile_of_its_bits(isa: str) -> None:
    rows = (
        T.GaussianNoise(sigma=1.0, clip=False, exact=True).plan([(COUNT, COUNT)], [KEY], dtype="float32").passes[0].rows
    )
    exact = torch.special.ndtri(torch.from_numpy(reference.uniform(rows["stream"][0], (1, COUNT, COUNT)))).numpy()[0]
    z = noisy(T.GaussianNoise(sigma=1.0, clip=False, exact=True), 0.0)
    assert np.abs(z - exact).max() < 3e-8 + 2.0**-22  # the stated error, and rounding to float32
    assert_moments(z, 0.0, 1.0, 3.0)
    assert abs((z**4).mean() - 3) < ERRORS * np.sqrt(96 / z.size)
    tail = (np.abs(z) > 4.188).mean()  # where the table ends
    expected = 2 * float(torch.special.ndtr(torch.tensor(-4.188, dtype=torch.float64)))
    assert abs(tail - expected) < ERRORS * np.sqrt(expected / z.size)


def test_uniform_moments_and_limits(isa: str) -> None:
    values = noisy(T.UniformNoise(-0.5, 0.25, clip=False), 0.25)
    assert_moments(values, 0.125, 0.75**2 / 12, 0.75**4 / 80)
    assert values.min() == pytest.approx(-0.25 + 0.75 / 2**17, abs=1e-7)
    assert values.max() == pytest.approx(0.5 - 0.75 / 2**17, abs=1e-7)


def test_speckle_is_a_multiple_of_the_value(isa: str) -> None:
    factors = noisy(T.SpeckleNoise(0.25, 0.5, clip=False), 3.0) / 3 - 1
    assert_moments(factors, 0.25, 0.25, (3 + KURTOSIS) / 16)
    assert not noisy(T.SpeckleNoise(0.25, 0.5), 0.0, side=64).any()


def test_salt_and_pepper_change_whole_pixels_at_their_rates(isa: str) -> None:
    image = np.full((1000, 1000, 3), (50, 100, 150), np.uint8)
    result = T.SaltAndPepperNoise(amount=0.1, salt_vs_pepper=0.3)(image, key=KEY).numpy()
    salt, pepper = (result == 255).all(axis=0), (result == 0).all(axis=0)
    np.testing.assert_array_equal(np.where(salt | pepper, image.transpose(2, 0, 1), result), image.transpose(2, 0, 1))
    for share, rate in ((salt, 0.03), (pepper, 0.07)):
        assert abs(share.mean() - rate) < ERRORS * np.sqrt(rate * (1 - rate) / share.size)
    np.testing.assert_array_equal(T.SaltAndPepperNoise(0.0)(image, key=KEY), image.transpose(2, 0, 1))
    assert (T.SaltAndPepperNoise(1.0, 1.0)(image, key=KEY) == 255).all()


def poisson(counts: npt.NDArray[np.float64], mean: float) -> npt.NDArray[np.float64]:
    """The probability that a Poisson variate is at most `counts`."""
    above = torch.special.gammaincc(torch.from_numpy(counts + 1.0), torch.tensor(mean, dtype=torch.float64))
    return above.numpy()


@pytest.mark.parametrize("mean", [0.003, 0.7, 7.0, 15.9, 16.1, 100.0, 5000.0])
def test_counts_are_poisson(isa: str, mean: float) -> None:
    photons = 10000.0
    counts = noisy(T.PoissonNoise(photons), mean / photons) * photons
    mean = float(np.float32(mean / photons)) * photons
    whole = np.rint(counts)
    assert np.abs(counts - whole).max() < 1e-3
    assert_moments(whole, mean, mean, mean + 3 * mean**2)
    # Pearson's chi-squared over groups of counts that are expected 100 times at least.
    edges = np.unique(np.rint(mean + np.sqrt(mean) * np.arange(-4, 4.1, 0.25)))
    edges = edges[(edges >= 0) & (poisson(edges, mean) < 1 - 1e-4)]
    expected = np.diff(np.concatenate([[0.0], poisson(edges, mean), [1.0]])) * whole.size
    found = np.bincount(np.searchsorted(edges, whole.ravel()), minlength=len(edges) + 1)
    kept = expected >= 100
    squares = ((found - expected)[kept] ** 2 / expected[kept]).sum()
    assert squares < kept.sum() + ERRORS * np.sqrt(2 * kept.sum())


@pytest.mark.parametrize("mean", [16.0001, 20.0, 50.0, 1000.0])
def test_large_counts_are_as_near_to_poisson_as_stated(mean: float) -> None:
    """By enumeration: the normal variates at which the expansion reaches each count bound its probability."""
    counts = np.arange(0.0, mean + 9 * np.sqrt(mean))
    low, high = np.full(counts.shape, -8.0), np.full(counts.shape, 8.0)
    for _ in range(60):
        middle = (low + high) / 2
        u = torch.special.ndtr(torch.from_numpy(middle)).numpy()
        below = reference.poisson_quantile(u, np.full(counts.shape, mean)) < counts
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    reached = torch.special.ndtr(torch.from_numpy(low)).numpy()
    reached[0] = 0.0
    approximate = np.diff(np.append(reached, 1.0))
    exact = np.diff(np.concatenate([[0.0], poisson(counts, mean)]))
    assert np.abs(approximate - exact).sum() / 2 < 6e-5
    average = (approximate * counts).sum()
    assert average == pytest.approx(mean, abs=1e-7)
    assert (approximate * (counts - average) ** 2).sum() == pytest.approx(mean, rel=1.1e-4)


def test_counts_of_values_that_are_no_intensities(isa: str) -> None:
    image = np.array([[-1.0, 0.0, np.nan, np.inf, 1e30]], np.float32)
    result = T.PoissonNoise(100, clip=False)(image, key=KEY)[0, 0].numpy()
    np.testing.assert_array_equal(result, np.array([0.0, 0.0, np.nan, np.inf, 1e30], np.float32))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "salt and pepper"])
def test_pixels_channels_and_samples_are_uncorrelated(isa: str, kind: str) -> None:
    flat = np.full((400, 400, 4), 0.5, np.float32)
    batch = KINDS[kind]().batch([flat, flat], keys=[(1, 0, 0), (1, 0, 1)]).numpy().astype(np.float64)
    batch = (batch - batch.mean()) / batch.std()
    bound = ERRORS / np.sqrt(batch[0, 0].size / 2)
    pairs = {
        "columns": (batch[..., :-1], batch[..., 1:]),
        "columns half a block apart": (batch[..., :-4], batch[..., 4:]),
        "columns a block apart": (batch[..., :-8], batch[..., 8:]),
        "rows": (batch[:, :, :-1], batch[:, :, 1:]),
        "channels": (batch[:, :-1], batch[:, 1:]),
        "samples": (batch[0], batch[1]),
    }
    for name, (left, right) in pairs.items():
        assert abs(float((left * right).mean())) < bound, name


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_isa_gives_the_same_bits(kind: str, dtype: str) -> None:
    image = np.random.default_rng(8).random((23, 531, 5), dtype=np.float32)
    if dtype == "uint8":
        image = (image * 255).astype(np.uint8)
    before, results = _native.isa(), []
    for name in _native.isas():
        _native.set_isa(name)
        results.append(T.Compose([KINDS[kind](), T.ToDtype("float32", scale=True)])(image, key=KEY))
    _native.set_isa(before)
    assert all(torch.equal(one, results[0]) for one in results)


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


@pytest.mark.parametrize(
    ("noise", "level", "spread"),
    [
        (T.UniformNoise((-0.9, -0.1), 0.0, clip=False), 0.5, 0.9 / np.sqrt(12)),
        (T.SaltAndPepperNoise((0.0, 1.0)), 0.5, 0.5),
        (T.PoissonNoise((10, 1000), clip=False), 0.5, np.sqrt(0.5 / 10)),
        (T.SpeckleNoise(0.0, (0.0, 0.9), clip=False), 1.0, 0.9),
    ],
)
def test_ranges_are_drawn_per_sample(isa: str, noise: T.Transform, level: float, spread: float) -> None:
    flat = [np.full((64, 64), level, np.float32)] * 40
    spreads = noise.batch(flat, keys=[(0, 0, k) for k in range(40)]).std(dim=(1, 2, 3))
    assert spreads.max() < 1.1 * spread
    assert spreads.min() < 0.5 * spread < 0.8 * spreads.max()


def test_a_range_of_sigmas_is_drawn_per_sample(isa: str) -> None:
    flat = [np.zeros((64, 64), np.float32)] * 40
    noise = T.GaussianNoise(sigma=(0.1, 0.9), clip=False)
    spread = noise.batch(flat, keys=[(0, 0, k) for k in range(40)]).std(dim=(1, 2, 3))
    assert 0.08 < spread.min() < 0.3
    assert 0.7 < spread.max() < 0.95
