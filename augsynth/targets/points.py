"""Keypoints, with or without visibility: 0 is not labelled, 1 labelled but hidden, 2 visible (as in COCO)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from augsynth.core.typing import Array, Floats, Ints
from augsynth.errors import ArgumentError
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
    visible = np.where(inside, hidden, 0).astype(visibility.dtype)
    if rules.keypoint_flip_pairs and where.mirrors:
        order = _exchanged(rules.keypoint_flip_pairs, points.shape[-2])
        return placed[..., order, :], visible[..., order]
    return placed, visible


def _exchanged(pairs: Sequence[tuple[int, int]], count: int) -> Ints:
    """Return the numbers of `count` keypoints after the two of each pair changed places."""
    order = np.arange(count)
    first, second = np.array(pairs).T
    highest = max(first.max(), second.max())
    if highest >= count:
        raise ArgumentError(f"keypoint_flip_pairs names keypoint {highest}, and there are {count}: count from 0")
    order[first], order[second] = second, first
    return order
