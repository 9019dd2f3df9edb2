"""Stages of rows with tables: each ISA against the reference and against the others, and exact properties."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from bounds import assert_native_is_close
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from native_rows import DTYPES, Array, make_rows, picture, rotation
from native_tables import STAGES, colours, full_scale, luts, missing, passes, with_gaps

from augsynth import _native
from augsynth._native import layout
from augsynth._native.layout import Border, Interpolation, NoiseKind, Tables
from augsynth.engine import CpuExecutor, reference
from augsynth.plan import Pass, check_pass

MOVES = {"identity": np.eye(3), "flip": np.array([[-1.0, 0, 400], [0, 1, 0], [0, 0, 1]])}


def run(source: Array, tables: Tables, dtype: Any = np.float32, threads: int = 1, **fields: Any) -> Array:
    """The output (C, H, W), as large as the source where `output_size` does not say otherwise."""
    output = np.zeros((source.shape[2], *fields.pop("output_size", source.shape[:2])), dtype)
    rows = make_rows(source, output, **fields)
    check_pass(Pass(rows, tables))
    _native.run(rows, [source], [output], tables=tables, threads=threads)
    return output


@pytest.mark.parametrize("stages", [*((stage,) for stage in STAGES), STAGES], ids="+".join)
@settings(max_examples=max(150, settings().max_examples))
@given(data=st.data())
def test_every_stage_is_the_references(isa: str, stages: tuple[str, ...], data: st.DataObject) -> None:
    one, source = data.draw(passes(stages))
    before = source.copy()
    assert_native_is_close(one, source)
    np.testing.assert_array_equal(source, before)


@settings(max_examples=max(200, settings().max_examples))
@given(drawn=passes())
def test_all_isas_give_the_same_bits(drawn: tuple[Pass, Array]) -> None:
    one, source = drawn
    one.rows["output_dtype"] = layout.DType.FLOAT32
    before, pictures = _native.isa(), []
    try:
        for name in _native.isas():
            _native.set_isa(name)
            pictures.append(CpuExecutor().allocate(one.rows)[0])
            _native.run(one.rows, [source], [pictures[-1]], tables=one.tables)
    finally:
        _native.set_isa(before)
    for other in pictures[1:]:
        np.testing.assert_array_equal(other.view(np.uint32), pictures[0].view(np.uint32))


# ---- Lookup tables ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_table_after_whole_pixels_is_exact(isa: str, dtype: Any, move: str, channels: int) -> None:
    source = picture((5, 400, channels), dtype)
    table = luts(source)
    moved = source[:, ::-1] if move == "flip" else source
    for interpolation in (Interpolation.NEAREST, Interpolation.BILINEAR):
        looked_up = run(source, Tables(table), dtype, lut=0, inverse=MOVES[move], interpolation=interpolation)
        np.testing.assert_array_equal(looked_up, table[0][moved].transpose(2, 0, 1))


@given(drawn=passes(("lut",)))
def test_a_table_gives_what_it_gives_to_the_stored_picture(isa: str, drawn: tuple[Pass, Array]) -> None:
    one, source = drawn
    assume(source.dtype != np.float32)
    rows = one.rows
    rows["noise"], rows["gain"], rows["clamp"] = NoiseKind.NONE, 1.0, (-np.inf, np.inf)
    rows["output_dtype"] = rows["source_dtype"]
    fused, stored = CpuExecutor().allocate(rows)[0], CpuExecutor().allocate(rows)[0]
    _native.run(rows, [source], [fused], tables=one.tables)
    rows["lut"] = -1
    _native.run(rows, [source], [stored])
    np.testing.assert_array_equal(fused, one.tables.luts[0][stored])


# ---- Colour maps -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", range(1, 17))
def test_a_colour_map_is_its_matrix(isa: str, channels: int) -> None:
    source = 40 * picture((7, 300, channels), np.float32) - np.float32(20)
    colour = colours(channels, 1.0)
    colour["clamp"] = (-0.6, 0.7)
    matrix, offset = colour["matrix"][0, :channels, :channels], colour["offset"][0, :channels]
    exact = np.clip(np.einsum("ck,hwk->chw", matrix, source) + offset[:, None, None], -0.6, 0.7)
    mapped = run(source, Tables(colours=colour), colour=0)
    assert np.abs(mapped - exact).max() < 1e-4
    assert mapped.min() == np.float32(-0.6)
    assert mapped.max() == np.float32(0.7)


def test_nan_reaches_all_channels_of_its_pixel(isa: str) -> None:
    source = picture((4, 40, 3), np.float32)
    source[1, 2, 0] = np.nan
    mapped = run(source, Tables(colours=colours(3, 1.0)), colour=0, interpolation=Interpolation.NEAREST)
    assert np.isnan(mapped[:, 1, 2]).all()
    assert np.isnan(mapped).sum() == 3


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("interpolation", list(Interpolation))
def test_means_are_those_of_the_output_before_it_is_mapped(isa: str, dtype: Any, interpolation: Interpolation) -> None:
    source = picture((40, 300, 3), dtype)
    full = full_scale(source)
    geometry = {"inverse": rotation(0.2, 40, 300), "interpolation": interpolation, "border": Border.CONSTANT}
    plain = run(source, Tables(), fill=full / 2, **geometry)
    only_means = colours(3, full)
    only_means["matrix"], only_means["offset"], only_means["of_mean"] = 0, 0, np.eye(16)
    mapped = run(source, Tables(colours=only_means), colour=0, fill=full / 2, noise=NoiseKind.GAUSSIAN, **geometry)
    expected = plain.astype(np.float64).mean(axis=(1, 2))
    np.testing.assert_allclose(mapped, np.broadcast_to(expected[:, None, None], mapped.shape), rtol=1e-6)
    only_means["of_mean"][0, :3, :3] = [[0, 1, 0], [0, 0, 1], [1, 0, 0]]
    mapped = run(source, Tables(colours=only_means), colour=0, fill=full / 2, **geometry)
    np.testing.assert_allclose(mapped[:, 0, 0], expected[[1, 2, 0]], rtol=1e-6)


@pytest.mark.parametrize("antialias", [0, 1])
def test_means_do_not_depend_on_the_threads(isa: str, antialias: int) -> None:
    sources = picture((2, 130, 700, 3), np.float32)
    colour = colours(3, 1.0, of_mean=True)
    colour["clamp"] = (-np.inf, np.inf)
    fields = {"colour": 0, "inverse": rotation(0.3, 130, 700), "antialias": antialias, "support": 2.5}
    outputs = {threads: np.zeros((2, 3, 130, 700), np.float32) for threads in (1, 2, 3, 7)}
    for threads, output in outputs.items():
        rows = np.concatenate([make_rows(sources[i], output[i], **fields) for i in range(2)])
        _native.run(rows, sources, output, tables=Tables(colours=colour), threads=threads)
    for output in outputs.values():
        np.testing.assert_array_equal(output.view(np.uint32), outputs[1].view(np.uint32))


def test_rows_that_look_at_means_stand_beside_those_that_do_not(isa: str) -> None:
    sources = picture((4, 20, 30, 3))
    table = np.concatenate([colours(3, 255, seed, of_mean=seed != 1) for seed in range(3)])
    tables = Tables(colours=table)
    outputs = np.zeros((4, 3, 20, 30), np.float32)
    indices = (1, 2, -1, 0)
    rows = np.concatenate([make_rows(sources[i], outputs[i], colour=index) for i, index in enumerate(indices)])
    _native.run(rows, sources, outputs, tables=tables, threads=3)
    for i, index in enumerate(indices):
        np.testing.assert_array_equal(outputs[i], run(sources[i], tables, colour=index))


# ---- Erasures --------------------------------------------------------------------------------------------


def one_erasure(box: tuple[int, int, int, int], low: Any, high: Any = None, stream: Any = 0) -> Array:
    erasure = np.zeros(1, layout.ERASURE)
    erasure["box"], erasure["stream"] = box, stream
    erasure["low"], erasure["high"] = low, low if high is None else high
    return erasure


@pytest.mark.parametrize("box", [(0, 0, 9, 600), (2, 255, 3, 257), (0, 256, 9, 512), (4, 0, 5, 1), (8, 599, 9, 600)])
def test_an_erasure_is_its_rectangle(isa: str, box: tuple[int, int, int, int]) -> None:
    source = picture((9, 600, 3))
    levels = np.array([7.0, 200.0, 30.0])
    tables = Tables(erasures=one_erasure(box, np.resize(levels, 16)))
    expected = source.transpose(2, 0, 1).copy()
    expected[:, box[0] : box[2], box[1] : box[3]] = levels[:, None, None]
    np.testing.assert_array_equal(run(source, tables, np.uint8, erasures=(0, 1)), expected)


@pytest.mark.parametrize("box", [(3, 3, 3, 9), (3, 3, 9, 3), (0, 0, 0, 0), (9, 20, 9, 20)])
def test_an_empty_rectangle_erases_nothing(isa: str, box: tuple[int, int, int, int]) -> None:
    source = picture((9, 20, 1))
    erased = run(source, Tables(erasures=one_erasure(box, 77.0)), np.uint8, erasures=(0, 1))
    np.testing.assert_array_equal(erased, source.transpose(2, 0, 1))


def test_later_rectangles_lie_over_earlier_ones(isa: str) -> None:
    boxes = [((0, 0, 8, 8), 10.0), ((2, 2, 6, 6), 20.0), ((4, 4, 10, 10), 30.0)]
    tables = Tables(erasures=np.concatenate([one_erasure(box, value) for box, value in boxes]))
    erased = run(np.zeros((10, 10, 1), np.uint8), tables, np.uint8, erasures=(0, 3))[0]
    assert (erased[0, 0], erased[3, 3], erased[5, 5], erased[9, 9], erased[9, 0]) == (10, 20, 30, 30, 0)
    erased = run(np.zeros((10, 10, 1), np.uint8), tables, np.uint8, erasures=(1, 2))[0]
    assert (erased[0, 0], erased[5, 5], erased[9, 9]) == (0, 20, 0)


def test_the_clamp_and_the_noise_of_the_row_do_not_touch_what_is_written(isa: str) -> None:
    tables = Tables(erasures=one_erasure((2, 2, 7, 300), -40.0))
    fields = {
        "clamp": (0.0, 1.0),
        "noise": NoiseKind.GAUSSIAN,
        "noise_parameters": (0, 5, 0, 0),
        "gain": 2.0,
        "bias": 1.0,
    }
    erased = run(picture((9, 600, 2), np.float32), tables, erasures=(0, 1), **fields)
    assert (erased[:, 2:7, 2:300] == -79.0).all()
    erased[:, 2:7, 2:300] = 1.0
    assert erased.min() == 1.0
    assert erased.max() == 3.0


@pytest.mark.parametrize("channels", [1, 3, 16])
def test_random_values_are_uniform_noise_of_the_erasures_stream(isa: str, channels: int) -> None:
    black, stream = np.zeros((20, 600, channels), np.uint8), (3, 1, 4, 1)
    tables = Tables(erasures=one_erasure((3, 17, 19, 590), 20.0, 120.0, stream))
    erased = run(black, tables, erasures=(0, 1))
    noisy = run(black, Tables(), noise=NoiseKind.UNIFORM, noise_parameters=(20, 120, 0, 0), stream=stream)
    np.testing.assert_array_equal(erased[:, 3:19, 17:590], noisy[:, 3:19, 17:590])
    assert erased[:, 3:19, 17:590].std() > 25


# ---- Missing values --------------------------------------------------------------------------------------


def filled(source: Array, rule: Array, **fields: Any) -> Array:
    return run(source, Tables(missing=rule), source.dtype, missing=0, **fields).transpose(1, 2, 0)


@pytest.mark.parametrize("dtype", DTYPES.values())
@pytest.mark.parametrize("channels", [1, 3, 5, 16])
@pytest.mark.parametrize("steps", [(1, 1), (-1, 2)])
def test_missing_values_are_filled_from_their_own_bits(dtype: Any, channels: int, steps: tuple[int, int]) -> None:
    value = np.nan if dtype == np.float32 else 3
    source = with_gaps(picture((9, 80, channels), dtype), value)[:: steps[0], :: steps[1]]
    before, rule = source.copy(), missing(value, full_scale(source))
    row = make_rows(source, np.zeros((channels, *source.shape[:2]), dtype), missing=0)[0]
    result = filled(source, rule)
    np.testing.assert_array_equal(result, reference.fill_missing(row, source, Tables(missing=rule)))
    gaps = np.isnan(before) if dtype == np.float32 else before == value
    np.testing.assert_array_equal(result[~gaps], before[~gaps])
    assert len(np.unique(result[gaps])) > 20
    np.testing.assert_array_equal(source, before)


@pytest.mark.parametrize("dtype", DTYPES.values())
def test_a_mean_is_that_of_the_values_that_are_there(dtype: Any) -> None:
    source = with_gaps(picture((40, 30, 3), dtype), 0)
    source[:, :, 2] = 0  # nothing there
    rule = missing(0, full_scale(source), by_mean=True)
    result = filled(source, rule)
    for c in range(2):
        mean = source[:, :, c][source[:, :, c] != 0].astype(np.float64).mean()
        expected = np.float32(mean) if dtype == np.float32 else np.floor(mean + 0.5)
        np.testing.assert_allclose(result[:, :, c][source[:, :, c] == 0], expected, rtol=1e-7)
    expected = rule["low"][0, 2] if dtype == np.float32 else np.floor(rule["low"][0, 2] + 0.5)
    np.testing.assert_allclose(result[:, :, 2], expected, rtol=1e-7)


def test_filled_values_are_interpolated(isa: str) -> None:
    """They are there before the picture is sampled: no NaN comes through, wherever it is looked at."""
    source = with_gaps(picture((30, 30, 3), np.float32), np.nan)
    turned = run(source, Tables(missing=missing(np.nan, 1.0)), missing=0, inverse=rotation(0.3, 30, 30))
    assert np.isfinite(turned).all()


@pytest.mark.parametrize(
    ("dtype", "value"), [(np.uint8, 300.0), (np.uint8, 0.5), (np.uint8, np.nan), (np.uint16, -1.0), (np.float32, 1e300)]
)
def test_what_no_element_can_be_is_not_missing(dtype: Any, value: float) -> None:
    source = picture((9, 20, 3), dtype)
    np.testing.assert_array_equal(filled(source, missing(value, full_scale(source))), source)


def test_infinity_can_stand_for_missing_values() -> None:
    source = with_gaps(picture((9, 20, 3), np.float32), np.inf)
    source[0, 0] = -np.inf
    result = filled(source, missing(np.inf, 1.0))
    assert np.isneginf(result[0, 0]).all()
    assert np.isfinite(result.reshape(-1)[3:]).all()


def test_rules_that_no_row_points_to_fill_nothing() -> None:
    source = with_gaps(picture((12, 10, 3)), 0)
    untouched = run(source, Tables(missing=missing(0, 255)), np.uint8)
    np.testing.assert_array_equal(untouched, source.transpose(2, 0, 1))


def test_rows_with_a_rule_stand_beside_those_without() -> None:
    sources = with_gaps(picture((5, 12, 10, 3)), 0)
    rules = np.concatenate([missing(0, 255, 1), missing(0, 255, 2)])
    outputs, indices = np.zeros((5, 3, 12, 10), np.uint8), (1, -1, 0, 1, -1)
    rows = np.concatenate([make_rows(sources[i], outputs[i], missing=index) for i, index in enumerate(indices)])
    _native.run(rows, sources, outputs, tables=Tables(missing=rules), threads=2)
    for i, index in enumerate(indices):
        expected = sources[i] if index < 0 else filled(sources[i], rules[index : index + 1])
        np.testing.assert_array_equal(outputs[i], expected.transpose(2, 0, 1))
