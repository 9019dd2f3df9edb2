"""One transform of each kind, with parameters whose effect can be seen; p is 1, so that it is seen."""

from __future__ import annotations

import numpy as np

from augsynth import transforms as T


def examples(side: int, threshold: float = 1.0) -> tuple[T.Transform, ...]:
    """For images whose shorter side has `side` pixels; `threshold` is one of their levels."""
    return (
        T.RandomHorizontalFlip(p=1.0),
        T.RandomVerticalFlip(p=1.0),
        T.RandomRotation(30),
        T.RandomAffine(15, translate=(0.1, 0.1), scale=(0.7, 1.2), shear=15, border="reflect"),
        T.RandomScale((0.6, 1.6), border="replicate"),
        T.RandomTranslate((0.25, 0.25), border="wrap"),
        T.RandomShear((-25, 25, -10, 10)),
        T.RandomPerspective(0.5, p=1.0),
        T.ElasticTransform(alpha=150.0, sigma=8.0),
        T.RandomCrop(side * 2 // 3, padding=side // 6),
        T.CenterCrop(side // 2),
        T.RandomResizedCrop(side, scale=(0.2, 0.6)),
        T.Resize((side // 2, side)),
        T.Pad(side // 6, border="reflect101"),
        T.GaussianNoise(sigma=0.1),
        T.UniformNoise(-0.2, 0.2),
        T.SaltAndPepperNoise(0.05),
        T.PoissonNoise(30),
        T.SpeckleNoise(sigma=0.3),
        T.ColorJitter(brightness=0.5, contrast=0.5, saturation=0.7, hue=0.2),
        T.RandomGrayscale(p=1.0),
        T.RandomChannelPermutation(),
        T.ColorMatrix([[0.4, 0.6, 0.2], [0.3, 0.6, 0.2], [0.2, 0.5, 0.2]]),
        T.RandomInvert(p=1.0),
        T.RandomPosterize(bits=2, p=1.0),
        T.RandomSolarize(threshold=threshold, p=1.0),
        T.RandomGamma((0.4, 2.5)),
        T.RandomErasing(p=1.0, value="random"),
        T.GridMask(unit=(0.2, 0.3), p=1.0),
        T.FillMissing("nearest", missing=0.0),
        T.GaussianBlur(9, sigma=(1.0, 3.0)),
        T.RandomAdjustSharpness(3.0, p=1.0),
        T.RandomEqualize(p=1.0),
        T.RandomAutocontrast(p=1.0),
        T.CLAHE(p=1.0),
        T.Lambda(np.flipud),
        T.Normalize([0.5], [0.25]),
        T.ToDtype("float32", scale=True),
        T.RandomApply([T.RandomRotation(30)], p=0.5),
        T.RandomChoice([T.RandomRotation(30), T.RandomInvert(1.0)]),
        T.RandAugment(),
        T.TrivialAugmentWide(),
        T.AutoAugment("imagenet"),
    )
