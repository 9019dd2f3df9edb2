"""One example of every transform. The registry, the documentation, the strategies and the tests read this list."""

from __future__ import annotations

import numpy as np

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
from augsynth.transforms.contract import Transform
from augsynth.transforms.custom import Lambda
from augsynth.transforms.degradations import JPEGCompression, MedianBlur, MotionBlur
from augsynth.transforms.distortions import GridDistortion, LensDistortion, ThinPlateSpline
from augsynth.transforms.elastic import ElasticTransform
from augsynth.transforms.erasing import GridMask, RandomErasing
from augsynth.transforms.fitting import Letterbox, LongestSide, PadIfNeeded, ShortestSide
from augsynth.transforms.fixed_crops import CropAt
from augsynth.transforms.flips import RandomHorizontalFlip, RandomVerticalFlip
from augsynth.transforms.frames import CenterCrop, Pad, RandomCrop, RandomResizedCrop, Resize
from augsynth.transforms.histograms import CLAHE, RandomAutocontrast, RandomEqualize
from augsynth.transforms.missing import FillMissing
from augsynth.transforms.noise import GaussianNoise, PoissonNoise, SaltAndPepperNoise, SpeckleNoise, UniformNoise
from augsynth.transforms.object_crops import CropNonEmptyMask, RandomBoxSafeCrop, RandomIoUCrop
from augsynth.transforms.orders import RandomOrder, SomeOf
from augsynth.transforms.perspective import RandomPerspective
from augsynth.transforms.planckian import PlanckianJitter
from augsynth.transforms.points import RandomGamma, RandomInvert, RandomPosterize, RandomSolarize
from augsynth.transforms.policies import AutoAugment, RandAugment, TrivialAugmentWide
from augsynth.transforms.turns import RandomDihedral, RandomQuarterTurn, RandomTranspose
from augsynth.transforms.values import Normalize, ToDtype
from augsynth.transforms.weather import RandomFog, RandomShadow

_DUSK = np.linspace(10, 90, 48).reshape(1, 4, 12, 1).astype(np.uint8)


def examples(side: int = 8, threshold: float = 0.5) -> tuple[Transform, ...]:
    """One transform of each class, with parameters whose effect shows; `p` is 1 where all else would hide it.

    Args:
        side: the shorter side of the images that the examples fit, in pixels; at least 6.
        threshold: a level of these images: for `RandomSolarize`.

    >>> [repr(transform) for transform in examples() if isinstance(transform, CenterCrop)]
    ["CenterCrop(size=4, pad_if_needed=False, fill=0.0, border='constant')"]
    """
    return (
        RandomHorizontalFlip(p=1.0),
        RandomVerticalFlip(p=1.0),
        RandomTranspose(p=1.0),
        RandomQuarterTurn((1, 3)),
        RandomDihedral(),
        RandomRotation(30),
        RandomAffine(15, translate=(0.1, 0.1), scale=(0.7, 1.2), shear=15, border="reflect"),
        RandomScale((0.6, 1.6), border="replicate"),
        RandomTranslate((0.25, 0.25), border="wrap"),
        RandomShear((-25, 25, -10, 10)),
        RandomPerspective(0.5, p=1.0),
        ElasticTransform(alpha=150.0, sigma=8.0),
        GridDistortion(4, 0.7, p=1.0),
        LensDistortion(0.8, p=1.0),
        ThinPlateSpline(0.24, p=1.0),
        RandomCrop(side * 2 // 3, padding=side // 6),
        CenterCrop(side // 2),
        CropAt(("top_left", "bottom_right"), side // 2),
        CropNonEmptyMask(side * 2 // 3),
        RandomBoxSafeCrop(side),
        RandomIoUCrop(sampler_options=(0.3,)),
        RandomResizedCrop(side, scale=(0.2, 0.6)),
        Resize((side // 2, side)),
        LongestSide(side // 2),
        ShortestSide(side // 2),
        Letterbox((side // 2, side * 2), position="random"),
        PadIfNeeded((side * 3 // 2, side), border="replicate"),
        Pad(side // 6, border="reflect101"),
        GaussianNoise(sigma=0.1),
        UniformNoise(-0.2, 0.2),
        SaltAndPepperNoise(0.05),
        PoissonNoise(30),
        SpeckleNoise(sigma=0.3),
        ColorJitter(brightness=0.5, contrast=0.5, saturation=0.7, hue=0.2),
        RandomGrayscale(p=1.0),
        Grayscale(num_output_channels=3),
        RandomChannelPermutation(),
        ChannelDropout(p=1.0),
        PlanckianJitter(temperature=(2500, 4000), p=1.0),
        ColorMatrix([[0.4, 0.6, 0.2], [0.3, 0.6, 0.2], [0.2, 0.5, 0.2]]),
        RandomInvert(p=1.0),
        RandomPosterize(bits=2, p=1.0),
        RandomSolarize(threshold=threshold, p=1.0),
        RandomGamma((0.4, 2.5)),
        RandomErasing(p=1.0, value="random"),
        GridMask(unit=(0.2, 0.3), p=1.0),
        FillMissing("nearest", missing=0.0),
        GaussianBlur(9, sigma=(1.0, 3.0)),
        MedianBlur(3, p=1.0),
        MotionBlur((5, 9), p=1.0),
        JPEGCompression((10, 20), p=1.0),
        RandomAdjustSharpness(3.0, p=1.0),
        RandomShadow(2, p=1.0),
        RandomFog(0.8, p=1.0),
        HistogramMatching(_DUSK, p=1.0),
        FourierDomainAdaptation(_DUSK, beta=0.03, p=1.0),
        RandomEqualize(p=1.0),
        RandomAutocontrast(p=1.0),
        CLAHE(p=1.0),
        Lambda(np.flipud),
        Normalize([0.5], [0.25]),
        ToDtype("float32", scale=True),
        RandomApply([RandomRotation(30)], p=0.5),
        RandomChoice([RandomRotation(30), RandomInvert(1.0)]),
        SomeOf([RandomRotation(30), RandomInvert(1.0), RandomHorizontalFlip(1.0)], n=(1, 2)),
        RandomOrder([RandomRotation(30), RandomErasing(p=1.0)]),
        RandAugment(),
        TrivialAugmentWide(),
        AutoAugment("imagenet"),
    )
