"""The order of work inside a pass."""

from __future__ import annotations

from enum import IntEnum


class Stage(IntEnum):
    """The stages of a pass in their order: a step may join a pass that has not gone beyond the step's own stage."""

    MISSING = 0
    GEOMETRY = 1
    LOOKUP = 2
    COLOUR = 3
    NOISE = 4
    ERASE = 5
    AFFINE = 6
    CAST = 7
