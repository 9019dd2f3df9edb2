"""Colour transforms give the pixels of their stated matrices, worked out here with plain formulas in float64."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augsynth import transforms as T
from augsynth._native.layout import MAX_CHANNELS
from augsynth.errors import ArgumentError
from augsynth.testing import strategies as aug

Floats = npt.NDArray[np.float64]
Key = tuple[int, int, int]
KEY = (5, 1, 9)
FULL = {"uint8": 255.0, "uint16": 65535.0, "float32": 1.0}
RGB = aug.shapes(16, 1).flatmap(lambda shape: aug.images((*shape[:2], 3)))
FACTORS = st.floats(0, 3)


def grey(image: Floats) -> Floats:
    return (0.299 * image[..., 0] + 0.587 * image[..., 1] + 0.114 * image[..., 2])[..., None]


def turned(image: Floats, hue: float) -> Floats:
    """The hue of YIQ, as a rotation of the complex chroma I + iQ."""
    luma = grey(image)[..., 0]
    chroma = (0.5959 * image[..., 0] - 0.2746 * image[..., 1] - 0.3213 * image[..., 2]) + 1j * (
        0.2115 * image[..., 0] - 0.5227 * image[..., 1] + 0.3112 * image[..., 2]
    )
    chroma = chroma * np.exp(-2j * np.pi * hue)
    yiq = np.stack([luma, chroma.real, chroma.imag], axis=-1)
    to_yiq = np.array([[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]])
    return np.linalg.solve(to_yiq, yiq[..., None])[..., 0]


ADJUST: dict[str, Callable[[Floats, float], Floats]] = {
    "brightness": lambda image, factor: image * factor,
    "contrast": lambda image, factor: image * factor + (1 - factor) * grey(image).mean(),
    "saturation": lambda image, factor: image * factor + (1 - factor) * grey(image),
    "hue": turned,
}


def assert_shows(result: Any, expected: Floats, image: npt.NDArray[Any], bound: float = 1e-5) -> None:
    """The tensor (C, H, W) is the expected picture (H, W, C), clamped and in the image's dtype."""
    full = FULL[image.dtype.name]
    difference = np.abs(result.numpy().transpose(1, 2, 0) - np.clip(expected, 0, full))
    assert difference.max() <= (0.5 if image.dtype.kind == "u" else 0.0) + bound * full


@given(RGB, st.sampled_from(["brightness", "contrast", "saturation"]), FACTORS)
def test_each_factor_is_its_formula(image: npt.NDArray[Any], name: str, factor: float) -> None:
    result = T.ColorJitter(**{name: (factor, factor)})(image, key=KEY)
    assert_shows(result, ADJUST[name](image.astype(np.float64), factor), image)


@given(RGB, st.floats(-0.5, 0.5))
def test_hue_rotates_the_chroma_of_yiq(image: npt.NDArray[Any], hue: float) -> None:
    result = T.ColorJitter(hue=(hue, hue))(image, key=KEY)
    assert_shows(result, turned(image.astype(np.float64), hue), image)


def test_hue_turns_red_to_green_to_blue_and_keeps_the_luma() -> None:
    red = np.array([[[0.4, 0.3, 0.3]]], np.float32)
    for hue, largest in ((0.0, 0), (1 / 3, 1), (-1 / 3, 2)):
        result = T.ColorJitter(hue=(hue, hue))(red, key=KEY).numpy()[:, 0, 0].astype(np.float64)
        assert result.argmax() == largest
        assert grey(result)[0] == pytest.approx(0.3299, abs=1e-6)


@given(RGB, FACTORS, FACTORS, FACTORS, st.floats(-0.5, 0.5))
def test_jitter_is_the_four_in_any_order(
    image: npt.NDArray[Any], brightness: float, contrast: float, saturation: float, hue: float
) -> None:
    amounts = {"brightness": brightness, "contrast": contrast, "saturation": saturation, "hue": hue}
    result = T.ColorJitter(**{name: (amount, amount) for name, amount in amounts.items()})(image, key=KEY)
    for order in permutations(amounts):
        expected = image.astype(np.float64)
        for name in order:
            expected = ADJUST[name](expected, amounts[name])
        assert_shows(result, expected, image, 1e-4)


@given(RGB, aug.keys())
def test_no_jitter_is_the_image(image: npt.NDArray[Any], key: Key) -> None:
    for unchanged in (T.ColorJitter(), T.RandomGrayscale(p=0.0), T.ColorMatrix(np.eye(3))):
        np.testing.assert_array_equal(unchanged(image, key=key).numpy().transpose(1, 2, 0), image)


@given(aug.keys(), st.floats(0.01, 2), st.floats(0.001, 0.5))
def test_factors_lie_in_torchvisions_ranges(key: Key, spread: float, hue: float) -> None:
    keys = [(*key[:2], index) for index in range(64)]
    drawn = T.ColorJitter(brightness=spread).plan([(2, 2, 1)] * 64, keys).passes[0].tables.colours["matrix"][:, 0, 0]
    low, high = max(0.0, 1 - spread), 1 + spread
    quarter = (high - low) / 4
    assert low <= drawn.min() < low + quarter
    assert high - quarter < drawn.max() <= high
    turns = T.ColorJitter(hue=hue).plan([(2, 2, 3)] * 64, keys).passes[0].tables.colours["matrix"][:, :3, :3]
    cosine = (np.trace(turns, axis1=1, axis2=2) - 1) / 2
    assert cosine.min() >= np.cos(2 * np.pi * hue) - 1e-9


@given(RGB)
def test_grayscale_is_the_luma_in_all_channels(image: npt.NDArray[Any]) -> None:
    result = T.RandomGrayscale(p=1.0)(image, key=KEY)
    assert_shows(result, np.repeat(grey(image.astype(np.float64)), 3, axis=-1), image)


def test_grey_and_white_stay_exactly() -> None:
    """The luma's shares sum to 1, where torchvision's 0.2989 leaves 254.97 of white."""
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=-1)
    for transform in (T.RandomGrayscale(p=1.0), T.ColorJitter(saturation=(2.5, 2.5)), T.ColorJitter(hue=(0.3, 0.3))):
        np.testing.assert_array_equal(transform(ramp, key=KEY).numpy().transpose(1, 2, 0), ramp)


def test_some_are_grey_at_the_stated_rate() -> None:
    n, p = 2000, 0.3
    keys = [(1, 0, index) for index in range(n)]
    rows = T.RandomGrayscale(p=p).plan([(2, 2, 3)] * n, keys).passes[0].rows
    assert abs((rows["colour"] >= 0).mean() - p) < 5 * np.sqrt(p * (1 - p) / n)


@pytest.mark.parametrize("channels", range(1, MAX_CHANNELS + 1))
def test_brightness_and_contrast_work_on_any_channels(channels: int) -> None:
    image = np.random.default_rng(channels).random((5, 7, channels), np.float32) * 0.5 + 0.2
    colours = image[..., :3] if channels == 4 else image
    middle = grey(colours).mean() if channels in (3, 4) else colours.mean()
    brighter = T.ColorJitter(brightness=(1.2, 1.2))(image, key=KEY).numpy().transpose(1, 2, 0)
    flatter = T.ColorJitter(contrast=(0.5, 0.5))(image, key=KEY).numpy().transpose(1, 2, 0)
    count = colours.shape[-1]
    np.testing.assert_allclose(brighter[..., :count], colours * 1.2, atol=1e-6)
    np.testing.assert_allclose(flatter[..., :count], (colours + middle) / 2, atol=1e-6)
    for result in (brighter, flatter):  # alpha
        np.testing.assert_array_equal(result[..., count:], image[..., count:])


@pytest.mark.parametrize("transform", [T.ColorJitter(0, 0, 0.5), T.ColorJitter(hue=0.1), T.RandomGrayscale(1.0)])
def test_colours_are_for_images_that_have_them(transform: T.Transform) -> None:
    for channels in (2, 5, 16):
        with pytest.raises(ArgumentError, match=f"needs images of 1 .grey., 3 or 4 channels, got {channels}"):
            transform(np.zeros((3, 3, channels), np.uint8))
    single = np.random.default_rng(0).integers(0, 256, (4, 5, 1), dtype=np.uint8)
    np.testing.assert_array_equal(transform(single, key=KEY)[0].numpy(), single[..., 0])
    alpha = np.random.default_rng(0).integers(0, 256, (4, 5, 4), dtype=np.uint8)
    result = transform(alpha, key=KEY).numpy()
    np.testing.assert_array_equal(result[3], alpha[..., 3])
    np.testing.assert_array_equal(result[:3], transform(alpha[..., :3], key=KEY).numpy())


def test_images_of_different_channels_go_together() -> None:
    """The result of an image never depends on its neighbours."""
    jitter = T.ColorJitter(0.5, 0.5, 0.5, 0.2)
    shapes, keys = [(4, 4, 1), (4, 4, 3), (4, 4, 4)], [(1, 0, 0), (1, 0, 1), (1, 0, 2)]
    together = jitter.plan(shapes, keys).passes[0].tables.colours
    for i, (shape, key) in enumerate(zip(shapes, keys, strict=True)):
        alone, c = jitter.plan([shape], [key]).passes[0].tables.colours, shape[-1]
        for name in ("matrix", "of_mean"):
            np.testing.assert_allclose(together[i][name][:c, :c], alone[0][name][:c, :c], rtol=0, atol=1e-15)


@given(st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_a_matrix_mixes_channels(channels: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    matrix, offset = random.normal(0, 0.5, (channels, channels)), random.normal(0, 0.2, channels)
    image = random.integers(0, 256, (6, 4, channels), dtype=np.uint8)
    result = T.ColorMatrix(matrix, offset)(image, key=KEY)
    assert_shows(result, image.astype(np.float64) @ matrix.T + offset * 255, image)


def test_permutations_are_fair_and_move_whole_channels() -> None:
    n = 1200
    image = np.random.default_rng(0).integers(0, 256, (3, 4, 3), dtype=np.uint8)
    result = T.RandomChannelPermutation().batch([image] * n, keys=[(4, 0, i) for i in range(n)]).numpy()
    counts = dict.fromkeys(permutations(range(3)), 0)
    for one in result:
        order = tuple(int(np.flatnonzero((image == c[..., None]).all(axis=(0, 1)))[0]) for c in one)
        counts[order] += 1
    expected = n / len(counts)
    assert sum((count - expected) ** 2 / expected for count in counts.values()) < 5 + 5 * np.sqrt(10)


def test_colour_transforms_share_one_matrix() -> None:
    pipeline = T.Compose([T.ColorJitter(0.2, 0.2, 0.2, 0.1), T.RandomGrayscale(1.0), T.RandomHorizontalFlip(0.0)])
    plan = T.Compose(pipeline.transforms[:2]).plan([(4, 4, 3)], [KEY])
    assert len(plan.steps) == 1
    assert len(plan.passes[0].tables.colours) == 1
    assert len(pipeline.plan([(4, 4, 3)], [KEY]).passes) == 2  # a flip would have to run after it


@given(RGB, aug.keys())
def test_fused_jitter_is_unfused_where_nothing_is_clamped(image: npt.NDArray[Any], key: Key) -> None:
    half = (image.astype(np.float64) / FULL[image.dtype.name] * 0.3 + 0.3).astype(np.float32)
    parts = [T.ColorJitter(0.2, 0.2, 0.2, 0.1), T.ColorJitter(contrast=0.3), T.RandomGrayscale(0.5)]
    fused, unfused = T.Compose(parts)(half, key=key), T.Compose(parts, fuse=False)(half, key=key)
    np.testing.assert_allclose(fused.numpy(), unfused.numpy(), atol=2e-6)


def test_a_map_after_a_map_sees_the_mean_that_the_first_leaves() -> None:
    image = np.random.default_rng(1).random((8, 6, 3), np.float32) * 0.2 + 0.4
    parts = [T.ColorJitter(brightness=(1.5, 1.5)), T.ColorJitter(contrast=(0.5, 0.5)), T.ColorJitter(contrast=(0, 0))]
    result = T.Compose(parts)(image, key=KEY)
    assert_shows(result, np.full(image.shape, 1.5 * grey(image.astype(np.float64)).mean()), image)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: T.ColorJitter(brightness=-0.1), "brightness must be finite and at least 0"),
        (lambda: T.ColorJitter(contrast=(1.2, 0.8)), "contrast must be .lowest, highest."),
        (lambda: T.ColorJitter(hue=0.6), r"hue.* must be in \[-0.5, 0.5\]"),
        (lambda: T.RandomGrayscale(1.5), r"p must be in \[0, 1\]"),
        (lambda: T.ColorMatrix([[1, 0], [0]]), r"matrix\[1\] must have 2 numbers"),
        (lambda: T.ColorMatrix([]), "matrix must have 1 to 16 rows"),
        (lambda: T.ColorMatrix(np.eye(3), [0, 1]), "offset must be a number or 3"),
        (
            lambda: T.ColorMatrix(np.eye(2))(np.zeros((2, 2, 3), np.uint8)),
            "matrix is for 2 channels, the images have 3",
        ),
    ],
)
def test_what_is_refused(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        make()
