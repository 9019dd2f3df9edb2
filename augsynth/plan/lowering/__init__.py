"""Lowering: the steps of transforms, and the merging of steps into the passes of a plan."""

from __future__ import annotations

from augsynth.plan.lowering.image_info import ImageInfo
from augsynth.plan.lowering.lowering import Lowering
from augsynth.plan.lowering.steps import (
    AddNoise,
    Cast,
    Displace,
    Erase,
    FillValues,
    Geometry,
    Lookup,
    MapColours,
    Operate,
    PerChannel,
    Sampling,
    Standardise,
    TransformStep,
)

__all__ = [
    "AddNoise",
    "Cast",
    "Displace",
    "Erase",
    "FillValues",
    "Geometry",
    "ImageInfo",
    "Lookup",
    "Lowering",
    "MapColours",
    "Operate",
    "PerChannel",
    "Sampling",
    "Standardise",
    "TransformStep",
]
