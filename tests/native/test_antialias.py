"""Filters wider than the source, and the shortcut for upright maps, against the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from native_rows import DTYPES, make_rows, picture, rotation

from augsynth import _native, reference
from augsynth.layout import Border, Interpolation


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
    assert (output == source[0, 0, 0]).all()


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
