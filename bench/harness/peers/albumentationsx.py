"""albumentationsx: `Compose` of its own transforms on NumPy images, and `ToTensorV2` where values are normalised."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import albumentations as A
import cv2

from harness import ops as kinds
from harness.peers.base import Peer, Steps, has, translate


def _area(antialias: bool) -> str | None:
    return "image" if antialias else None


def _crop(op: kinds.Crop) -> list[Any]:
    padding = [A.Pad(padding=op.padding)] if op.padding else []
    return [*padding, A.RandomCrop(op.size, op.size)]


def _rotation(op: kinds.Rotation) -> list[Any]:
    border = cv2.BORDER_REFLECT if op.reflect else cv2.BORDER_CONSTANT
    return [A.Rotate(op.degrees, border_mode=border, p=1.0)]


def _affine(op: kinds.Affine) -> list[Any]:
    moved, sheared = (-op.translate, op.translate), (-op.shear, op.shear)
    return [A.Affine(op.scale, moved, rotate=op.degrees, shear={"x": sheared, "y": (0.0, 0.0)}, p=1.0)]


STEPS: Steps = {
    kinds.Flip: lambda op: [A.HorizontalFlip(p=op.p)],
    kinds.Crop: _crop,
    kinds.Pad: lambda op: [A.Pad(padding=op.padding, border_mode=cv2.BORDER_REFLECT_101)],
    kinds.Resize: lambda op: [A.Resize(op.size, op.size, area_for_downscale=_area(op.antialias))],
    kinds.ResizedCrop: lambda op: [
        A.RandomResizedCrop((op.size, op.size), op.scale, op.ratio, area_for_downscale=_area(op.antialias))
    ],
    kinds.Letterbox: lambda op: [A.LongestMaxSize(op.size), A.PadIfNeeded(op.size, op.size)],
    kinds.Rotation: _rotation,
    kinds.Affine: _affine,
    kinds.Jitter: lambda op: [A.ColorJitter(op.brightness, op.contrast, op.saturation, op.hue, p=op.p)],
    kinds.Grey: lambda op: [A.ToGray(p=op.p)],
    kinds.Solarize: lambda op: [A.Solarize((op.threshold / 255, op.threshold / 255), p=1.0)],
    kinds.Equalize: lambda op: [A.Equalize(p=1.0)],
    kinds.Blur: lambda op: [A.GaussianBlur((op.size, op.size), op.sigma, p=op.p)],
    kinds.Erase: lambda op: [A.Erasing(op.scale, (0.3, 3.3), p=op.p)],
    kinds.Noise: lambda op: [A.GaussNoise(std_range=(op.sigma, op.sigma), per_channel=True, p=1.0)],
    kinds.Normalize: lambda op: [A.Normalize(op.mean, op.std), A.ToTensorV2()],
}


class Albumentationsx(Peer):
    name = "albumentationsx"
    distribution = "albumentationsx"

    def __init__(self) -> None:
        cv2.setNumThreads(0)

    def transform(self, ops: kinds.Ops) -> Callable[[Any], Any]:
        compose = A.Compose(translate(ops, STEPS), seed=0, telemetry=False)
        return lambda image: compose(image=image)["image"]

    def notes(self, ops: kinds.Ops) -> list[str]:
        if has(ops, kinds.Resize, antialias=True) or has(ops, kinds.ResizedCrop, antialias=True):
            return ["antialiases by INTER_AREA, a box filter, and only where both sides shrink"]
        return []


PEER = Albumentationsx
