"""Grey of one channel, light of another temperature, dropped channels, and colours that are not clamped."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augsynth import transforms as T
from augsynth.errors import ArgumentError, PlanError
from augsynth.testing import strategies as aug
from augsynth.transforms.planckian import black_body_xyz, light_gains


@pytest.mark.parametrize(
    ("temperature", "x", "y"),
    # The Planckian locus, as Robertson's and others' tables give it.
    [(2000, 0.5267, 0.4133), (3000, 0.4369, 0.4041), (6500, 0.3135, 0.3237), (10000, 0.2807, 0.2884)],
)
def test_black_bodies_lie_on_the_planckian_locus(temperature: float, x: float, y: float) -> None:
    xyz = black_body_xyz(np.array([float(temperature)]))[0]
    np.testing.assert_allclose(xyz[:2] / xyz.sum(), (x, y), atol=3e-3)


@given(temperature=st.floats(1000, 40000))
def test_colder_light_is_redder(temperature: float) -> None:
    red, green, blue = light_gains(np.array([temperature]), 6500.0)[0]
    assert green == 1.0
    assert (red > blue) == (temperature < 6500) or temperature == pytest.approx(6500, abs=1)


def test_the_neutral_temperature_leaves_the_image(isa: str) -> None:
    image = np.random.default_rng(0).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    same = T.PlanckianJitter(temperature=5000, neutral=5000, p=1.0)(image)
    np.testing.assert_array_equal(same.permute(1, 2, 0), image)


def test_temperatures_are_uniform_in_their_reciprocal(isa: str) -> None:
    images = np.full((2000, 1, 1, 3), 0.25, np.float32)
    batch = T.PlanckianJitter((3000, 15000), p=1.0).batch(images, keys=[(0, 0, k) for k in range(2000)]).numpy()
    middle = light_gains(np.array([2 / (1 / 3000 + 1 / 15000)]), 6500.0)[0, 0] * 0.25
    assert abs((batch[:, 0] > middle).mean() - 0.5) < 6 * np.sqrt(0.25 / 2000)
    assert (batch[:, 1] == 0.25).all()


def test_one_channel_has_no_light_of_its_own() -> None:
    image = np.arange(6, dtype=np.uint8).reshape(2, 3)
    np.testing.assert_array_equal(T.PlanckianJitter(3000, p=1.0)(image)[0], image)


@given(low=st.integers(1, 4), more=st.integers(0, 3), key=st.integers(0, 10**6))
def test_as_many_channels_are_dropped_as_it_says(isa: str, low: int, more: int, key: int) -> None:
    high = min(low + more, 4)
    image = np.random.default_rng(key).integers(1, 255, (4, 5, 5), dtype=np.uint8)
    result = T.ChannelDropout((low, high), fill=(0, 255, 0, 255, 0), p=1.0)(image, key=(0, 0, key)).numpy()
    dropped = (result != np.moveaxis(image, -1, 0)).any(axis=(1, 2))
    assert low <= dropped.sum() <= high
    for channel in np.flatnonzero(dropped):
        assert (result[channel] == (0, 255, 0, 255, 0)[channel]).all()


def test_every_channel_is_dropped_equally_often() -> None:
    images = np.full((3000, 1, 1, 3), 9, np.uint8)
    batch = T.ChannelDropout(p=1.0).batch(images, keys=[(0, 0, k) for k in range(3000)]).numpy()
    assert abs((batch == 0).mean(axis=(0, 2, 3)) - 1 / 3).max() < 6 * np.sqrt(2 / 9 / 3000)


def test_no_image_loses_all_its_colours() -> None:
    for count, channels in ((1, 1), (3, 3), (3, 4)):
        with pytest.raises(ArgumentError, match="count must leave one of"):
            T.ChannelDropout(count)(np.zeros((2, 2, channels), np.uint8))


def test_unclamped_colours_keep_values_of_any_scale(isa: str) -> None:
    hounsfield = np.array([[-1000.0, 0.0, 3000.0]], np.float32)
    jitter = T.ColorJitter(brightness=(2, 2), contrast=(0.5, 0.5), clip=False)
    expected = 2 * (0.5 * hounsfield + 0.5 * hounsfield.mean())
    np.testing.assert_allclose(jitter(hounsfield)[0], expected, rtol=1e-6)
    assert T.ColorMatrix([[-1.0]], clip=False)(hounsfield)[0].tolist() == [[1000.0, 0.0, -3000.0]]
    mixed = T.Compose([T.ColorJitter(brightness=(2, 2), clip=False), T.ColorJitter(brightness=(0.25, 0.25))])
    assert mixed(np.array([[0.75]], np.float32)).item() == 0.375
    assert "2 passes" in mixed.explain(dtype="float32")
    assert "1 pass\n" in mixed.explain(dtype="uint8")


def test_unclamped_integers_stay_within_their_range(isa: str) -> None:
    assert T.ColorJitter(brightness=(2, 2), clip=False)(np.array([[200]], np.uint8)).item() == 255


def test_numbers_normalise_every_channel_alike() -> None:
    image = np.random.default_rng(0).random((3, 4, 5), dtype=np.float32)
    np.testing.assert_array_equal(T.Normalize(0.5, 2.0)(image), T.Normalize([0.5] * 5, [2.0] * 5)(image))
    for std in (0.0, -1, [0.5, 0.0], []):
        with pytest.raises(ArgumentError, match="std"):
            T.Normalize(0.5, std)


# One channel ------------------------------------------------------------------------------------------------------


@given(image=aug.images((7, 9, 3)))
def test_grey_of_one_channel_is_that_of_three(isa: str, image: np.ndarray) -> None:
    one, three = T.Grayscale()(image), T.Grayscale(3)(image)
    assert one.shape == (1, 7, 9)
    tolerance = 1e-6 if image.dtype == np.float32 else 1  # a pass computes in float32
    np.testing.assert_allclose(one[0].numpy().astype(float), three[0].numpy().astype(float), atol=tolerance)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("first", [True, False])
def test_the_rest_of_a_pipeline_sees_one_channel(channels: int, first: bool) -> None:
    image = np.random.default_rng(0).integers(0, 256, (12, 12, channels), dtype=np.uint8)
    before: list[T.Pipeline] = [] if first else [T.RandomHorizontalFlip(1.0), T.GaussianBlur(3)]
    t = T.Compose([*before, T.Grayscale(1), T.RandomRotation(20), T.GaussianNoise(), T.Normalize([0.5], [0.5])])
    found, target = t(image, {"boxes": [[0.0, 0, 6, 6]], "masks": image[..., 0]}, key=(0, 0, 0))
    assert found.shape == (1, 12, 12)
    assert len(target["boxes"]) == 1
    batch = t.batch([image, image], keys=[(0, 0, 0), (0, 0, 1)])
    assert batch.shape == (2, 1, 12, 12)
    stored = io.BytesIO()
    plan = t.plan([image.shape], [(0, 0, 0)])
    plan.save(stored)
    stored.seek(0)
    np.testing.assert_array_equal(t.apply([image], T.Plan.load(stored))[0], found)
    assert "Grayscale" in t.explain((12, 12, channels))


def test_a_plan_whose_channels_do_not_fit_is_refused() -> None:
    plan = T.Grayscale(1).plan([(4, 4, 3)], [(0, 0, 0)])
    with pytest.raises(PlanError, match="channels"):
        T.Plan((plan.steps[0], plan.steps[-1]))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: T.Grayscale(2), "1 or 3"),
        (lambda: T.RandomApply([T.Grayscale(1)])(np.zeros((2, 2, 3), np.uint8)), "left to chance"),
        (lambda: T.Grayscale(3)(np.zeros((2, 2), np.uint8)), "repeat the channel"),
        (lambda: T.Grayscale(1)(np.zeros((2, 2, 5), np.uint8)), "1 \\(grey\\), 3 or 4"),
    ],
)
def test_grey_that_cannot_be_is_refused_in_words(make: object, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        make()  # type: ignore[operator]
