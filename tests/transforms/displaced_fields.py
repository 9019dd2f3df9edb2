"""Fields of displacements: what a plan moves each pixel by."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from augsynth import transforms as T
from augsynth.plan import Plan
from augsynth.plan.displacement import Displacement, displacements

Floats = npt.NDArray[np.float64]
Key = tuple[int, int, int]


def field(transform: T.Transform, shape: tuple[int, int], key: Key) -> Floats:
    """The displacement (H, W, 2) of each pixel's centre."""
    (curved,) = curves(transform.plan([shape], [key]))
    return curved.offsets(centres(*shape))


def curves(plan: Plan) -> list[Displacement]:
    """The displacements of all samples and passes that have one."""
    found = [one for step in plan.passes for one in displacements(step.rows, step.tables)]
    return [one for one in found if one is not None]


def centres(height: int, width: int) -> Floats:
    """The centres (H, W, 2) of pixels, as (x, y)."""
    return np.stack(np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5), axis=-1)
