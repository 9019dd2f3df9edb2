"""Memory that is read and written; a copy has the same bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from native_rows import DTYPES, make_rows, picture, rotation, unaligned

from augsynth import _native
from augsynth._native.layout import Border, DType, Interpolation

VIEWS: dict[str, Callable[[Any], Any]] = {
    "flipped": lambda image: image[::-1, ::-1],
    "channels reversed": lambda image: image[:, :, ::-1],
    "cropped": lambda image: image[3:17, 2:19],
    "stepped": lambda image: image[::2, 1::3],
    "transposed": lambda image: image.transpose(1, 0, 2),
    "channels first": lambda image: np.ascontiguousarray(image.transpose(2, 0, 1)).transpose(1, 2, 0),
    "broadcast": lambda image: np.broadcast_to(image[:1, :, :1], (9, *image.shape[1:])),
    "unaligned": unaligned,
}


@pytest.mark.parametrize("channels", range(1, 17))
@pytest.mark.parametrize("interpolation", Interpolation)
@pytest.mark.parametrize("dtype", DTYPES.values())
def test_the_identity_copies(isa: str, dtype: Any, interpolation: Interpolation, channels: int) -> None:
    source = picture((11, 300, channels), dtype)
    output = np.zeros((channels, 11, 300), dtype)
    _native.run(make_rows(source, output, interpolation=interpolation), [source], [output])
    np.testing.assert_array_equal(output, source.transpose(2, 0, 1))


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("interpolation", [Interpolation.BILINEAR, Interpolation.BICUBIC])
def test_a_constant_picture_stays_constant(isa: str, interpolation: Interpolation, channels: int) -> None:
    """If whole weights miss their sum by one, bilinear or bicubic, 0.016 levels are missing."""
    source, output = np.full((40, 50, channels), 255, np.uint8), np.zeros((channels, 40, 300), np.float32)
    rows = make_rows(source, output, inverse=rotation(0.4, 40, 50), interpolation=interpolation)
    _native.run(rows, [source], [output])
    np.testing.assert_allclose(output, 255, rtol=0, atol=2e-3)


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS.keys())
@pytest.mark.parametrize("antialias", [0, 1])
@pytest.mark.parametrize("dtype", DTYPES.values())
def test_views_are_read_in_place(isa: str, dtype: Any, antialias: int, view: Callable[[Any], Any]) -> None:
    image = picture((20, 21, 3), dtype)
    source = view(image)
    before = source.copy()
    outputs = np.zeros((2, 3, 15, 16), np.float32)
    inverse = rotation(0.4, *source.shape[:2])
    rows = make_rows(before, outputs[0], inverse=inverse, antialias=antialias, border=Border.REFLECT101, support=1.5)
    _native.run(rows, [source], [outputs[0]])
    _native.run(rows, [before.copy()], [outputs[1]])
    np.testing.assert_array_equal(outputs[0], outputs[1])
    np.testing.assert_array_equal(source, before)
    assert outputs[0].any()


def test_one_array_is_a_batch(isa: str) -> None:
    sources = picture((12, 5, 6, 3))[::-2]
    outputs = np.zeros((3, 6, 3, 7, 6), np.uint8)[1]
    rows = np.concatenate([make_rows(source, outputs[0]) for source in sources])
    _native.run(rows, sources, outputs)
    separate = [np.zeros((3, 7, 6), np.uint8) for _ in sources]
    _native.run(rows, list(sources), tuple(separate))
    np.testing.assert_array_equal(outputs, separate)
    np.testing.assert_array_equal(outputs[:, :, :5], sources.transpose(0, 3, 1, 2))


@pytest.mark.parametrize("dtype", DTYPES.values())
def test_only_the_output_is_written(isa: str, dtype: Any) -> None:
    """The output is a window of a larger array, unaligned and with its lines upside down."""
    source = picture((6, 7, 2), dtype)
    canvas = unaligned(np.full((4, 9, 13), 99, dtype))
    window = canvas[1:3, 7:1:-1, 3:10]
    _native.run(make_rows(source, window), [source], [window])
    expected = np.full((4, 9, 13), 99, dtype)
    expected[1:3, 7:1:-1, 3:10] = source.transpose(2, 0, 1)
    np.testing.assert_array_equal(canvas, expected)


def test_integers_are_rounded_and_clamped_and_nan_is_zero(isa: str) -> None:
    values = np.array([-np.inf, -1, 0.49, 0.5, 1.5, 254.49, 254.5, 300, np.inf, np.nan], np.float32)
    source = values.reshape(1, -1, 1)
    output = np.zeros((1, 1, 10), np.uint8)
    _native.run(make_rows(source, output, interpolation=Interpolation.NEAREST), [source], [output])
    assert output.ravel().tolist() == [0, 0, 0, 1, 2, 254, 255, 255, 255, 0]


def test_clamp_comes_before_gain_and_lets_nan_pass(isa: str) -> None:
    source = np.array([-5, 0.25, 5, np.nan], np.float32).reshape(1, 4, 1)
    output = np.zeros((1, 1, 4), np.float32)
    fields = {"clamp": (0, 1), "gain": 10, "bias": 1, "interpolation": Interpolation.NEAREST}
    _native.run(make_rows(source, output, **fields), [source], [output])
    np.testing.assert_array_equal(output.ravel(), [1, 3.5, 11, np.nan])


@pytest.mark.parametrize("interleaved", [False, True])
@pytest.mark.parametrize("kind", [DType.FLOAT16, DType.BFLOAT16])
def test_half_precision_is_rounded_to_nearest_even(isa: str, kind: DType, interleaved: bool) -> None:
    """As torch rounds float32: ties, subnormals, overflow to infinity, and NaN."""
    dtype = torch.float16 if kind == DType.FLOAT16 else torch.bfloat16
    every = torch.arange(2**16, dtype=torch.int32).to(torch.int16).view(dtype).float().numpy()
    every = every[np.isfinite(every)]
    with np.errstate(over="ignore"):
        ties = (every[1:] + every[:-1]) / 2
    values = np.concatenate([every, ties, [np.inf, -np.inf, np.nan, 65519.9, 65520, 3.4e38, 1e-45]])
    source = values[: values.size // 3 * 3].astype(np.float32).reshape(1, -1, 3)
    expected = torch.from_numpy(source.transpose(2, 0, 1).copy()).to(dtype)
    output = torch.zeros(expected.shape, dtype=dtype)
    if interleaved:
        output = torch.zeros((1, source.shape[1], 3), dtype=dtype).permute(2, 0, 1)
    array = output.view(torch.uint16).numpy() if kind == DType.BFLOAT16 else output.numpy()
    fields = {"interpolation": Interpolation.NEAREST, "output_dtype": kind}
    _native.run(make_rows(source, array, **fields), [source], [array])
    torch.testing.assert_close(output, expected, rtol=0, atol=0, equal_nan=True)
