"""Keypoints, with or without visibility: 0 is not labelled, 1 labelled but hidden, 2 visible (as in COCO)."""

from __future__ import annotations

import numpy as np

from augsynth.core.typing import Array, Floats
from augsynth.plan.coordinates import CoordinateMap
from augsynth.targets.rules import TargetRules


def place_keypoints(
    where: CoordinateMap, points: Floats, visibility: Array, rules: TargetRules
) -> tuple[Floats, Array]:
    """Return points in the output and their visibility, in its dtype.

    The visibility becomes 0 outside the frame, and 1 instead of 2 where pixels are erased. Points with visibility 0
    have no position and stay as they are.

    Args:
        where: map from the image to the output.
        points: float64 (..., 2).
        visibility: (...), 0, 1 or 2.
        rules: rules for the numbers of keypoints.
    """
    mapped, inside, erased = where.points(points + rules.offset)
    labelled = visibility != 0
    placed = np.where(labelled[..., None], mapped - rules.offset, points)
    hidden = np.where(erased & (visibility == 2), 1, visibility)
    return placed, np.where(inside, hidden, 0).astype(visibility.dtype)
