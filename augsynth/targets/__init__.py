"""Targets that follow an image: boxes, masks and keypoints on the same map, and the labels of objects that are kept."""

from __future__ import annotations

from augsynth.targets import tv_tensors
from augsynth.targets.boxes import mask_box
from augsynth.targets.compositions import cut_outs, object_mask, place_composition
from augsynth.targets.guard import all_plain, check_fields, is_plain
from augsynth.targets.readings import Objects, Reading, is_target, objects_of, place_targets, read_target, read_targets
from augsynth.targets.rules import TargetRules, field_names

__all__ = [
    "Objects",
    "Reading",
    "TargetRules",
    "all_plain",
    "check_fields",
    "cut_outs",
    "field_names",
    "is_plain",
    "is_target",
    "mask_box",
    "object_mask",
    "objects_of",
    "place_composition",
    "place_targets",
    "read_target",
    "read_targets",
    "tv_tensors",
]
