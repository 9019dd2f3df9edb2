"""Bounds of the values of a float image, so that `explain` can warn of a transform that clamps them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from augsynth._native.layout import MAX_CHANNELS, DType
from augsynth.plan import FULL_SCALE
from augsynth.plan.lowering.declared import Coloured, Declared, Noisy
from augsynth.plan.lowering.steps import Cast, Operate, Standardise
from augsynth.whole_image import OPERATIONS

_INTEGERS = (DType.UINT8, DType.UINT16)
# The largest value that an operation leaves of a float image.
_CLAMPING = {"gamma": np.inf, "posterize": 1.0} | {
    name: described.clamps_floats_to for name, described in OPERATIONS.items() if described.clamps_floats_to is not None
}


class Extent(NamedTuple):
    """The bounds of a float image that came in within its full scale; transform `since` was the last to change them.

    >>> Extent(-2.0, 2.0, "Normalize").warning("ColorJitter")
    'warning: ColorJitter clamps to [0, 1], and Normalize has left values of -2 to 2: let Normalize come after it'
    """

    low: float = 0.0
    high: float = 1.0
    since: str = ""

    def warning(self, name: str, full: float | None = 1.0) -> str:
        """The warning that transform `name` clamps to [0, `full`]; empty if it does not clamp, or nothing is lost."""
        if full is None or (self.low >= 0.0 and self.high <= full):
            return ""
        return (
            f"warning: {name} clamps to [0, {full:g}], and {self.since} has left values of {self.low:.3g} to "
            f"{self.high:.3g}: let {self.since} come after it"
        )

    def after(self, name: str, step: Declared, dtype: DType) -> Extent:
        """The extent after the step of transform `name` on an image of `dtype`."""
        low, high = (0.0, FULL_SCALE[dtype]) if dtype in _INTEGERS else self[:2]
        match step:
            case Standardise():
                full = FULL_SCALE[dtype] if step.scale else 1.0
                mean, std = np.resize(step.mean, MAX_CHANNELS), np.resize(step.std, MAX_CHANNELS)
                return Extent(float(((low / full - mean) / std).min()), float(((high / full - mean) / std).max()), name)
            case Cast() if dtype in _INTEGERS:
                return Extent(high=1.0 if step.scale else high, since=name)
        return self.clamped(clamp_of(step, dtype))

    def clamped(self, full: float | None) -> Extent:
        """The extent within [0, `full`], if that is not None."""
        return self if full is None else self._replace(low=max(self.low, 0.0), high=min(self.high, full))


def clamp_of(step: Declared | Operate, dtype: DType) -> float | None:
    """The bound of a step that clamps a float image of `dtype` to [0, bound]; None for other steps and images."""
    if dtype != DType.FLOAT32:
        return None
    match step:
        case Cast() if step.dtype in _INTEGERS:
            return 1.0 if step.scale else FULL_SCALE[step.dtype]
        case Noisy() | Coloured() if step.clip:
            return 1.0
        case Operate() if step.function is None:
            return _CLAMPING.get(step.name)
    return None
