"""Single pixels, as GPUs render them, against the vectors: the same bits, whatever the way of sampling."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from native_rows import NOISE_PARAMETERS, OUTPUT_DTYPES, Array, make_rows, picture, rotation
from native_tables import colours, erasures, luts

from augsynth import _native
from augsynth._native.layout import Border, DType, Interpolation, Tables

HEIGHT, WIDTH = 50, 330  # more columns than the vectors take at a time


def scaled(across: float, down: float) -> Array:
    return np.array([[across, 0, 3.3 if across > 0 else WIDTH - 3.3], [0, down, 2.2], [0, 0, 1]])


def perspective() -> Array:
    inverse = rotation(0.3, HEIGHT, WIDTH)
    inverse[2, :2] = 0.002, 0.001
    return inverse


# Each with the support that antialiasing takes, and the output's size.
MAPS: dict[str, tuple[Array, tuple[float, float], tuple[int, int]]] = {
    "upright": (scaled(1.1, 0.7), (1.1, 1.0), (40, 310)),
    "smaller": (scaled(-1.03, 2.6), (1.03, 2.6), (19, 310)),
    "far smaller": (scaled(70.0, 4.0), (70.0, 4.0), (4, 5)),
    "folded": (scaled(2.0, 20.0), (2.0, 400.0), (2, 150)),
    "sparse": (scaled(5.0, 1.0), (1.0, 1.0), (20, 60)),
    "a quarter turn": (np.array([[0, 1.2, 1], [2.2, 0, 0], [0, 0, 1]]), (1.2, 2.2), (20, 270)),
    "turned": (rotation(0.3, HEIGHT, WIDTH), (1.0, 1.0), (HEIGHT, WIDTH)),
    "turned and smaller": (rotation(0.3, 30, 290) @ scaled(1.1, 2.4), (1.1, 2.4), (30, 290)),
    "perspective": (perspective(), (1.5, 1.0), (HEIGHT, WIDTH)),
}


def both(source: Array, shape: tuple[int, ...], tables: Tables | None = None, **fields: Any) -> tuple[Array, Array]:
    """The outputs of the vectors and of single pixels, as bytes."""
    dtype = OUTPUT_DTYPES[fields.get("output_dtype", DType.FLOAT32)]
    outputs, before = [np.zeros(shape, dtype) for _ in range(2)], _native.isa()
    try:
        for output, isa in zip(outputs, (_native.isas()[0], "scalar"), strict=True):
            _native.set_isa(isa)
            _native.run(make_rows(source, output, **fields), [source], [output], tables=tables or Tables())
    finally:
        _native.set_isa(before)
    assert np.nanmin(outputs[0]) < np.nanmax(outputs[0])
    return outputs[0].view(np.uint8), outputs[1].view(np.uint8)


@pytest.mark.parametrize("antialias", [0, 1])
@pytest.mark.parametrize("interpolation", Interpolation)
@pytest.mark.parametrize("map_", MAPS)
def test_every_way_of_sampling_gives_the_vectors_bits(map_: str, interpolation: Interpolation, antialias: int) -> None:
    inverse, support, size = MAPS[map_]
    fields = {"inverse": inverse, "interpolation": interpolation, "antialias": antialias, "support": support}
    for dtype, border, channels in itertools.product((np.uint8, np.uint16, np.float32), Border, (1, 3, 5)):
        source = picture((HEIGHT, WIDTH, channels), dtype)
        for fill, edge in ((7.0, 1.0), (7.25, 0.6)) if border == Border.CONSTANT else ((0.0, 1.0),):
            vectors, pixels = both(source, (channels, *size), border=border, fill=fill, edge=edge, **fields)
            np.testing.assert_array_equal(pixels, vectors, err_msg=f"{dtype.__name__} {border.name} {channels}")


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("border", Border)
def test_small_pictures_give_the_vectors_bits(border: Border, channels: int) -> None:
    source = picture((23, 31, channels))
    for fill, edge in ((7.0, 1.0), (7.25, 1.0), (7.0, 0.6)):
        fields = {"inverse": rotation(0.5, 23, 31), "border": border, "fill": fill, "edge": edge}
        vectors, pixels = both(source, (channels, 28, 37), **fields)
        np.testing.assert_array_equal(pixels, vectors)


@pytest.mark.parametrize("layout", ["planes", "every other column", "mirrored"])
def test_strides_are_followed(layout: str) -> None:
    image = picture((HEIGHT, WIDTH, 3))
    views = {
        "planes": np.ascontiguousarray(image.transpose(2, 0, 1)).transpose(1, 2, 0),
        "every other column": np.repeat(image, 2, axis=1)[:, ::2],
        "mirrored": image[::-1, ::-1],
    }
    for interpolation in Interpolation:
        fields = {"inverse": rotation(0.2, HEIGHT, WIDTH), "interpolation": interpolation}
        vectors, pixels = both(views[layout], (3, HEIGHT, WIDTH), **fields)
        np.testing.assert_array_equal(pixels, vectors)


def test_an_infinite_value_spoils_the_same_pixels() -> None:
    source = picture((HEIGHT, WIDTH, 3), np.float32)
    source[20, 100] = np.inf
    inverse, support, size = MAPS["smaller"]
    fields = {"inverse": inverse, "antialias": 1, "support": support}
    vectors, pixels = (output.view(np.float32) for output in both(source, (3, *size), **fields))
    assert 0 < np.count_nonzero(~np.isfinite(vectors)) < 100
    np.testing.assert_array_equal(pixels, vectors)


@pytest.mark.parametrize("output_dtype", DType)
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 16])
def test_every_stage_and_output_gives_the_vectors_bits(channels: int, output_dtype: DType) -> None:
    source = picture((HEIGHT, WIDTH, channels))
    tables = Tables(luts(source), colours(channels, 255.0), erasures((HEIGHT, WIDTH), 255.0, count=3))
    fields: dict[str, Any] = {"inverse": rotation(0.2, HEIGHT, WIDTH), "stream": (1, 2, 3, 4), "clamp": (5.5, 240.0)}
    fields |= {"output_dtype": output_dtype, "gain": 0.75, "bias": 1.5, "border": Border.REFLECT}
    for (noise, parameters), with_tables in itertools.product(NOISE_PARAMETERS.items(), (False, True)):
        more = {"lut": 0, "colour": 0, "erasures": (0, 3)} if with_tables else {}
        noisy = {"noise": noise, "noise_parameters": parameters}
        vectors, pixels = both(source, (channels, HEIGHT, WIDTH), tables, **fields, **noisy, **more)
        np.testing.assert_array_equal(pixels, vectors, err_msg=noise.name)
