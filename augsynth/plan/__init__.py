"""Plans: rows of parameters that executors run, the rules for valid rows, and files of plans."""

from __future__ import annotations

from augsynth.plan.barriers import Barrier
from augsynth.plan.composition import GIVEN, Composition
from augsynth.plan.layers import WHOLE, Layer
from augsynth.plan.passes import FULL_SCALE, NUMPY_DTYPES, OUTPUTS_ONLY, Pass, Rows, new_rows
from augsynth.plan.plan import Plan
from augsynth.plan.rules import LARGEST, check_rows, corner_positions
from augsynth.plan.sequence import PlanStep
from augsynth.plan.table_rules import check_pass

__all__ = [
    "FULL_SCALE",
    "GIVEN",
    "LARGEST",
    "NUMPY_DTYPES",
    "OUTPUTS_ONLY",
    "WHOLE",
    "Barrier",
    "Composition",
    "Layer",
    "Pass",
    "Plan",
    "PlanStep",
    "Rows",
    "check_pass",
    "check_rows",
    "corner_positions",
    "new_rows",
]
