"""Transitions: the change of a pass by a step that joins it. They depend on declarations alone, and are remembered."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from augsynth._native.layout import Border, DType, Interpolation
from augsynth.errors import ArgumentError
from augsynth.plan import FULL_SCALE, OUTPUTS_ONLY
from augsynth.plan.lowering.conflicts import clips_colours, conflict
from augsynth.plan.lowering.declared import Coloured, Declared, Noisy, Resampled
from augsynth.plan.lowering.extent import Extent, clamp_of
from augsynth.plan.lowering.stage import Stage
from augsynth.plan.lowering.state import PassNoise, PassState
from augsynth.plan.lowering.steps import UNDECLARED, Cast, Sampling, Standardise

_WORK = {
    Stage.MISSING: "missing values are filled",
    Stage.LOOKUP: "one lookup table",
    Stage.ERASE: "rectangles are erased",
}


class Transition(NamedTuple):
    """The state of the pass that a step joins, before and after the step."""

    before: PassState
    after: PassState


@lru_cache(maxsize=1024)
def new_pass(dtype: DType, channels: tuple[int, ...], reason: str, extent: Extent) -> PassState:
    """A new pass over images with one of the channel counts `channels`, whose values have the `extent`."""
    if dtype in OUTPUTS_ONLY:
        name = dtype.name.lower()
        raise ArgumentError(f"{name} images can only be written, not read: let ToDtype({name!r}) come last")
    return PassState(dtype, channels, dtype, reason, extent)


@lru_cache(maxsize=1024, typed=True)  # as tuples, declarations of two kinds may be equal
def transition(state: PassState, name: str, step: Declared, fuse: bool) -> Transition:
    """The transition by the step of transform `name`: in the pass `state`, or in a new pass if the two conflict."""
    reason = conflict(state, step) if fuse else "fusion is switched off" if state.names else None
    before = state if reason is None else new_pass(state.dtype, state.channels, reason, state.extent)
    noted = replace(
        before,
        names=(*before.names, name),
        extent=before.extent.after(name, step, before.dtype),
        warnings=_with(before.warnings, before.extent.warning(name, clamp_of(step, before.dtype))),
    )
    return Transition(before, replace(noted, **_changes(before, step)))


def _changes(state: PassState, step: Declared) -> dict[str, Any]:
    """The fields of a state that a step changes, if it does not conflict."""
    match step:
        case Resampled():
            return _resampled(state, step)
        case Noisy():
            return _noisy(state, step)
        case Coloured():
            work = _with(state.work, "one colour matrix")
            return {"stage": Stage.COLOUR, "work": work, "clips_colours": clips_colours(state, step)}
        case Standardise():
            return _standardised(state, step)
        case Cast():
            return _cast(state, step)
        case Stage.MISSING:
            return {"stage": Stage.GEOMETRY, "work": _with(state.work, _WORK[step])}
        case Stage.LOOKUP:  # which clamps a level first
            return {"stage": step, "work": _with(state.work, _WORK[step]), "overshoots": False}
        case _:
            return {"stage": max(state.stage, step), "work": _with(state.work, _WORK[step])}


def _with(work: tuple[str, ...], more: str) -> tuple[str, ...]:
    return work if more in ("", *work) else (*work, more)


def _resampled(state: PassState, step: Resampled) -> dict[str, Any]:
    return {
        "stage": Stage.GEOMETRY,
        "moves": True,
        "whole_frame": state.whole_frame and step.keeps_frame,
        "projective": state.projective or step.projective,
        "displaced": state.displaced or step.displaces,
    } | (_sampled(state, step.sampling) if step.sampling != UNDECLARED else {})


def _sampled(state: PassState, new: Sampling) -> dict[str, Any]:
    old = state.sampling
    together = Sampling(
        old.interpolation if new.interpolation is None else new.interpolation,
        old.antialias if new.antialias is None else new.antialias,
        old.border if new.border is None else new.border,
    )
    changes: dict[str, Any] = {"sampling": together}
    if old.border is None and new.border == Border.CONSTANT:
        changes["fill"] = state.levels_in_source(new.fill, "fill")
    if new.interpolation == Interpolation.BICUBIC and state.dtype != DType.FLOAT32:
        changes |= {"clamp": (0.0, FULL_SCALE[state.dtype]), "overshoots": True}
    return changes


def _noisy(state: PassState, step: Noisy) -> dict[str, Any]:
    # An integer image cannot leave its range, clipped or not.
    clips = step.clip or state.dtype != DType.FLOAT32
    work = f"{step.kind.name.lower().replace('_', ' ')} noise"
    return {
        "stage": Stage.NOISE,
        "noise": PassNoise(step.kind, state.full_scale, clips, step.everywhere),
        "work": _with(state.work, work),
    }


def _standardised(state: PassState, step: Standardise) -> dict[str, Any]:
    full = FULL_SCALE[state.dtype] if step.scale else 1.0
    mean, std = (np.array(state.per_channel(values, what)) for values, what in ((step.mean, "mean"), (step.std, "std")))
    return {
        "stage": Stage.AFFINE,
        "gain": state.gain / (full * std),
        "bias": (state.bias / full - mean) / std,
        "dtype": DType.FLOAT32,
        "standardised_from": state.standardised_from or state.full_scale,
    }


def _cast(state: PassState, step: Cast) -> dict[str, Any]:
    if step.dtype == state.dtype:
        return {}
    factor = FULL_SCALE[step.dtype] / FULL_SCALE[state.dtype] if step.scale else 1.0
    return {
        "stage": state.stage if step.dtype == DType.FLOAT32 else Stage.CAST,
        "gain": state.gain * factor,
        "bias": state.bias * factor,
        "dtype": step.dtype,
    }
