"""Tables that no executor may run are refused, natively and by the rules in Python alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from native_rows import make_rows, picture
from native_tables import colours, displacements, erasures, luts, missing

from augsynth import _native
from augsynth._native import layout
from augsynth._native.layout import Tables
from augsynth.errors import ArgumentTypeError, PlanError
from augsynth.plan import Pass, check_pass


def whole_tables() -> Tables:
    """Two sound entries of each kind for sources (4, 4, 3) of uint8 and outputs as large."""
    return Tables(
        np.concatenate([luts(picture((1, 1, 1)), seed) for seed in range(2)]),
        np.concatenate([colours(3, 255.0, seed) for seed in range(2)]),
        erasures((4, 4), 255.0),
        np.concatenate([missing(0.0, 255.0, seed) for seed in range(2)]),
        **displacements((4, 4), count=2),
    )


def use_all(rows: Any, index: int = 1) -> Any:
    rows["lut"] = rows["colour"] = rows["missing"] = rows["displacement"] = index
    rows["erasures"] = (0, 2)
    return rows


@pytest.mark.parametrize("field", ["lut", "colour", "missing", "displacement"])
@pytest.mark.parametrize("index", [-2, 2, 2**31 - 1])
def test_an_index_beyond_its_table_is_refused(source: Any, output: Any, field: str, index: int) -> None:
    rows = use_all(make_rows(source, output))
    rows[field] = index
    assert_refused(rows, source, output, whole_tables(), f"{field} is {index}, expected -1 or an index", field)


@pytest.mark.parametrize(("erased", "at"), [((-1, 1), 0), ((3, 3), 0), ((1, 0), 1), ((0, 3), 1), ((2**31 - 1, 0), 0)])
def test_a_range_beyond_the_erasures_is_refused(source: Any, output: Any, erased: tuple[int, int], at: int) -> None:
    rows = use_all(make_rows(source, output))
    rows["erasures"] = erased
    assert_refused(rows, source, output, whole_tables(), rf"erasures\[{at}\] is ", "erasures")


@pytest.mark.parametrize(
    ("table", "field", "at", "value"),
    [
        ("colours", "matrix", (2, 2), np.nan),
        ("colours", "of_mean", (0, 1), np.inf),
        ("colours", "offset", 2, -np.inf),
        ("colours", "clamp", 0, np.nan),
        ("colours", "clamp", 1, -1.0),
        ("erasures", "box", 0, -1),
        ("erasures", "box", 1, 5),
        ("erasures", "box", 2, 5),
        ("erasures", "box", 3, -(2**31)),
        ("erasures", "low", 2, np.nan),
        ("erasures", "high", 0, np.inf),
        ("erasures", "high", 1, -1.0),
        ("missing", "low", 0, -np.inf),
        ("missing", "high", 2, np.nan),
        ("missing", "low", 1, 1e9),
        ("missing", "by_mean", None, 2),
        ("displacements", "before", (0, 0), np.nan),
        ("displacements", "before", (2, 2), -1.0),
        ("displacements", "before", (0, 2), 1e8),
        ("displacements", "after", (1, 2), np.inf),
        ("displacements", "after", (1, 2), -1e8),
        ("displacements", "after", (2, 2), 1e-9),
        ("displacements", "origin", 0, np.nan),
        ("displacements", "spacing", 0, 0.0),
        ("displacements", "spacing", 1, np.inf),
        ("displacements", "grid", 0, 3),
        ("displacements", "grid", 1, 2**31 - 1),
        ("displacements", "grid", 0, -(2**31)),
        ("displacements", "first", None, -1),
        ("displacements", "first", None, 2**63 - 1),
    ],
)
def test_an_unsound_entry_is_refused(source: Any, output: Any, table: str, field: str, at: Any, value: Any) -> None:
    rows, tables = use_all(make_rows(source, output)), whole_tables()
    if at is None:
        getattr(tables, table)[field][1] = value
    else:
        getattr(tables, table)[field][1][at] = value
    row_field = {"colours": "colour", "displacements": "displacement"}.get(table, table)
    names = "(colour's|missing's|an erasure's|displacement's) .* is .*, expected "
    assert_refused(rows, source, output, tables, names, row_field)


@pytest.mark.parametrize("value", [np.nan, np.inf, -1e8])
def test_an_unsound_control_point_is_refused(source: Any, output: Any, value: float) -> None:
    rows, tables = use_all(make_rows(source, output)), whole_tables()
    tables.offsets[-1, 0] = value
    assert_refused(rows, source, output, tables, "(a displacement's offset|displacement's after)", "displacement")


def test_entries_that_no_row_uses_and_unused_channels_are_not_looked_at(source: Any, output: Any) -> None:
    tables = whole_tables()
    tables.luts[0] = 65535
    tables.offsets[: tables.displacements["first"][1]] = np.nan
    for table in (tables.colours, tables.missing, tables.displacements):
        table[0] = np.frombuffer(b"\xff" * table.itemsize, table.dtype)[0]
    tables.erasures["low"][:, 3:] = tables.missing["high"][:, 3:] = np.nan
    rows = use_all(make_rows(source, output))
    check_pass(Pass(rows, tables))
    _native.run(rows, [source], [output], tables=tables)


def test_a_lut_must_fit_the_levels_of_its_source(source: Any, output: Any) -> None:
    tables = whole_tables()
    tables.luts[1, 17] = 256
    rows = use_all(make_rows(source, output))
    assert_refused(rows, source, output, tables, "an entry of the lut is 256, expected a level", "lut")
    for dtype in (np.uint16, np.float32):
        other = source.astype(dtype)
        assert_refused(use_all(make_rows(other, output)), other, output, whole_tables(), "lut is 1, expected -1", "lut")


def assert_refused(rows: Any, source: Any, output: Any, tables: Tables, native: str, field: str) -> None:
    """Both executors name the second of two rows, of which the first is sound."""
    rows = np.concatenate([make_rows(source, output), rows])
    with pytest.raises(PlanError, match=f"^row 1: {native}"):
        _native.run(rows, [source, source], [output, output.copy()], tables=tables)
    assert (output == 7).all()
    with pytest.raises(PlanError, match=f"^plan: row 1: {field} must be "):
        check_pass(Pass(rows, tables))


@pytest.mark.parametrize(
    ("tables", "named"),
    [
        ({"luts": np.zeros((1, 255), np.uint16)}, r"luts has shape \(1, 255\), expected"),
        ({"luts": np.zeros(256, np.uint16)}, r"luts has shape \(256,\)"),
        ({"luts": np.zeros((1, 256), np.uint8)}, "luts is uint8, expected a NumPy array of uint16"),
        ({"luts": np.zeros((1, 256), ">u2")}, "luts is >u2"),
        ({"luts": [[0] * 256]}, "luts is list"),
        ({"colours": np.zeros(1)}, "colours is float64, expected a NumPy array of augsynth._native.layout.COLOUR"),
        ({"erasures": []}, "erasures is list"),
        ({"missing": np.zeros((1, 1), layout.MISSING)}, "missing has 2 axes"),
        ({"displacements": np.zeros((1, 1), layout.DISPLACEMENT)}, "displacements has 2 axes"),
        ({"offsets": np.zeros((4, 3))}, r"offsets has shape \(4, 3\), expected"),
        ({"offsets": np.zeros((4, 2), np.float32)}, "offsets is float32, expected a NumPy array of float64"),
    ],
)
def test_other_kinds_of_tables_are_refused(source: Any, output: Any, tables: dict[str, Any], named: str) -> None:
    with pytest.raises(ArgumentTypeError, match=named):
        _native.run(make_rows(source, output), [source], [output], tables=Tables(**tables))


def test_tables_may_have_any_strides(source: Any, output: Any) -> None:
    tables, rows = whole_tables(), use_all(make_rows(source, output))
    expected = output.copy()
    _native.run(rows, [source], [expected], tables=tables)
    doubled = {name: np.repeat(getattr(tables, name), 2, axis=0)[::2] for name in tables.__dict__}
    for name in ("luts", "offsets"):
        doubled[name] = np.repeat(doubled[name], 2, axis=1)[:, ::2]
    _native.run(rows, [source], [output], tables=Tables(**doubled))
    np.testing.assert_array_equal(output, expected)
