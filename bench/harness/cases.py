"""Cases of the benchmark: single transforms, common pipelines, and small images. A new case is one line here."""

from __future__ import annotations

from dataclasses import dataclass

from harness.ops import (
    Affine,
    Blur,
    Crop,
    Equalize,
    Erase,
    Flip,
    Grey,
    Jitter,
    Letterbox,
    Noise,
    Normalize,
    Ops,
    Pad,
    Policy,
    Resize,
    ResizedCrop,
    Rotation,
    Solarize,
)

IMAGENET = Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
CIFAR = Normalize((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))
MNIST = Normalize((0.1307,), (0.3081,))

JITTER = Jitter((0.6, 1.4), (0.6, 1.4), (0.6, 1.4), (-0.1, 0.1))
SIMCLR: Ops = (
    ResizedCrop(224, antialias=True),
    Flip(),
    Jitter((0.2, 1.8), (0.2, 1.8), (0.2, 1.8), (-0.2, 0.2), p=0.8),
    Grey(0.2),
    Blur(23, (0.1, 2.0), p=0.5),
)

ROTATED_CROP: Ops = (ResizedCrop(224, antialias=False, scale=(0.35, 1.0)), Flip(), Rotation((-15, 15)))
SMALL: Ops = (Flip(), Rotation((-15, 15), reflect=False), Noise(0.02))


@dataclass(frozen=True)
class Case:
    """Case: one row of the table.

    Args:
        name: name in the table.
        group: heading in the table.
        images: name of the set of images.
        ops: operations on each image.
        batch: number of images at once, for libraries that take batches.
        loader: whether the case is also measured through a DataLoader.
    """

    name: str
    group: str
    images: str
    ops: Ops
    batch: int = 64
    loader: bool = False


CASES = (
    Case("flip", "transforms", "even", (Flip(p=1.0),)),
    Case("crop 224", "transforms", "even", (Crop(224),)),
    Case("pad 32, mirrored", "transforms", "even", (Pad(32),)),
    Case("resize 224", "transforms", "photos", (Resize(224, antialias=False),)),
    Case("resize 224, antialiased", "transforms", "photos", (Resize(224, antialias=True),)),
    Case("resized crop 224", "transforms", "photos", (ResizedCrop(224, antialias=False),)),
    Case("resized crop 224, antialiased", "transforms", "photos", (ResizedCrop(224, antialias=True),)),
    Case("rotation 15°, mirrored", "transforms", "even", (Rotation((-15, 15)),)),
    Case("affine", "transforms", "even", (Affine((-15, 15), translate=0.1, scale=(0.8, 1.2), shear=5.0),)),
    Case("Gaussian noise", "transforms", "even", (Noise(0.02),)),
    Case("colour jitter", "transforms", "even", (JITTER,)),
    Case("grey", "transforms", "even", (Grey(1.0),)),
    Case("solarise", "transforms", "even", (Solarize(128),)),
    Case("equalise", "transforms", "even", (Equalize(),)),
    Case("Gaussian blur 9", "transforms", "even", (Blur(9, (0.5, 2.0)),)),
    Case("erasing", "transforms", "even", (Erase(),)),
    Case("normalise", "transforms", "even", (IMAGENET,)),
    Case("ImageNet", "pipelines", "photos", (ResizedCrop(224, antialias=False), Flip(), IMAGENET)),
    Case("ImageNet, antialiased", "pipelines", "photos", (ResizedCrop(224, antialias=True), Flip(), IMAGENET)),
    Case("ImageNet, colour jitter", "pipelines", "photos", (ResizedCrop(224, True), Flip(), JITTER, IMAGENET)),
    Case(
        "ImageNet, RandAugment, erasing",
        "pipelines",
        "photos",
        (ResizedCrop(224, True), Flip(), Policy(), Erase(), IMAGENET),
    ),
    Case("SimCLR", "pipelines", "photos", (*SIMCLR, IMAGENET)),
    Case("rotated crop", "pipelines", "photos", (*ROTATED_CROP, IMAGENET), loader=True),
    Case("rotated crop + noise", "pipelines", "photos", (*ROTATED_CROP, Noise(0.02), IMAGENET), loader=True),
    Case("detection 640, resize", "pipelines", "photos", (Resize(640, antialias=False), Flip(), IMAGENET), batch=16),
    Case("detection 640, letterbox", "pipelines", "photos", (Letterbox(640), Flip(), IMAGENET), batch=16),
    Case("CIFAR 32x32x3, crop + flip", "small images", "cifar", (Crop(32, padding=4), Flip(), CIFAR), batch=128),
    Case("CIFAR 32x32x3", "small images", "cifar", (Crop(32, padding=4), *SMALL, CIFAR), batch=128, loader=True),
    Case("MNIST 28x28x1", "small images", "mnist", (Crop(28, padding=4), *SMALL, MNIST), batch=256, loader=True),
)
