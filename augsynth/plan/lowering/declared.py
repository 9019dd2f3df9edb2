"""Declarations: the part of a step that decides which pass it joins. It is the same for all samples.

The other part, each sample's own parameters, does not matter there. Declarations are hashable, so that results for them
can be remembered.
"""

from __future__ import annotations

from typing import NamedTuple

from augsynth._native.layout import NoiseKind
from augsynth.plan.lowering.stage import Stage
from augsynth.plan.lowering.steps import (
    AddNoise,
    Cast,
    Displace,
    Erase,
    FillValues,
    Fusible,
    Geometry,
    Lookup,
    MapColours,
    PerChannel,
    Sampling,
    Standardise,
)


class Resampled(NamedTuple):
    """The declaration of `Geometry` or `Displace`: everything except their maps and sizes."""

    sampling: Sampling
    keeps_frame: bool
    pads: bool
    projective: bool
    displaces: bool = False


class Noisy(NamedTuple):
    """The declaration of `AddNoise`: the kind, `clip`, and `everywhere`, which is True if all samples get the noise."""

    kind: NoiseKind
    clip: bool
    everywhere: bool


class Coloured(NamedTuple):
    """The declaration of `MapColours`: `clip`."""

    clip: bool


# The steps of which all is held declare when in a pass they are done.
Declared = Resampled | Noisy | Coloured | Standardise | Cast | Stage


def declared(step: Fusible) -> Declared:
    """The declaration of a step."""
    match step:
        case Geometry():  # first, as most steps are
            return Resampled(_hashable(step.sampling), step.keeps_frame, step.pads, step.projective)
        case Displace():
            return Resampled(_hashable(step.sampling), False, False, False, displaces=True)
        case AddNoise():
            return Noisy(step.kind, step.clip, step.active is None)
        case Standardise():
            return Standardise(tuple(step.mean), tuple(step.std), step.scale)
        case Cast():
            return step
        case MapColours():
            return Coloured(step.clip)
        case Lookup():
            return Stage.LOOKUP
        case Erase():
            return Stage.ERASE
        case FillValues():
            return Stage.MISSING


def _hashable(sampling: Sampling) -> Sampling:
    fill: PerChannel = sampling.fill
    return sampling if isinstance(fill, (int, float, tuple)) else sampling._replace(fill=tuple(fill))
