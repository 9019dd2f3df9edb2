"""Operations on whole images, between passes: the stated sums and counts, on every instruction set, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from augsynth import _native
from augsynth.errors import ArgumentError, ArgumentTypeError

Array = npt.NDArray[Any]

DTYPES = [np.uint8, np.uint16, np.float32]
FULL = {np.uint8: 255.0, np.uint16: 65535.0, np.float32: 1.0}
LAYOUTS = {
    "interleaved": lambda image: image,
    "planar": lambda image: np.ascontiguousarray(image.transpose(2, 0, 1)).transpose(1, 2, 0),
    "mirrored": lambda image: image[::-1, ::-1],
    "every second": lambda image: image.repeat(2, axis=1)[:, ::2],
    "turned": lambda image: np.ascontiguousarray(image.transpose(1, 0, 2)).transpose(1, 0, 2),
    "unaligned": lambda image: _unaligned(image),
}

shapes = st.tuples(st.integers(1, 9), st.integers(1, 90), st.integers(1, 5))
dtypes = st.sampled_from(DTYPES)
layouts = st.sampled_from(sorted(LAYOUTS))
seeds = st.integers(0, 2**32 - 1)


def _unaligned(image: Array) -> Array:
    memory = np.zeros(image.nbytes + 1, np.uint8)
    shifted = memory[1:].view(image.dtype).reshape(image.shape)
    shifted[...] = image
    return shifted


def _image(seed: int, shape: tuple[int, int, int], dtype: Any, layout: str) -> Array:
    random = np.random.default_rng(seed)
    image = (
        random.random(shape, np.float32) * FULL[dtype]
        if dtype == np.float32
        else random.integers(0, int(FULL[dtype]) + 1, shape)
    )
    return LAYOUTS[layout](image.astype(dtype))


def _stored(values: Array, dtype: Any) -> Array:
    if dtype == np.float32:
        return values
    return np.floor(np.clip(values, 0.0, FULL[dtype]) + np.float32(0.5)).astype(dtype)


def _convolved(values: Array, half: Array, axis: int) -> Array:
    """The definition, with NumPy's exactly rounded operations."""
    middle, size = len(half) - 1, values.shape[axis]
    margins = [(0, 0)] * 3
    margins[axis] = (middle, middle)
    padded = np.moveaxis(np.pad(values, margins, mode="reflect"), axis, 0)
    taps = [padded[t : t + size] for t in range(2 * middle + 1)]
    total = taps[middle] * half[middle]
    for t in range(middle):
        total = total + (taps[t] + taps[2 * middle - t]) * half[t]
    return np.moveaxis(total, 0, axis)


@given(seed=seeds, shape=shapes, dtype=dtypes, layout=layouts, x=st.integers(0, 12), y=st.integers(0, 12))
@example(seed=0, shape=(1, 1, 1), dtype=np.uint8, layout="interleaved", x=3, y=2)
@example(seed=0, shape=(3, 300, 3), dtype=np.uint8, layout="interleaved", x=11, y=11)
def test_blurs_are_those_of_the_definition(
    isa: str, seed: int, shape: Any, dtype: Any, layout: str, x: int, y: int
) -> None:
    image = _image(seed, shape, dtype, layout)
    halves = [np.random.default_rng(seed).random(size + 1, np.float32) / (size + 1) for size in (x, y)]
    expected = _convolved(_convolved(image.astype(np.float32), halves[0], 1), halves[1], 0)
    blurred = _native.blur(image, *halves)
    assert blurred.dtype == dtype
    np.testing.assert_array_equal(blurred, _stored(expected, dtype))


@given(seed=seeds, shape=shapes, dtype=dtypes, layout=layouts, factor=st.floats(-3, 5, width=32))
@example(seed=0, shape=(2, 9, 3), dtype=np.uint8, layout="interleaved", factor=3.0)
@example(seed=0, shape=(9, 2, 3), dtype=np.float32, layout="planar", factor=3.0)
@example(seed=0, shape=(3, 3, 1), dtype=np.uint8, layout="interleaved", factor=0.0)
def test_sharpening_is_that_of_the_definition(
    isa: str, seed: int, shape: Any, dtype: Any, layout: str, factor: float
) -> None:
    image = _image(seed, shape, dtype, layout)
    values = image.astype(np.float32)
    if min(shape[:2]) > 2:
        inner = values[1:-1, 1:-1]
        rows = values[:-2] + values[1:-1] + values[2:]
        smooth = (rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:] + np.float32(4) * inner) / np.float32(13)
        values[1:-1, 1:-1] = smooth + (inner - smooth) * np.float32(factor)
    expected = _stored(np.clip(values, 0.0, FULL[dtype]), dtype)
    sharpened = _native.sharpen(image, factor)
    assert sharpened.dtype == dtype
    np.testing.assert_array_equal(sharpened, expected)


def test_not_a_number_spreads_in_floats_and_is_zero_in_integers(isa: str) -> None:
    spot = np.zeros((5, 5, 1), np.float32)
    spot[2, 2] = np.nan
    assert np.isnan(_native.blur(spot, np.full(2, 0.3, np.float32), np.ones(1, np.float32))).sum() == 3
    assert np.isnan(_native.sharpen(spot, 0.5)).sum() == 9
    assert _native.sharpen(np.full((3, 3, 1), 7, np.uint8), np.nan)[1, 1, 0] == 0


@given(seed=seeds, shape=shapes, layout=layouts)
def test_levels_are_counted_and_mapped_in_each_channel(seed: int, shape: Any, layout: str) -> None:
    image = _image(seed, shape, np.uint8, layout)
    channels = image.reshape(-1, shape[2]).T
    counts = _native.count_levels(image)
    np.testing.assert_array_equal(counts, [np.bincount(channel, minlength=256) for channel in channels])
    levels = np.random.default_rng(seed).integers(0, 256, (shape[2], 256), np.uint8)
    expected = np.stack([levels[channel][image[..., channel]] for channel in range(shape[2])], axis=-1)
    np.testing.assert_array_equal(_native.map_levels(image, levels), expected)


@pytest.mark.parametrize("image", [np.zeros((4, 6), np.uint8), np.zeros((0, 6, 3), np.uint8)], ids=["2 axes", "empty"])
def test_what_is_no_image_is_refused(image: Array) -> None:
    for operation in (
        lambda: _native.blur(image, np.ones(1, np.float32), np.ones(1, np.float32)),
        lambda: _native.sharpen(image, 1.0),
        lambda: _native.count_levels(image),
        lambda: _native.map_levels(image, np.zeros((3, 256), np.uint8)),
    ):
        with pytest.raises(ArgumentTypeError, match=r"image has shape .* expected \(height, width, channels\)"):
            operation()


def test_other_dtypes_are_refused_in_words() -> None:
    with pytest.raises(ArgumentTypeError, match="image has dtype"):
        _native.sharpen(np.zeros((4, 6, 3)), 1.0)
    with pytest.raises(ArgumentTypeError, match="image has dtype <u2, expected uint8"):
        _native.count_levels(np.zeros((4, 6, 3), np.uint16))
    with pytest.raises(TypeError):
        _native.blur(np.zeros((4, 6, 3), np.uint8), np.ones(1), np.ones(1))  # type: ignore[arg-type]


@pytest.mark.parametrize("weights", [np.ones(0), np.ones(2049), np.ones((1, 1))], ids=["none", "many", "2 axes"])
def test_what_is_no_kernel_is_refused(weights: Array) -> None:
    with pytest.raises(ArgumentError, match="half a kernel has shape"):
        _native.blur(np.zeros((4, 6, 3), np.uint8), weights.astype(np.float32), np.ones(1, np.float32))


def test_levels_for_other_channels_are_refused() -> None:
    with pytest.raises(ArgumentError, match=r"levels have shape \(1, 256\), expected \(3, 256\)"):
        _native.map_levels(np.zeros((4, 6, 3), np.uint8), np.zeros((1, 256), np.uint8))
