"""Point operations by name, which barriers and lookup tables compute.

`POINTS[name](values, full, **parameters)` gives new values, vectorised over values and parameters.

>>> sorted(POINTS)
['gamma', 'invert', 'posterize', 'solarize']
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from augsynth.operations.points import gamma, invert, posterize, solarize
from augsynth.operations.scale import Floats

PointFunction = Callable[..., Floats]

POINTS: Mapping[str, PointFunction] = {
    "gamma": gamma,
    "invert": invert,
    "posterize": posterize,
    "solarize": solarize,
}

__all__ = ["POINTS", "PointFunction"]
