"""Clips: the frames of a video, which share one plan."""

from __future__ import annotations

from typing import Any

import numpy as np

from augsynth.core.typing import Ints
from augsynth.errors import ArgumentError, shown
from augsynth.plan import Barrier, Plan

NOISES = ("frame", "clip")


def check_frames(shapes: Ints, noise: Any) -> None:
    """Raise `ArgumentError` unless there are frames of one shape, `shapes` (n, 3), and `noise` is a name.

    Args:
        shapes: (H, W, C) of each frame.
        noise: "frame" or "clip".
    """
    if noise not in NOISES:
        raise ArgumentError(f"noise must be {' or '.join(NOISES)}, got {shown(noise)}")
    if not len(shapes):
        raise ArgumentError("a clip has at least one frame, got none")
    differs = np.flatnonzero((shapes != shapes[0]).any(axis=1))
    if differs.size:
        shape, first = (tuple(shapes[number].tolist()) for number in (differs[0], 0))
        raise ArgumentError(f"the frames of a clip have one shape: frames[{differs[0]}] has {shape}, frames[0] {first}")


def clip_plan(plan: Plan, count: int, noise: str) -> Plan:
    """The plan of a clip of `count` frames from that of one frame.

    Args:
        plan: a plan for one image.
        count: the number of frames.
        noise: "frame" for noise of its own in each frame, or "clip" for the same noise in all.

    >>> from augsynth import transforms as T
    >>> one = T.RandomCrop(2).plan([(4, 6)], [(0, 0, 0)])
    >>> len(clip_plan(one, 8, "frame"))
    8
    """
    repeated = plan.repeated(count)
    if noise == "frame":
        for step in repeated.steps:
            if not isinstance(step, Barrier):
                # Another key of Philox for each frame; that of the first one stays.
                step.rows["stream"][:, 0] ^= np.arange(count, dtype=np.uint32)
    return repeated
