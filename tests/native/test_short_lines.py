"""Short lines, of which several go through the stages at a time, against single pixels: the same bits."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from native_rows import NOISE_PARAMETERS, Array, make_rows, picture, rotation
from native_tables import colours, erasures

from augsynth import _native
from augsynth._native.layout import Border, Interpolation, Tables

HEIGHT = 37


def planar(channels: int, width: int) -> Array:
    return np.zeros((channels, HEIGHT, width), np.float32)


def interleaved(channels: int, width: int) -> Array:
    return np.zeros((HEIGHT, width, channels), np.float32).transpose(2, 0, 1)


def with_gaps(channels: int, width: int) -> Array:
    return np.zeros((channels, HEIGHT, width + 3), np.float32)[:, :, :width]


def agree_with_pixels(isa: str, source: Array, outputs: list[Array], tables: Tables, fields: dict[str, Any]) -> None:
    """Render into both outputs, the second pixel by pixel, and compare all memory that they lie in."""
    for output, name in zip(outputs, (isa, "scalar"), strict=True):
        _native.set_isa(name)
        _native.run(make_rows(source, output, **fields), [source], [output], tables=tables)
    ours, pixels = [output if output.base is None else output.base for output in outputs]
    assert ours.min() < ours.max()
    np.testing.assert_array_equal(ours, pixels)


@pytest.mark.parametrize("allocate", [planar, interleaved, with_gaps])
@pytest.mark.parametrize("width", [1, 3, 8, 9, 17, 28, 33, 120, 121, 257])
def test_lines_that_share_a_chunk_keep_apart(isa: str, width: int, allocate: Any) -> None:
    for (noise, parameters), channels in itertools.product(NOISE_PARAMETERS.items(), (1, 3)):
        source = picture((31, width + 2, channels))
        tables = Tables(
            colours=colours(channels, 255.0, of_mean=True), erasures=erasures((HEIGHT, width), 255.0, count=3)
        )
        fields = {"inverse": rotation(0.3, 31, width), "noise": noise, "noise_parameters": parameters}
        fields |= {"stream": (1, 2, 3, 4), "colour": 0, "erasures": (0, 3)}
        outputs = [allocate(channels, width) for _ in range(2)]
        agree_with_pixels(isa, source, outputs, tables, fields)


@pytest.mark.parametrize("border", [Border.CONSTANT, Border.REPLICATE, Border.REFLECT])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("interpolation", Interpolation)
def test_every_sampler_may_end_a_line_anywhere(
    isa: str, interpolation: Interpolation, dtype: Any, border: Border
) -> None:
    for width, channels, angle in itertools.product((5, 21, 28), (1, 2, 3, 4), (0.0, 0.4)):
        source, outputs = picture((31, 24, channels), dtype), [planar(channels, width) for _ in range(2)]
        fields = {"inverse": rotation(angle, 31, 25.5), "interpolation": interpolation, "border": border}
        fields |= {"fill": 0.5, "edge": 0.7}
        agree_with_pixels(isa, source, outputs, Tables(), fields)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("border", [Border.CONSTANT, Border.REPLICATE])
def test_small_pictures_may_have_any_strides(isa: str, border: Border, channels: int) -> None:
    image = picture((28, 32, channels))
    for source in (
        np.ascontiguousarray(image.transpose(2, 0, 1)).transpose(1, 2, 0),
        np.repeat(image, 2, axis=1)[:, ::2],
        image[::-1, ::-1],
        image[:, :, ::-1],
    ):
        outputs = [planar(channels, 28) for _ in range(2)]
        fields = {"inverse": rotation(0.5, 28, 32), "border": border, "fill": 7.0}
        agree_with_pixels(isa, source, outputs, Tables(), fields)
