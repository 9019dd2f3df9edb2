"""Descriptions of passes and barriers in words."""

from __future__ import annotations

from itertools import groupby

from augsynth.core.points import POINTS
from augsynth.plan.lowering.conflicts import word
from augsynth.plan.lowering.extent import clamp_of
from augsynth.plan.lowering.state import PassState
from augsynth.plan.lowering.steps import Operate


def describe_pass(state: PassState, first: bool) -> list[str]:
    """Lines of words: the transforms, the reason for the pass unless it is the first, and its work."""
    names = [name for name, _ in groupby(state.names)]
    lines = [" + ".join(names) or "copy"]
    if not first:
        lines.append(f"begins because {state.why}")
    dtypes = f"{state.source_dtype.name.lower()} in, {state.dtype.name.lower()} out"
    return [*lines, "; ".join([*_sampling(state), *state.work, dtypes]), *state.warnings]


def describe_barrier(name: str, step: Operate, state: PassState) -> list[str]:
    """Lines of words: the transform, its operation if the name does not tell it, and why no pass does its work.

    `state` is that of the pass before it.
    """
    told = step.name.replace("_", "") in name.lower()
    title = name if told or step.function is not None else f"{name} ({step.name.replace('_', ' ')})"
    lines = [title, "looks at more of the image than a pass sees at a time"]
    if step.per_value or step.name in POINTS:
        lines[1] = "changes values one by one, which is part of a pass for integer images only"
    warning = state.extent.warning(name, clamp_of(step, state.dtype))
    return [*lines, warning] if warning else lines


def _sampling(state: PassState) -> list[str]:
    declared = state.sampling
    if declared.interpolation is not None:
        smooth = ", antialiased" if declared.antialias else ""
        border = f", border {word(declared.border)}" if declared.border is not None else ""
        displaced = " with a displacement" if state.displaced else ""
        return [f"one {word(declared.interpolation)} resampling{displaced}{smooth}{border}"]
    return ["whole pixels are moved"] if state.moves else []
