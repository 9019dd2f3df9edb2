"""Transforms of images. `Compose` fuses a list of them into as few native passes as their order allows.

>>> from augsynth import transforms as T
>>> t = T.Compose([T.RandomCrop(28, padding=4), T.RandomHorizontalFlip(), T.GaussianNoise(sigma=0.02)])
"""

from __future__ import annotations

from augsynth.plan import Plan
from augsynth.transforms.affine import RandomAffine, RandomRotation, RandomScale, RandomShear, RandomTranslate
from augsynth.transforms.base import Transform
from augsynth.transforms.choice import RandomApply, RandomChoice
from augsynth.transforms.compose import Compose
from augsynth.transforms.flips import RandomHorizontalFlip, RandomVerticalFlip
from augsynth.transforms.frames import CenterCrop, Pad, RandomCrop, RandomResizedCrop, Resize
from augsynth.transforms.noise import GaussianNoise, PoissonNoise, SaltAndPepperNoise, SpeckleNoise, UniformNoise
from augsynth.transforms.perspective import RandomPerspective
from augsynth.transforms.registry import TRANSFORMS, from_dict
from augsynth.transforms.values import Normalize, ToDtype

__all__ = [
    "TRANSFORMS",
    "CenterCrop",
    "Compose",
    "GaussianNoise",
    "Normalize",
    "Pad",
    "Plan",
    "PoissonNoise",
    "RandomAffine",
    "RandomApply",
    "RandomChoice",
    "RandomCrop",
    "RandomHorizontalFlip",
    "RandomPerspective",
    "RandomResizedCrop",
    "RandomRotation",
    "RandomScale",
    "RandomShear",
    "RandomTranslate",
    "RandomVerticalFlip",
    "Resize",
    "SaltAndPepperNoise",
    "SpeckleNoise",
    "ToDtype",
    "Transform",
    "UniformNoise",
    "from_dict",
]
