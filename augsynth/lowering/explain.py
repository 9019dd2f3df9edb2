"""Passes and barriers in words."""

from __future__ import annotations

from itertools import groupby

from augsynth.layout import DType
from augsynth.lowering.conflicts import word
from augsynth.lowering.open_pass import OpenPass
from augsynth.lowering.steps import Operate
from augsynth.operations import POINTS
from augsynth.plan import Pass


def describe_pass(one: OpenPass, closed: Pass, first: bool) -> list[str]:
    """Lines: the transforms, why the pass begins if it is not the first, and what it does."""
    names = [name for name, _ in groupby(one.names)]
    lines = [" + ".join(names) or "copy"]
    if not first:
        lines.append(f"begins because {one.why}")
    return [*lines, "; ".join([*_sampling(one), *one.work, *_dtypes(closed)])]


def describe_barrier(name: str, step: Operate) -> list[str]:
    """Lines: the transform, with its operation where the name does not tell, and why it is no part of a pass."""
    told = step.name.replace("_", "") in name.lower()
    title = name if told or step.function is not None else f"{name} ({step.name.replace('_', ' ')})"
    if step.per_value or step.name in POINTS:
        return [title, "changes values one by one, which is part of a pass for integer images only"]
    return [title, "looks at more of the image than a pass sees at a time"]


def _sampling(one: OpenPass) -> list[str]:
    declared = one.declared
    if declared.interpolation is not None:
        smooth = ", antialiased" if declared.antialias else ""
        border = f", border {word(declared.border)}" if declared.border is not None else ""
        return [f"one {word(declared.interpolation)} resampling{smooth}{border}"]
    return ["whole pixels are moved"] if one.inverse is not None else []


def _dtypes(closed: Pass) -> list[str]:
    if not len(closed):
        return []
    source, output = (DType(int(closed.rows[field][0])).name.lower() for field in ("source_dtype", "output_dtype"))
    return [f"{source} in, {output} out"]
