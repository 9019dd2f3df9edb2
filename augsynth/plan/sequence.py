"""The steps of a plan in their order, and the check that each fits the one before it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from augsynth._native.layout import ROW, Border
from augsynth.core.geometry import inverse_map
from augsynth.core.typing import Floats
from augsynth.errors import PlanError
from augsynth.plan.barriers import Barrier
from augsynth.plan.passes import Pass, Rows, new_rows

PlanStep = Pass | Barrier


def passes_of(steps: tuple[PlanStep, ...]) -> tuple[Pass, ...]:
    """Return the native passes among the steps of a plan."""
    return tuple(step for step in steps if isinstance(step, Pass))


def check_sequence(steps: tuple[PlanStep, ...]) -> None:
    """Raise `PlanError` unless the steps are a plan: of one number of samples, each fitting the one before it.

    Args:
        steps: passes, and barriers between them; a pass comes last.
    """
    if not steps or not isinstance(steps[-1], Pass):
        raise PlanError(f"a plan ends with a pass, which writes the batch; got {len(steps)} steps without it")
    for number, step in enumerate(steps):
        _check_step(step, number)
        if len(step) != len(steps[0]):
            raise PlanError(f"step {number} is for {len(step)} samples, step 0 for {len(steps[0])}")
    leaves: list[int | None] = [None]  # the number of channels after the barriers behind each pass
    for step in steps:
        if isinstance(step, Pass):
            leaves.append(None)
        else:
            leaves[-1] = step.channels or leaves[-1]
    for number, (before, after) in enumerate(pairwise(passes_of(steps))):
        _check_joint(before.rows, after.rows, number, leaves[number + 1])


def movements(steps: tuple[PlanStep, ...]) -> tuple[Pass, ...]:
    """Return the passes in order, and for each barrier that moves pixels a pass that moves coordinates as it does.

    Args:
        steps: those of a plan.
    """
    backwards: list[Pass] = []
    for step in reversed(steps):
        if isinstance(step, Pass):
            backwards.append(step)
        elif (maps := step.coordinate_maps(backwards[-1].rows["source_size"])) is not None:
            backwards.append(_movement(maps, backwards[-1].rows))
    return tuple(reversed(backwards))


def _movement(maps: Floats, following: Rows) -> Pass:
    """Return the pass that moves coordinates by `maps` (n, 3, 3) and gives the sizes that the `following` rows read."""
    rows = new_rows(len(maps))
    rows["inverse"] = inverse_map(maps)
    rows["source_size"] = rows["output_size"] = following["source_size"]
    rows["source_dtype"] = rows["output_dtype"] = following["source_dtype"]
    rows["channels"] = following["channels"]
    rows["border"] = Border.CONSTANT
    return Pass(rows)


def _check_step(step: Any, number: int) -> None:
    if isinstance(step, Barrier):
        return
    if not isinstance(step, Pass):
        raise PlanError(f"step {number} must be a Pass or a Barrier, got {type(step).__name__}")
    rows = step.rows
    if rows.dtype != ROW or rows.ndim != 1:
        raise PlanError(f"step {number} must have a 1-D array of layout.ROW, got {rows.ndim}-D {rows.dtype.name}")


def _check_joint(before: Rows, after: Rows, number: int, channels: int | None) -> None:
    pairs = (("output_size", "source_size"), ("output_dtype", "source_dtype"), ("channels", "channels"))
    for left, right in pairs:
        given = before[left] if left != "channels" or channels is None else np.full(len(before), channels)
        unequal = given != after[right]
        differs = np.flatnonzero(unequal.any(axis=tuple(range(1, unequal.ndim))))
        if differs.size:
            row = int(differs[0])
            raise PlanError(
                f"row {row}: pass {number} gives {left} {given[row]}, pass {number + 1} expects {right} "
                f"{after[right][row]}"
            )
