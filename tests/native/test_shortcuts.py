"""Shortcuts against the ordinary way: bytes that only move, small pictures, short lines."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from native_rows import Array, make_rows, picture, rotation
from native_tables import colours, erasures, luts

from augsynth import _native
from augsynth._native.layout import Border, Interpolation, NoiseKind, Tables

NEAREST = {"interpolation": Interpolation.NEAREST}
PAD_MODES: dict[Border, Any] = {
    Border.REPLICATE: "edge",
    Border.REFLECT: "symmetric",
    Border.REFLECT101: "reflect",
    Border.WRAP: "wrap",
}


def moved(shape: tuple[int, int], mirror: tuple[bool, bool], pad: int) -> Array:
    """The inverse matrix that mirrors a picture down and across, and pads every side."""
    inverse = np.eye(3)
    for axis, size, is_mirrored in ((1, shape[0], mirror[0]), (0, shape[1], mirror[1])):
        inverse[axis, axis] = -1.0 if is_mirrored else 1.0
        inverse[axis, 2] = size + pad if is_mirrored else -pad
    return inverse


def interleaved(shape: tuple[int, int, int], dtype: Any = np.uint8) -> Array:
    """Zeros (C, H, W) whose channels lie side by side."""
    lines: Array = np.zeros((*shape[1:], shape[0]), dtype)
    planes: Array = lines.transpose(2, 0, 1)
    return planes


@pytest.mark.parametrize("mirror", [(False, False), (False, True), (True, True)])
@pytest.mark.parametrize("channels", [1, 3, 4, 5])
@pytest.mark.parametrize("allocate", [np.zeros, interleaved])
@pytest.mark.parametrize("border", PAD_MODES)
def test_moved_bytes_are_those_of_the_source(
    isa: str, border: Border, allocate: Any, channels: int, mirror: tuple[bool, bool]
) -> None:
    image = picture((19, 301, channels))
    planes = np.ascontiguousarray(image.transpose(2, 0, 1)).transpose(1, 2, 0)
    padded = np.pad(image, ((7, 7), (7, 7), (0, 0)), PAD_MODES[border])
    expected = padded[:: -1 if mirror[0] else 1, :: -1 if mirror[1] else 1].transpose(2, 0, 1)
    for source in (image, planes, image[:, ::-1][:, ::-1], np.repeat(image, 2, 1)[:, ::2]):
        output = allocate(expected.shape, np.uint8)
        fields = {"inverse": moved(image.shape[:2], mirror, 7), "border": border}
        _native.run(make_rows(source, output, **fields, **NEAREST), [source], [output])
        np.testing.assert_array_equal(output, expected)


def test_strides_of_one_pixel_say_nothing(isa: str) -> None:
    source = np.lib.stride_tricks.as_strided(picture((1, 1, 2)), (1, 1, 2), (5, 1, 1))
    output = np.zeros((2, 1, 1), np.uint8)
    _native.run(make_rows(source, output, **NEAREST), [source], [output])
    np.testing.assert_array_equal(output, source.transpose(2, 0, 1))


def test_moved_bytes_stop_at_a_constant_border(isa: str) -> None:
    image = picture((9, 20, 3))
    output = np.zeros((3, 13, 24), np.uint8)
    fields = {"inverse": moved((9, 20), (False, False), 2), "border": Border.CONSTANT, "fill": 77}
    _native.run(make_rows(image, output, **fields, **NEAREST), [image], [output])
    expected = np.pad(image, ((2, 2), (2, 2), (0, 0)), constant_values=77)
    np.testing.assert_array_equal(output, expected.transpose(2, 0, 1))


@pytest.mark.parametrize(
    "fields",
    [
        {"gain": 0.5},
        {"bias": 3.0},
        {"clamp": (10.0, np.inf)},
        {"clamp": (-np.inf, 200.0)},
        {"noise": NoiseKind.UNIFORM, "noise_parameters": (-9.0, 9.0, 0.0, 0.0)},
        {"lut": 0},
        {"colour": 0},
        {"erasures": (0, 1)},
        {"missing": 0},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_bytes_that_change_do_not_only_move(isa: str, fields: dict[str, Any]) -> None:
    source = picture((30, 40, 3))
    outputs = np.zeros((2, 3, 30, 40), np.uint8)
    missing = np.zeros(1, Tables().missing.dtype)
    missing["low"] = missing["high"] = 9.0
    missing["value"] = source[0, 0, 0]
    tables = Tables(luts(source), colours(3, 255.0), erasures((30, 40), 255.0, count=1), missing)
    for output, more in zip(outputs, ({}, fields), strict=True):
        _native.run(make_rows(source, output, **NEAREST, **more), [source], [output], tables=tables)
    assert np.array_equal(outputs[0], source.transpose(2, 0, 1))
    assert not np.array_equal(outputs[0], outputs[1])


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("border", [Border.CONSTANT, Border.REPLICATE])
@pytest.mark.parametrize("perspective", [0.0, 0.004])
def test_small_pictures_look_as_their_views_do(isa: str, perspective: float, border: Border, channels: int) -> None:
    """Only contiguous pixels are copied with a border around them, and sampled from there."""
    source = picture((23, 31, channels))
    view = np.repeat(source, 2, axis=1)[:, ::2]
    inverse = rotation(0.5, 23, 31)
    inverse[2, 0] = perspective
    outputs = np.zeros((2, channels, 40, 37), np.float32)
    for output, image in zip(outputs, (source, view), strict=True):
        rows = make_rows(source, output, inverse=inverse, border=border, fill=33)
        _native.run(rows, [image], [output])
    np.testing.assert_array_equal(outputs[0], outputs[1])
    assert outputs[0].std() > 1.0


@pytest.mark.parametrize("kind", [kind for kind in NoiseKind if kind != NoiseKind.NONE])
@pytest.mark.parametrize("width", [1, 28, 50, 90])
def test_noise_does_not_depend_on_how_long_lines_are(isa: str, width: int, kind: NoiseKind) -> None:
    source = np.full((61, 300, 3), 99, np.uint8)
    parameters = {NoiseKind.SALT_AND_PEPPER: (0.2, 0.5, 0, 255), NoiseKind.POISSON: (2, 0, 0, 0)}.get(
        kind, (-1, 5, 0, 0)
    )
    outputs = [np.zeros((3, 61, size), np.float32) for size in (300, width)]
    for output in outputs:
        image = source[:, : output.shape[2]]
        fields = {"noise": kind, "noise_parameters": parameters, "stream": (1, 2, 3, 4)}
        _native.run(make_rows(image, output, **fields), [image], [output])
    np.testing.assert_array_equal(outputs[0][:, :, :width], outputs[1])
    assert outputs[1].std() > 1.0
