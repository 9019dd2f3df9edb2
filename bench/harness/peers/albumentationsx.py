"""albumentationsx: `Compose` of its own transforms on NumPy images, and `ToTensorV2` where values are normalised."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import albumentations as A
import cv2

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
    Resize,
    ResizedCrop,
    Rotation,
    Solarize,
)
from harness.peers.base import Peer, Steps, has, translate


def _area(antialias: bool) -> str | None:
    return "image" if antialias else None


def _crop(op: Crop) -> list[Any]:
    padding = [A.Pad(padding=op.padding)] if op.padding else []
    return [*padding, A.RandomCrop(op.size, op.size)]


def _rotation(op: Rotation) -> list[Any]:
    border = cv2.BORDER_REFLECT if op.reflect else cv2.BORDER_CONSTANT
    return [A.Rotate(op.degrees, border_mode=border, p=1.0)]


def _affine(op: Affine) -> list[Any]:
    moved, sheared = (-op.translate, op.translate), (-op.shear, op.shear)
    return [A.Affine(op.scale, moved, rotate=op.degrees, shear={"x": sheared, "y": (0.0, 0.0)}, p=1.0)]


STEPS: Steps = {
    Flip: lambda op: [A.HorizontalFlip(p=op.p)],
    Crop: _crop,
    Pad: lambda op: [A.Pad(padding=op.padding, border_mode=cv2.BORDER_REFLECT_101)],
    Resize: lambda op: [A.Resize(op.size, op.size, area_for_downscale=_area(op.antialias))],
    ResizedCrop: lambda op: [
        A.RandomResizedCrop((op.size, op.size), op.scale, op.ratio, area_for_downscale=_area(op.antialias))
    ],
    Letterbox: lambda op: [A.LongestMaxSize(op.size), A.PadIfNeeded(op.size, op.size)],
    Rotation: _rotation,
    Affine: _affine,
    Jitter: lambda op: [A.ColorJitter(op.brightness, op.contrast, op.saturation, op.hue, p=op.p)],
    Grey: lambda op: [A.ToGray(p=op.p)],
    Solarize: lambda op: [A.Solarize((op.threshold / 255, op.threshold / 255), p=1.0)],
    Equalize: lambda op: [A.Equalize(p=1.0)],
    Blur: lambda op: [A.GaussianBlur((op.size, op.size), op.sigma, p=op.p)],
    Erase: lambda op: [A.Erasing(op.scale, (0.3, 3.3), p=op.p)],
    Noise: lambda op: [A.GaussNoise(std_range=(op.sigma, op.sigma), per_channel=True, p=1.0)],
    Normalize: lambda op: [A.Normalize(op.mean, op.std), A.ToTensorV2()],
}


class Albumentationsx(Peer):
    name = "albumentationsx"
    distribution = "albumentationsx"

    def __init__(self) -> None:
        cv2.setNumThreads(0)

    def transform(self, ops: Ops) -> Callable[[Any], Any]:
        compose = A.Compose(translate(ops, STEPS), seed=0, telemetry=False)
        return lambda image: compose(image=image)["image"]

    def notes(self, ops: Ops) -> list[str]:
        if has(ops, Resize, antialias=True) or has(ops, ResizedCrop, antialias=True):
            return ["antialiases by INTER_AREA, a box filter, and only where both sides shrink"]
        return []


PEER = Albumentationsx
