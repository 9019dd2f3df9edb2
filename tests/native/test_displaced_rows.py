"""Rows whose matrix is followed by a displacement: where they find their pixels, on every executor."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from bounds import assert_native_is_close
from hypothesis import given
from hypothesis import strategies as st
from native_rows import Array, make_rows, picture, rotation
from native_tables import colours, displacements, passes
from scipy.interpolate import BSpline
from scipy.ndimage import map_coordinates

from augsynth import _native
from augsynth._native.layout import DISPLACEMENT, Border, DType, Interpolation, Tables
from augsynth.plan import Pass

SIZE = (30, 300)  # more columns than the vectors take at a time


def displaced(before: Array, after: Array, reach: float = 4.0, seed: int = 0, spacing: float = 9.0) -> dict[str, Array]:
    """One displacement by up to `reach` pixels of a frame of `SIZE`, as tables by name."""
    entry, rng = np.zeros(1, DISPLACEMENT), np.random.default_rng(seed)
    rows, columns = (int(side / spacing) + 4 for side in SIZE)
    entry["before"], entry["after"], entry["grid"] = before, after, (rows, columns)
    entry["origin"], entry["spacing"] = -spacing, spacing
    return {"displacements": entry, "offsets": rng.uniform(-reach, reach, (rows * columns, 2))}


def perspective() -> Array:
    inverse = rotation(0.2, *SIZE)
    inverse[2, :2] = 0.0005, 0.001
    return inverse


MAPS = {
    "level": (np.eye(3), np.eye(3)),
    "mirrored": (np.array([[-1.0, 0, SIZE[1]], [0, 1.2, -2], [0, 0, 1]]), np.diag([0.9, 1.1, 1.0])),
    "turned before": (rotation(0.3, *SIZE), np.eye(3)),
    "turned after": (np.eye(3), rotation(0.3, *SIZE)),
    "perspectives": (perspective(), perspective()),
}


def positions(tables: dict[str, Array], size: tuple[int, int] = SIZE) -> tuple[Array, Array]:
    """The source positions (x, y) of an output's pixel centres, by scipy's B-splines."""
    entry = tables["displacements"][0]
    grid = tables["offsets"].reshape(*entry["grid"], 2)
    x, y = np.meshgrid(np.arange(size[1]) + 0.5, np.arange(size[0]) + 0.5)
    p = transformed(entry["before"], np.stack([x, y], axis=-1))
    k = np.clip((p - entry["origin"]) / entry["spacing"], 1, np.array(grid.shape[1::-1]) - 2)
    across, down = (basis(k[..., axis], grid.shape[1 - axis]) for axis in range(2))
    q = transformed(entry["after"], p + np.einsum("hwi,hwj,ijc->hwc", down, across, grid))
    return q[..., 0], q[..., 1]


def transformed(matrix: Array, points: Array) -> Array:
    mapped = np.einsum("ij,hwj->hwi", matrix, np.concatenate([points, np.ones((*points.shape[:2], 1))], axis=-1))
    result: Array = mapped[..., :2] / mapped[..., 2:]
    return result


def basis(k: Array, count: int) -> Array:
    """The weights (H, W, count) of all control points of an axis: control point i has its peak at k = i."""
    knots = np.arange(count + 4) - 2.0
    inside = np.clip(k, 1, count - 2 - 1e-9)
    rows = BSpline.design_matrix(inside.ravel(), knots, 3).toarray()
    weights: Array = rows.reshape(*k.shape, count)
    return weights


@pytest.mark.parametrize("maps", MAPS)
@pytest.mark.parametrize(("border", "mode"), [(Border.REPLICATE, "nearest"), (Border.REFLECT, "reflect")])
def test_pixels_are_those_of_scipy(isa: str, maps: str, border: Border, mode: str) -> None:
    tables = displaced(*MAPS[maps])
    source, output = picture((*SIZE, 1), np.float32), np.zeros((1, *SIZE), np.float32)
    rows = make_rows(source, output, displacement=0, border=border)
    _native.run(rows, [source], [output], tables=Tables(**tables))
    x, y = positions(tables)
    expected = map_coordinates(source[..., 0].astype(np.float64), [y - 0.5, x - 0.5], order=1, mode=mode)
    np.testing.assert_allclose(output[0], expected, atol=1e-5)
    still = np.zeros_like(output)
    _native.run(make_rows(source, still, border=border), [source], [still])
    assert np.abs(output - still).mean() > 0.01


@given(passes(("displacement",)))
def test_native_keeps_the_bounds_of_the_reference(isa: str, case: tuple[Pass, Array]) -> None:
    assert_native_is_close(*case)


def both(source: Array, size: tuple[int, int], tables: Tables, **fields: Any) -> list[Array]:
    """The outputs of every instruction set, single pixels included."""
    outputs, before = [], _native.isa()
    try:
        for isa in _native.isas():
            output = np.zeros((source.shape[2], *size), np.float32)
            _native.set_isa(isa)
            fields = {"output_dtype": DType.FLOAT32, "displacement": 0, **fields}
            _native.run(make_rows(source, output, **fields), [source], [output], tables=tables)
            outputs.append(output)
    finally:
        _native.set_isa(before)
    return outputs


@pytest.mark.parametrize("interpolation", Interpolation)
@pytest.mark.parametrize("maps", MAPS)
def test_every_instruction_set_gives_the_same_bits(maps: str, interpolation: Interpolation) -> None:
    kinds = itertools.product((np.uint8, np.uint16, np.float32), Border, (1, 3, 5), ((0.3, 9.0), (4.0, 1.0)))
    for dtype, border, channels, (reach, spacing) in kinds:
        source, tables = picture((*SIZE, channels), dtype), Tables(**displaced(*MAPS[maps], reach, spacing=spacing))
        for fill, edge in ((7.0, 1.0), (7.25, 0.6)) if border == Border.CONSTANT else ((0.0, 1.0),):
            fields = {"interpolation": interpolation, "border": border, "fill": fill, "edge": edge}
            first, *others = both(source, SIZE, tables, **fields)
            for other in others:
                np.testing.assert_array_equal(other, first, err_msg=f"{dtype.__name__} {border.name} {channels}")


@pytest.mark.parametrize("interpolation", [Interpolation.BILINEAR, Interpolation.BICUBIC])
def test_antialiased_rows_give_the_same_bits_and_keep_the_bounds(interpolation: Interpolation) -> None:
    tables = Tables(**displaced(np.diag([2.0, 1.5, 1]), np.eye(3)))
    for dtype, channels in itertools.product((np.uint8, np.float32), (1, 3)):
        source = picture((*SIZE, channels), dtype)
        fields = {"antialias": 1, "support": (2.0, 1.5), "inverse": np.diag([2.0, 1.5, 1])}
        first, *others = both(source, (20, 150), tables, interpolation=interpolation, **fields)
        for other in others:
            np.testing.assert_array_equal(other, first)
        fields |= {"interpolation": interpolation, "displacement": 0}
        assert_native_is_close(Pass(make_rows(source, first, **fields), tables), source)


@pytest.mark.parametrize("size", [(5, 7), (28, 28), (100, 40)])
def test_small_pictures_of_any_kind_give_the_same_bits(size: tuple[int, int]) -> None:
    for border, channels in itertools.product(Border, (1, 2, 3, 4)):
        source = picture((*size, channels))
        first, *others = both(source, size, Tables(**displacements(size, channels)), border=border)
        for other in others:
            np.testing.assert_array_equal(other, first)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_equal_control_points_move_all_pixels_alike(isa: str, dtype: Any) -> None:
    tables = displaced(np.eye(3), np.eye(3))
    tables["offsets"][:] = 3.0, -2.0
    source = picture((*SIZE, 3), dtype)
    output = np.zeros((3, *SIZE), dtype)
    fields = {"displacement": 0, "interpolation": Interpolation.NEAREST}
    _native.run(make_rows(source, output, **fields), [source], [output], tables=Tables(**tables))
    np.testing.assert_array_equal(output[:, 2:, :-3], source.transpose(2, 0, 1)[:, :-2, 3:])


@pytest.mark.parametrize("border", Border)
def test_pixels_far_outside_are_those_of_the_reference(isa: str, border: Border) -> None:
    """Positions beyond what fixed point holds."""
    tables = displaced(np.eye(3), np.eye(3), reach=200_000.0)
    source, output = picture((*SIZE, 3)), np.zeros((3, *SIZE), np.uint8)
    for interpolation in Interpolation:
        rows = make_rows(source, output, displacement=0, border=border, interpolation=interpolation, fill=77.0)
        assert_native_is_close(Pass(rows, Tables(**tables)), source)


def test_rows_without_a_displacement_keep_their_bits(isa: str) -> None:
    source, tables = picture((*SIZE, 3)), Tables(**displaced(*MAPS["level"]))
    turned = {"inverse": rotation(0.2, *SIZE), "border": Border.CONSTANT}
    alone, among = np.zeros((1, 3, *SIZE), np.uint8), np.zeros((2, 3, *SIZE), np.uint8)
    _native.run(make_rows(source, alone[0], **turned), [source], alone)
    rows = np.concatenate([make_rows(source, alone[0], **turned, displacement=index) for index in (-1, 0)])
    _native.run(rows, [source, source], among, tables=tables, threads=2)
    np.testing.assert_array_equal(among[0], alone[0])
    assert (among[1] != alone[0]).any()


def test_threads_do_not_matter(isa: str) -> None:
    source, tables = picture((200, 300, 3)), Tables(**displaced(*MAPS["turned before"]))
    outputs = [np.zeros((1, 3, 200, 300), np.uint8) for _ in range(2)]
    for threads, output in enumerate(outputs, start=1):
        rows = make_rows(source, output[0], displacement=0, antialias=1, support=1.7)
        _native.run(rows, [source], output, tables=tables, threads=threads)
    np.testing.assert_array_equal(*outputs)


@given(st.integers(0, 2**32 - 1), st.permutations(range(4)))
def test_a_part_of_a_pass_keeps_its_displacements(seed: int, order: list[int]) -> None:
    source, count = picture((9, 11, 1)), len(order)
    tables = Tables(**displacements((9, 11), seed, count=count))
    rows = np.concatenate([make_rows(source, np.zeros((1, 9, 11), np.uint8), displacement=index) for index in order])
    rows["displacement"][seed % count] = -1
    whole = np.zeros((count, 1, 9, 11), np.uint8)
    _native.run(rows, [source] * count, whole, tables=tables)
    part = Pass(rows, tables)[1:3]
    found = np.zeros((2, 1, 9, 11), np.uint8)
    _native.run(part.rows, [source] * 2, found, tables=part.tables)
    np.testing.assert_array_equal(found, whole[1:3])
    used = tables.displacements["grid"][rows["displacement"][1:3][rows["displacement"][1:3] >= 0]]
    assert len(part.tables.offsets) == used.prod(axis=1).sum()


def test_means_are_those_of_the_displaced_picture(isa: str) -> None:
    source = picture((*SIZE, 3))
    tables = replace(Tables(**displaced(*MAPS["turned after"])), colours=colours(3, 255.0, of_mean=True))
    rows = make_rows(source, np.zeros((3, *SIZE), np.uint8), displacement=0, colour=0)
    assert_native_is_close(Pass(rows, tables), source)
