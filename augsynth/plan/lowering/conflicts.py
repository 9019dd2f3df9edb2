"""Conflicts: the reasons for which a step cannot join the open pass without a change of its meaning."""

from __future__ import annotations

from augsynth._native.layout import Border, DType, Interpolation
from augsynth.plan.lowering.declared import Coloured, Declared, Noisy, Resampled
from augsynth.plan.lowering.stage import Stage
from augsynth.plan.lowering.state import PassState
from augsynth.plan.lowering.steps import UNDECLARED, Sampling

_OVERSHOOT = "bicubic sampling of an integer image is clamped at once, and a pass clamps after colours and noise"


def conflict(current: PassState, step: Declared) -> str | None:
    """The reason to begin a new pass for `step`, or None if it may join `current`."""
    last = current.names[-1] if current.names else ""
    if current.stage == Stage.CAST:
        return f"values have been rounded to {current.dtype.name.lower()}"
    match step:
        case Stage.MISSING if current.names:
            return f"missing values would have to be filled after {last}, and a pass fills them first"
        case Resampled():
            return _geometry_conflict(current, step)
        case Stage.LOOKUP if current.stage > Stage.LOOKUP:
            return f"a lookup table would have to follow {last}, and a pass looks up before it maps colours"
        case Coloured() if current.stage > Stage.COLOUR:
            return f"colours would have to be mapped after {last}, and a pass maps them before noise"
        case Noisy() if current.stage >= Stage.NOISE:
            return f"noise would have to run after {last}, and a pass adds noise once, before normalising"
        case Coloured() if current.clips_colours not in (None, clips_colours(current, step)):
            return f"colours would be clamped by one of {last} and this, and a pass clamps them once"
        case Coloured() | Noisy() if current.overshoots:
            return _OVERSHOOT
    return None


def clips_colours(current: PassState, step: Coloured) -> bool:
    """True if a map of colours clamps: an integer image cannot leave its range."""
    return step.clip or current.dtype != DType.FLOAT32


def _geometry_conflict(current: PassState, step: Resampled) -> str | None:
    if current.stage > Stage.GEOMETRY:
        return f"geometry would have to run after {current.names[-1]}, and a pass resamples first"
    if step.displaces and current.displaced:
        return f"pixels would have to be displaced again after {current.names[-1]}, and a pass displaces them once"
    if step.pads and not current.whole_frame:
        return f"padding needs the exact frame, and {current.names[-1]} has cut or moved it"
    if current.projective and step.sampling.border is not None:
        return "it may look outside the frame of a perspective, where its horizon is"
    return _sampling_conflict(current, step.sampling)


def _sampling_conflict(current: PassState, new: Sampling) -> str | None:
    old = current.sampling
    if new == UNDECLARED:
        return None
    for what in ("interpolation", "antialias", "border"):
        before, after = getattr(old, what), getattr(new, what)
        if before is not None and after is not None and before != after:
            return f"{what} changes from {word(before)} to {word(after)}"
    if old.border == new.border == Border.CONSTANT and current.levels_in_source(new.fill, "fill") != current.fill:
        return "the constant border changes its fill"
    return None


def word(value: Interpolation | Border | bool) -> str:
    """A declared choice in the words of users."""
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else value.name.lower()
