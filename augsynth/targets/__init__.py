"""What follows an image: boxes, masks and keypoints on the same matrix, and the labels of what is kept."""

from __future__ import annotations

from augsynth.targets import tv_tensors
from augsynth.targets.readings import Reading, object_boxes, place_targets, read_target, read_targets
from augsynth.targets.rules import TargetRules

__all__ = ["Reading", "TargetRules", "object_boxes", "place_targets", "read_target", "read_targets", "tv_tensors"]
