"""Converters: pipelines of other libraries become augsynth's, and say what they do otherwise."""

from augsynth.transforms.converting.albumentations.pipelines import from_albumentations
from augsynth.transforms.converting.conversion import Converted, Difference
from augsynth.transforms.converting.source import python_source
from augsynth.transforms.converting.torchvision import from_torchvision

__all__ = ["Converted", "Difference", "from_albumentations", "from_torchvision", "python_source"]
