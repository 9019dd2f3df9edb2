"""Keypoints, with or without a visibility: 0 is not labelled, 1 labelled but hidden, 2 visible (COCO's numbers)."""

from __future__ import annotations

import numpy as np

from augsynth.core.typing import Array, Floats
from augsynth.plan.coordinates import CoordinateMap
from augsynth.targets.rules import TargetRules


def place_keypoints(
    where: CoordinateMap, points: Floats, visibility: Array, rules: TargetRules
) -> tuple[Floats, Array]:
    """Points (..., 2) in the output, and their visibility (...), in the dtype it came in.

    It becomes 0 outside the frame, and 1 instead of 2 where the pixels are erased. Points that come with 0, and so
    have no place, stay as they are.
    """
    mapped, inside, erased = where.points(points + rules.offset)
    labelled = visibility != 0
    placed = np.where(labelled[..., None], mapped - rules.offset, points)
    hidden = np.where(erased & (visibility == 2), 1, visibility)
    return placed, np.where(inside, hidden, 0).astype(visibility.dtype)
