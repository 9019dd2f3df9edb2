"""The rules for valid tables of a pass: the rest of the rules that docs/design/numerics.md lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from augsynth._native.layout import LUT_LEVELS, DType
from augsynth.core.typing import Floats
from augsynth.errors import PlanError
from augsynth.plan.passes import Pass, Rows
from augsynth.plan.rules import LARGEST, SMALLEST_DENOMINATOR, check_rows

Rule = Callable[[Pass, np.void], bool]
Entries = npt.NDArray[np.void]


def check_pass(step: Pass, where: str = "plan") -> None:
    """Raise `PlanError` for the first row and field that no executor may run, its entries in the tables included.

    Args:
        step: the pass.
        where: the beginning of the message; "plan" by default.
    """
    check_rows(step.rows, where)
    for number in np.flatnonzero(_points_somewhere(step.rows)).tolist():
        row = step.rows[number]
        for field, rule, valid in _RULES:
            if not valid(step, row):
                raise PlanError(f"{where}: row {number}: {field} must be {rule}, got {row[field]!r}")


def _points_somewhere(rows: Rows) -> npt.NDArray[np.bool_]:
    """A mask of the rows (n,) that refer to a table."""
    indices = np.stack([rows["lut"], rows["colour"], rows["missing"], rows["displacement"]], axis=1)
    found: npt.NDArray[np.bool_] = (indices != -1).any(axis=1) | (rows["erasures"] != 0).any(axis=1)
    return found


def _points_into(table: str, field: str) -> Rule:
    return lambda step, row: bool(-1 <= row[field] < len(getattr(step.tables, table)))


def _sound_lut(step: Pass, row: np.void) -> bool:
    if row["lut"] < 0:
        return True
    levels = LUT_LEVELS.get(DType(row["source_dtype"]))
    lut = step.tables.luts[row["lut"]]
    return len(lut) == levels and int(lut.max()) < levels


def _sound_colour(step: Pass, row: np.void) -> bool:
    if row["colour"] < 0:
        return True
    colour, c = step.tables.colours[row["colour"]], int(row["channels"])
    used = (colour["matrix"][:c, :c], colour["of_mean"][:c, :c], colour["offset"][:c])
    return all(np.isfinite(part).all() for part in used) and bool(colour["clamp"][0] <= colour["clamp"][1])


def _sound_missing(step: Pass, row: np.void) -> bool:
    if row["missing"] < 0:
        return True
    rule = step.tables.missing[row["missing"]]
    return bool(rule["by_mean"] <= 1) and _sound_range(rule, row)


def _sound_range(entries: np.void | Entries, row: np.void) -> bool:
    low, high = (entries[name][..., : row["channels"]] for name in ("low", "high"))
    return bool(np.isfinite(low).all() and np.isfinite(high).all() and (low <= high).all())


def _are_erasures(step: Pass, row: np.void) -> bool:
    first, behind = row["erasures"]
    return bool(0 <= first <= behind <= len(step.tables.erasures))


def _sound_erasures(step: Pass, row: np.void) -> bool:
    erasures = step.tables.erasures[slice(*row["erasures"])]
    begin, end = erasures["box"][:, :2], erasures["box"][:, 2:]
    inside = (begin >= 0) & (begin <= end) & (end <= row["output_size"])
    return bool(inside.all()) and _sound_range(erasures, row)


def _has_control_points(step: Pass, row: np.void) -> bool:
    if row["displacement"] < 0:
        return True
    entry = step.tables.displacements[row["displacement"]]
    rows, columns = map(int, entry["grid"])
    first = int(entry["first"])
    return min(rows, columns) >= 4 and 0 <= first <= len(step.tables.offsets) - rows * columns


def _displaces_well(step: Pass, row: np.void) -> bool:
    """Return whether the map is finite and its positions are bounded; d lies within the range of its control points."""
    if row["displacement"] < 0:
        return True
    entry = step.tables.displacements[row["displacement"]]
    first, count = int(entry["first"]), int(entry["grid"].astype(np.int64).prod())
    offsets = step.tables.offsets[first : first + count]
    numbers = (entry["before"], entry["after"], entry["origin"], entry["spacing"], offsets)
    if not all(np.isfinite(part).all() for part in numbers) or not (entry["spacing"] > 0).all():
        return False
    height, width = row["output_size"]
    frame = _mapped_corners(entry["before"], np.zeros(2), np.array([width, height]))
    if frame is None:
        return False
    low, high = frame.min(axis=0) + offsets.min(axis=0), frame.max(axis=0) + offsets.max(axis=0)
    return _mapped_corners(entry["after"], low, high) is not None


def _mapped_corners(matrix: Floats, low: npt.NDArray[Any], high: npt.NDArray[Any]) -> Floats | None:
    """The corners (4, 2) of a box under a map (3, 3); None if one is beyond 2**24 or behind the horizon."""
    corners = np.array([[low[0], high[0], low[0], high[0]], [low[1], low[1], high[1], high[1]], np.ones(4)])
    with np.errstate(all="ignore"):
        mapped = np.asarray(matrix, np.float64) @ corners
        positions: Floats = (mapped[:2] / mapped[2]).T
    inside = np.abs(positions) <= LARGEST
    return positions if inside.all() and (mapped[2] > SMALLEST_DENOMINATOR).all() else None


_RULES: tuple[tuple[str, str, Rule], ...] = (
    ("lut", "-1 or an index of the pass's tables", _points_into("luts", "lut")),
    ("lut", "-1, or lead to one level of the source's integer dtype for each", _sound_lut),
    ("colour", "-1 or an index of the pass's tables", _points_into("colours", "colour")),
    ("colour", "-1, or lead to finite numbers and a clamp of low <= high", _sound_colour),
    ("missing", "-1 or an index of the pass's tables", _points_into("missing", "missing")),
    ("missing", "-1, or lead to finite values with low <= high and a by_mean of 0 or 1", _sound_missing),
    ("displacement", "-1 or an index of the pass's tables", _points_into("displacements", "displacement")),
    ("displacement", "-1, or lead to a grid of at least 4x4 control points", _has_control_points),
    ("displacement", "-1, or lead to finite numbers and to positions within 2**24 of the origin", _displaces_well),
    ("erasures", "a range of the pass's tables", _are_erasures),
    ("erasures", "rectangles within the output, of finite values with low <= high", _sound_erasures),
)
