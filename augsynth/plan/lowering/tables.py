"""Entries of the tables of a pass: lookup tables and colour maps as chains, erasures as a list."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from augsynth._native.layout import COLOUR, DISPLACEMENT, ERASURE, LUT_LEVELS, MISSING, DType, Tables
from augsynth.core.typing import Array, Floats, Mask
from augsynth.plan import Rows
from augsynth.plan.lowering.steps import Displace, Erase, FillValues, Lookup, MapColours, PerChannel

_NO_OFFSETS: Floats = np.zeros((0, 2))


@dataclass
class Gathered:
    """The entries so far: whole-batch arrays with a mask of the samples that they are for, or None."""

    luts: tuple[Array, Mask] | None = None
    colours: tuple[Rows, Mask] | None = None
    missing: tuple[Rows, Mask] | None = None
    erasures: list[tuple[Array, Rows]] = field(default_factory=list)
    displacements: tuple[Rows, Mask] | None = None
    offsets: Floats = field(default_factory=lambda: _NO_OFFSETS)

    def add_lookup(self, step: Lookup) -> None:
        """Look up the results of earlier tables in another one."""
        active = _everywhere(step.active, len(step.tables))
        identity = np.arange(step.tables.shape[1], dtype=np.uint16)
        tables = np.where(active[:, None], step.tables, identity)
        if self.luts is not None:
            before, was_active = self.luts
            tables, active = np.take_along_axis(tables, before.astype(np.int64), axis=1), active | was_active
        self.luts = tables, active

    def add_colours(self, step: MapColours, full: float, clamp: tuple[float, float]) -> None:
        """Let another colour map follow the one so far; `full` and `clamp` are in the source's units."""
        n, channels = step.offset.shape
        active = _everywhere(step.active, n)
        matrix = np.where(active[:, None, None], step.matrix, np.eye(channels))
        of_mean = np.zeros_like(matrix) if step.of_mean is None else step.of_mean * active[:, None, None]
        offset = step.offset * active[:, None] * full
        if self.colours is not None:
            before, was_active = self.colours
            matrix, of_mean, offset = _following(before, matrix, of_mean, offset)
            active = active | was_active
        colours = np.zeros(n, COLOUR)
        colours["matrix"][:, :channels, :channels] = matrix
        colours["of_mean"][:, :channels, :channels] = of_mean
        colours["offset"][:, :channels] = offset
        colours["clamp"] = clamp
        self.colours = colours, active

    def add_missing(self, step: FillValues, value: float, low: PerChannel, high: PerChannel) -> None:
        rules = np.zeros(len(step.stream), MISSING)
        rules["value"], rules["low"], rules["high"] = value, low, high
        rules["stream"], rules["by_mean"] = step.stream, step.by_mean
        self.missing = rules, _everywhere(step.active, len(rules))

    def add_displacements(self, step: Displace, before: Floats | None, after: Floats | None) -> None:
        """Displace pixels between two maps (n, 3, 3), where None is the identity."""
        active = _everywhere(step.active, len(step.offsets))
        grids = [np.asarray(grid, np.float64) for grid in step.offsets]
        displacements = np.zeros(len(grids), DISPLACEMENT)
        displacements["before"] = np.eye(3) if before is None else before
        displacements["after"] = np.eye(3) if after is None else after
        displacements["origin"], displacements["spacing"] = step.origin, step.spacing
        displacements["grid"] = [grid.shape[:2] for grid in grids]
        counts = np.array([grid[..., 0].size for grid in grids]) * active
        displacements["first"] = np.cumsum(counts) - counts
        self.displacements = displacements, active
        kept = [grid.reshape(-1, 2) for grid, moves in zip(grids, active, strict=True) if moves]
        self.offsets = np.concatenate([_NO_OFFSETS, *kept])

    def add_erasures(self, step: Erase, low: Floats, high: Floats) -> None:
        kept = np.ones(len(step.samples), bool) if step.active is None else step.active[step.samples]
        erasures = np.zeros(int(kept.sum()), ERASURE)
        erasures["low"], erasures["high"] = low, high
        erasures["box"], erasures["stream"] = step.boxes[kept], step.stream[kept]
        self.erasures.append((step.samples[kept], erasures))

    def into(self, rows: Rows, dtype: DType) -> Tables:
        """The tables. The rows get their indices; a sample that needs no entry gets none."""
        empty = _no_tables(dtype)
        unused = self.luts is None and self.colours is None and self.missing is None and self.displacements is None
        if unused and not self.erasures:
            return empty
        return Tables(
            empty.luts if self.luts is None else _indexed(rows, "lut", *self.luts),
            empty.colours if self.colours is None else _indexed(rows, "colour", *self.colours),
            empty.erasures if not self.erasures else self._sorted_erasures(rows),
            empty.missing if self.missing is None else _indexed(rows, "missing", *self.missing),
            empty.displacements if self.displacements is None else _indexed(rows, "displacement", *self.displacements),
            self.offsets,
        )

    def _sorted_erasures(self, rows: Rows) -> Rows:
        samples = np.concatenate([samples for samples, _ in self.erasures])
        order = np.argsort(samples, kind="stable")
        ends = np.cumsum(np.bincount(samples, minlength=len(rows)))
        rows["erasures"][:, 1] = ends
        rows["erasures"][1:, 0] = ends[:-1]
        erasures: Rows = np.concatenate([erasures for _, erasures in self.erasures])[order]
        return erasures


@lru_cache
def _no_tables(dtype: DType) -> Tables:
    return Tables(np.zeros((0, LUT_LEVELS.get(dtype, 2**8)), np.uint16))


def _following(before: Rows, matrix: Floats, of_mean: Floats, offset: Floats) -> tuple[Floats, Floats, Floats]:
    """The map (matrix, of_mean, offset) of the image before `before`, for a map of the image after it."""
    c = offset.shape[1]
    first, first_of_mean = before["matrix"][:, :c, :c], before["of_mean"][:, :c, :c]
    together = (matrix + of_mean) @ before["offset"][:, :c, None]
    return (
        matrix @ first,
        matrix @ first_of_mean + of_mean @ (first + first_of_mean),
        offset + together[..., 0],
    )


def _indexed(rows: Rows, field_name: str, entries: Array, active: Mask) -> Array:
    rows[field_name] = np.where(active, np.cumsum(active) - 1, -1)
    return entries[active]


def _everywhere(active: Mask | None, count: int) -> Mask:
    return np.ones(count, bool) if active is None else active
