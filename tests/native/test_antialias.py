"""Filters along the axes, of any width, and pictures that are made smaller before they are turned."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from native_rows import DTYPES, Array, make_rows, picture, rotation

from augsynth import _native
from augsynth._native.layout import Border, Interpolation
from augsynth.engine import reference
from augsynth.errors import PlanError


@pytest.mark.parametrize("angle", [0.0, 0.3, np.pi / 2])
@pytest.mark.parametrize("scale", [(0.6, 1.7), (3.0, 40.0), (25.0, 1.0)])
@pytest.mark.parametrize("border", Border)
@pytest.mark.parametrize("interpolation", [Interpolation.BILINEAR, Interpolation.BICUBIC])
def test_wide_filters_agree_with_the_reference(
    isa: str, interpolation: Interpolation, border: Border, scale: tuple[float, float], angle: float
) -> None:
    source = picture((9, 13, 2), np.float32)
    native, expected = np.zeros((2, 2, 5, 300), np.float32)
    inverse = rotation(angle, 9, 13) @ np.diag([*scale, 1.0])
    inverse[:2, 2] += -300 * inverse[:2, 0] / 2
    support = np.maximum(1, np.hypot(inverse[:2, 0], inverse[:2, 1]))
    fields = {"inverse": inverse, "support": support, "border": border, "interpolation": interpolation}
    rows = make_rows(source, native, antialias=1, fill=0.5, **fields)
    _native.run(rows, [source], [native])
    reference.run(rows, [source], [expected])
    np.testing.assert_allclose(native, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES.values())
def test_a_constant_stays_constant(isa: str, dtype: Any) -> None:
    source = np.full((50, 70, 3), 0.75 if dtype == np.float32 else 200, dtype)
    output = np.zeros((3, 7, 6), dtype)
    rows = make_rows(source, output, inverse=np.diag([70 / 6, 50 / 7, 1]), support=(70 / 6, 50 / 7), antialias=1)
    _native.run(rows, [source], [output])
    np.testing.assert_allclose(output, source[0, 0, 0], rtol=3e-7 if dtype == np.float32 else 0)


@pytest.mark.parametrize("border", Border)
@pytest.mark.parametrize("left", [0, 3, 25, 48])
def test_crops_agree_with_the_reference(isa: str, left: int, border: Border) -> None:
    """A shrunken, mirrored crop: only some of the source's columns are needed."""
    source = picture((30, 60, 2), np.float32)
    native, expected = np.zeros((2, 2, 6, 5), np.float32)
    inverse = np.array([[-2.4, 0, left + 12], [0, 3, 5], [0, 0, 1]])
    rows = make_rows(source, native, inverse=inverse, support=(2.4, 3), antialias=1, border=border)
    _native.run(rows, [source], [native])
    reference.run(rows, [source], [expected])
    np.testing.assert_allclose(native, expected, rtol=0, atol=1e-6)


def assert_like_the_reference(source: Array, shape: tuple[int, int], atol: float, **fields: Any) -> None:
    native, expected = np.zeros((2, source.shape[2], *shape), np.float32)
    rows = make_rows(source, native, antialias=1, **fields)
    _native.run(rows, [source], [native])
    reference.run(rows, [source], [expected])
    np.testing.assert_allclose(native, expected, rtol=0, atol=atol)


@pytest.mark.parametrize("channels", [1, 3, 4, 5])
@pytest.mark.parametrize("scale", [0.7, 1.4, 3.3, 4.0, 11.0, 40.0, 70.0])
@pytest.mark.parametrize("interpolation", [Interpolation.BILINEAR, Interpolation.BICUBIC])
def test_uint8_is_filtered_within_the_stated_bound(
    isa: str, interpolation: Interpolation, scale: float, channels: int
) -> None:
    """Wide images, so that several chunks, all numbers of taps and the change to other arithmetic are passed."""
    source = picture((23, 700, channels))
    inverse = np.array([[-scale, 0, 650], [0, 1.9, 1], [0, 0, 1]])
    width, support = int(700 / scale) + 20, max(1.0, scale)
    taps = np.ceil(2 * (1 + (interpolation == Interpolation.BICUBIC)) * np.array([support, 1.9]))
    overshoot = 1.5 if interpolation == Interpolation.BICUBIC else 1.0
    bits = 14 + (support >= 4) + (support >= 8), 14
    bound = 1 / 64 + overshoot * ((taps[0] - 1) * 128 / 2 ** bits[0] + (taps[1] - 1) * 128 / 2 ** bits[1])
    for border in Border:
        fields = {"inverse": inverse, "border": border, "interpolation": interpolation, "fill": 9.0}
        assert_like_the_reference(source, (12, width), bound, support=(support, 1.9), **fields)


@pytest.mark.parametrize("dtype", DTYPES.values())
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_layouts_make_no_difference(isa: str, channels: int, dtype: Any) -> None:
    source = picture((40, 90, channels), dtype)
    planes = np.ascontiguousarray(source.transpose(2, 0, 1)).transpose(1, 2, 0)
    spread = np.zeros((40, 2, 90, channels), dtype)
    spread[:, 1] = source
    apart = np.zeros((40, 90, 2, channels), dtype)
    apart[:, ::-1, 1] = source
    results = []
    for view in (source, planes, spread[:, 1], apart[:, ::-1, 1]):
        outputs = np.zeros((2, channels, 20, 300), np.float32)
        straight = {"inverse": np.diag([0.3, 2.2, 1]), "support": (1, 2.2)}
        turned = {"inverse": rotation(0.4, 40, 90) @ np.diag([0.3, 2.2, 1]), "support": (1.2, 2.1)}
        for output, fields in zip(outputs, (straight, turned), strict=True):
            rows = make_rows(source, output, antialias=1, border=Border.REFLECT101, **fields)
            _native.run(rows, [view], [output])
        results.append(outputs)
    for other in results[1:]:
        np.testing.assert_array_equal(other, results[0])


@pytest.mark.parametrize("dtype", DTYPES.values())
def test_a_quarter_turn_is_filtered_exactly(isa: str, dtype: Any) -> None:
    """It equals the filtered picture of the transposed source: nothing is made smaller first."""
    source = picture((37, 52, 3), dtype)
    turned, straight = np.zeros((2, 3, 26, 15), np.float32)
    inverse = np.array([[0, 2, 0.3], [2.5, 0, -0.2], [0, 0, 1]])
    rows = make_rows(source, turned, inverse=inverse, support=(2, 2.5), antialias=1)
    _native.run(rows, [source], [turned])
    transposed = np.ascontiguousarray(source.transpose(1, 0, 2))
    inverse = np.array([[2.5, 0, -0.2], [0, 2, 0.3], [0, 0, 1]])
    rows = make_rows(transposed, straight, inverse=inverse, support=(2.5, 2), antialias=1)
    _native.run(rows, [transposed], [straight])
    np.testing.assert_array_equal(turned, straight)


@pytest.mark.parametrize("dtype", DTYPES.values())
@pytest.mark.parametrize("border", Border)
@pytest.mark.parametrize("interpolation", [Interpolation.BILINEAR, Interpolation.BICUBIC])
def test_turned_pictures_do_not_depend_on_who_renders_which_part(
    isa: str, interpolation: Interpolation, border: Border, dtype: Any
) -> None:
    """Each thread makes only what it looks at smaller; taken together that is what one thread makes."""
    source = picture((70, 110, 3), dtype)
    whole, parts = np.zeros((2, 3, 61, 300), np.float32)
    inverse = rotation(0.5, 70, 110) @ np.diag([0.9, 2.6, 1]) @ np.array([[1, 0, -90], [0, 1, -5], [0, 0, 1]])
    fields = {"inverse": inverse, "support": (1.6, 2.3), "border": border, "interpolation": interpolation}
    rows = make_rows(source, whole, antialias=1, **fields)
    _native.run(rows, [source], [whole], threads=1)
    _native.run(rows, [source], [parts], threads=7)
    np.testing.assert_array_equal(parts, whole)


def test_working_memory_has_an_end(isa: str) -> None:
    """A support far too small for its map would keep the whole of a vast picture."""
    source = np.broadcast_to(picture((1, 1, 3)), (2**24, 2**24, 3))
    output = np.zeros((3, 4, 4), np.uint8)
    inverse = np.array([[2.0**21, 2.0**20, 0], [-(2.0**20), 2.0**21, 2.0**23], [0, 0, 1]])
    rows = make_rows(source, output, inverse=inverse, support=1.5, antialias=1)
    with pytest.raises(PlanError, match="working memory"):
        _native.run(rows, [source], [output])
    assert not output.any()
