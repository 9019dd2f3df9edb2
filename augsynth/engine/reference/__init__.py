"""The reference executor: `docs/design/numerics.md` in NumPy float64, written for clarity.

Every other executor is tested against it. `run` has the signature of the native executor. `render` returns the float64
picture before it is rounded to the output's dtype.
"""

from __future__ import annotations

from augsynth.core.rng import normal_of
from augsynth.engine.reference.executor import ReferenceExecutor
from augsynth.engine.reference.noise import LARGE_MEAN, normal_quantile, poisson_quantile, uniform
from augsynth.engine.reference.passes import finish, render, run
from augsynth.engine.reference.rounding import store
from augsynth.engine.reference.sampling import keeps_axes, sample, warp_of
from augsynth.engine.reference.tables import erase, fill_missing, look_up, map_colours

__all__ = [
    "LARGE_MEAN",
    "ReferenceExecutor",
    "erase",
    "fill_missing",
    "finish",
    "keeps_axes",
    "look_up",
    "map_colours",
    "normal_of",
    "normal_quantile",
    "poisson_quantile",
    "render",
    "run",
    "sample",
    "store",
    "uniform",
    "warp_of",
]
