"""Transforms of images. `Compose` fuses a list of them into as few native passes as their order allows.

>>> from augsynth import transforms as T
>>> t = T.Compose([T.RandomCrop(28, padding=4), T.RandomHorizontalFlip(), T.GaussianNoise(sigma=0.02)])

Transforms of users derive from `Transform` and return a step (`Geometry`, `Displace`, `MapColours`, `AddNoise`,
`Erase`, `Operate`) for a `Draw` of random numbers and the `ImageInfo` of the images:
`docs/tutorial-custom-transforms.md`.
"""

from __future__ import annotations

from augsynth.plan import Composition, Plan
from augsynth.plan.lowering import (
    AddNoise,
    Displace,
    Erase,
    Geometry,
    ImageInfo,
    Lowering,
    MapColours,
    Operate,
    Sampling,
)
from augsynth.transforms.adaptation import FourierDomainAdaptation, HistogramMatching
from augsynth.transforms.affine import RandomAffine, RandomRotation, RandomScale, RandomShear, RandomTranslate
from augsynth.transforms.blur import GaussianBlur, RandomAdjustSharpness
from augsynth.transforms.choice import RandomApply, RandomChoice
from augsynth.transforms.colour import (
    ChannelDropout,
    ColorJitter,
    ColorMatrix,
    Grayscale,
    RandomChannelPermutation,
    RandomGrayscale,
)
from augsynth.transforms.compose import Compose
from augsynth.transforms.contract import Draw, Transform
from augsynth.transforms.converting import (
    Converted,
    Difference,
    from_albumentations,
    from_torchvision,
    python_source,
)
from augsynth.transforms.custom import Lambda
from augsynth.transforms.degradations import JPEGCompression, MedianBlur, MotionBlur
from augsynth.transforms.diff_augment import DiffAugment
from augsynth.transforms.distortions import GridDistortion, LensDistortion, ThinPlateSpline
from augsynth.transforms.elastic import ElasticTransform
from augsynth.transforms.erasing import GridMask, RandomErasing
from augsynth.transforms.explained import ExplainedImages
from augsynth.transforms.fitting import Letterbox, LongestSide, PadIfNeeded, ShortestSide
from augsynth.transforms.fixed_crops import CropAt
from augsynth.transforms.flips import RandomHorizontalFlip, RandomVerticalFlip
from augsynth.transforms.frames import CenterCrop, Pad, RandomCrop, RandomResizedCrop, Resize
from augsynth.transforms.histograms import CLAHE, RandomAutocontrast, RandomEqualize
from augsynth.transforms.label_check import LabelCheck, LabelRow, check_labels
from augsynth.transforms.missing import FillMissing
from augsynth.transforms.mixing import CutMix, MixUp
from augsynth.transforms.noise import GaussianNoise, PoissonNoise, SaltAndPepperNoise, SpeckleNoise, UniformNoise
from augsynth.transforms.object_crops import CropNonEmptyMask, RandomBoxSafeCrop, RandomIoUCrop
from augsynth.transforms.orders import RandomOrder, SomeOf
from augsynth.transforms.params import sampling
from augsynth.transforms.perspective import RandomPerspective
from augsynth.transforms.planckian import PlanckianJitter
from augsynth.transforms.points import RandomGamma, RandomInvert, RandomPosterize, RandomSolarize
from augsynth.transforms.policies import AutoAugment, RandAugment, TrivialAugmentWide
from augsynth.transforms.registry import TRANSFORMS, from_dict
from augsynth.transforms.several.copy_paste import CopyPaste
from augsynth.transforms.several.mosaic import Mosaic
from augsynth.transforms.turns import RandomDihedral, RandomQuarterTurn, RandomTranspose
from augsynth.transforms.values import Normalize, ToDtype
from augsynth.transforms.weather import RandomFog, RandomShadow

__all__ = [
    "CLAHE",
    "TRANSFORMS",
    "AddNoise",
    "AutoAugment",
    "CenterCrop",
    "ChannelDropout",
    "ColorJitter",
    "ColorMatrix",
    "Compose",
    "Composition",
    "Converted",
    "CopyPaste",
    "CropAt",
    "CropNonEmptyMask",
    "CutMix",
    "DiffAugment",
    "Difference",
    "Displace",
    "Draw",
    "ElasticTransform",
    "Erase",
    "ExplainedImages",
    "FillMissing",
    "FourierDomainAdaptation",
    "GaussianBlur",
    "GaussianNoise",
    "Geometry",
    "Grayscale",
    "GridDistortion",
    "GridMask",
    "HistogramMatching",
    "ImageInfo",
    "JPEGCompression",
    "LabelCheck",
    "LabelRow",
    "Lambda",
    "LensDistortion",
    "Letterbox",
    "LongestSide",
    "Lowering",
    "MapColours",
    "MedianBlur",
    "MixUp",
    "Mosaic",
    "MotionBlur",
    "Normalize",
    "Operate",
    "Pad",
    "PadIfNeeded",
    "Plan",
    "PlanckianJitter",
    "PoissonNoise",
    "RandAugment",
    "RandomAdjustSharpness",
    "RandomAffine",
    "RandomApply",
    "RandomAutocontrast",
    "RandomBoxSafeCrop",
    "RandomChannelPermutation",
    "RandomChoice",
    "RandomCrop",
    "RandomDihedral",
    "RandomEqualize",
    "RandomErasing",
    "RandomFog",
    "RandomGamma",
    "RandomGrayscale",
    "RandomHorizontalFlip",
    "RandomInvert",
    "RandomIoUCrop",
    "RandomOrder",
    "RandomPerspective",
    "RandomPosterize",
    "RandomQuarterTurn",
    "RandomResizedCrop",
    "RandomRotation",
    "RandomScale",
    "RandomShadow",
    "RandomShear",
    "RandomSolarize",
    "RandomTranslate",
    "RandomTranspose",
    "RandomVerticalFlip",
    "Resize",
    "SaltAndPepperNoise",
    "Sampling",
    "ShortestSide",
    "SomeOf",
    "SpeckleNoise",
    "ThinPlateSpline",
    "ToDtype",
    "Transform",
    "TrivialAugmentWide",
    "UniformNoise",
    "check_labels",
    "from_albumentations",
    "from_dict",
    "from_torchvision",
    "python_source",
    "sampling",
]
