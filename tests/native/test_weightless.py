"""A pixel of weight 0 has no part in a sample, be it NaN or infinite: where all positions on an axis are centres, and
under filters along the axes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from copies import SPECIAL
from native_rows import Array, make_rows, picture

from augsynth import _native
from augsynth._native.layout import COLOUR, Border, Interpolation, Tables
from augsynth.engine import reference

HEIGHT, WIDTH = 12, 300
SPOTS = [(4, 7), (4, 8), (7, 150), (8, 149), (11, 0), (0, 299), (0, 256)]

# From the output's pixels to positions of which one axis, or none, always meets a pixel's centre.
MAPS = {
    "x moves whole pixels": [[1, 0, 3], [0, 1, 0.3], [0, 0, 1]],
    "y moves whole pixels": [[1, 0, 0.4], [0, 1, -2], [0, 0, 1]],
    "mirrored along x": [[-1, 0, WIDTH], [0, 0.7, 1], [0, 0, 1]],
    "every third column": [[3, 0, 0], [0, 1.3, 0], [0, 0, 1]],
    "sheared along x": [[1, 0.3, 0], [0, 1, 0], [0, 0, 1]],
    "sheared along y": [[1, 0, 0], [0.01, 1, 0], [0, 0, 1]],
    "sheared by whole pixels": [[1, 1, -0.5], [0, 1, 0.25], [0, 0, 1]],
    "quarter turn, then moved": [[0, 1, 0.3], [-1, 0, HEIGHT], [0, 0, 1]],
    "beyond the frame": [[1, 0, -7], [0, 1, 0.25], [0, 0, 1]],
}


def spotted(channels: int, seed: int = 0) -> Array:
    image = picture((HEIGHT, WIDTH, channels), np.float32, seed)
    for i, (y, x) in enumerate(SPOTS):
        image[y, x, i % channels :] = SPECIAL[i % 3]
    return image


def run(source: Array, tables: Tables | None = None, **fields: Any) -> tuple[Array, Array]:
    """Return the results of the native executor and of the reference for a picture."""
    found, expected = (np.zeros((source.shape[2], HEIGHT, WIDTH), np.float32) for _ in range(2))
    rows = make_rows(source, found, **fields)
    _native.run(rows, [source], [found], tables=tables or Tables())
    reference.run(rows, [source], [expected], tables=tables or Tables())
    return found, expected


def assert_same(found: Array, expected: Array) -> None:
    """Equal where they are not finite, and nearly so elsewhere."""
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("border", Border)
@pytest.mark.parametrize("interpolation", [Interpolation.BILINEAR, Interpolation.BICUBIC])
@pytest.mark.parametrize("map_", MAPS)
def test_only_pixels_of_some_weight_are_seen(isa: str, map_: str, interpolation: Interpolation, border: Border) -> None:
    for channels in (1, 3, 5):
        fields = {"inverse": np.array(MAPS[map_]), "interpolation": interpolation, "border": border, "fill": 0.5}
        found, expected = run(spotted(channels), **fields)
        assert not np.isfinite(found).all()
        assert_same(found, expected)


@pytest.mark.parametrize("border", Border)
@pytest.mark.parametrize("interpolation", [Interpolation.BILINEAR, Interpolation.BICUBIC])
@pytest.mark.parametrize("support", [(1.0, 1.0), (1.0, 2.5), (3.0, 1.0), (3.0, 3.0), (60.0, 1.0)])
def test_filters_leave_out_taps_of_no_weight(
    isa: str, support: tuple[float, float], interpolation: Interpolation, border: Border
) -> None:
    for channels, flip in ((3, False), (5, True)):
        x, y = support
        inverse = np.diag([x, y, 1.0])
        if flip:
            inverse[0] = -x, 0.0, WIDTH
        fields = {"inverse": inverse, "support": support, "antialias": 1, "interpolation": interpolation}
        found, expected = run(spotted(channels), border=border, fill=0.5, **fields)
        assert_same(found, expected)


def colour_tables(matrix: Array, of_mean: Array) -> Tables:
    colours = np.zeros(1, COLOUR)
    count = len(matrix)
    colours["matrix"][0, :count, :count], colours["of_mean"][0, :count, :count] = matrix, of_mean
    colours["offset"][0, :count] = np.arange(count) / 8
    colours["clamp"] = (-np.inf, np.inf)
    return Tables(colours=colours)


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 16])
def test_channels_of_no_weight_have_no_part(isa: str, channels: int) -> None:
    matrix = np.roll(np.diag(np.arange(channels) / 2), 1, axis=1)
    source = spotted(channels)
    source[3, 5] = 0.25
    source[3, 5, 1 % channels] = np.nan  # of which the first channel would be 0
    found, expected = run(source, colour=0, tables=colour_tables(matrix, 0 * matrix))
    assert_same(found, expected)
    assert np.isfinite(found[:, 3, 5]).all()


def test_means_of_no_weight_have_no_part(isa: str) -> None:
    source = picture((HEIGHT, WIDTH, 3), np.float32)
    source[2, 2, 0] = np.inf
    found, expected = run(source, colour=0, tables=colour_tables(np.eye(3), np.diag([0.0, 0.5, 0.25])))
    assert_same(found, expected)
    assert np.isfinite(found[1:]).all()


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_the_sign_of_zero_is_that_of_the_stated_sum(isa: str, channels: int) -> None:
    """Only what changes nothing keeps -0: a gain of 2 and a bias of 0 make it 0."""
    source = np.full((HEIGHT, WIDTH, channels), -0.0, np.float32)
    for gain, negative in ((1.0, True), (2.0, False)):
        found, expected = run(source, gain=gain)
        assert (np.signbit(found) == negative).all()
        np.testing.assert_array_equal(np.signbit(expected), np.signbit(found))
