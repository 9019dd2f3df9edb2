"""torchvision.transforms.v2 on uint8 tensors, with channels first or last in memory, whichever is faster in a case."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torchvision.transforms import v2

from harness.images import ImageSet
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
from harness.peers.base import Peer, Steps, has, one_by_one, translate
from harness.timing import Pass

BILINEAR = v2.InterpolationMode.BILINEAR


def _affine(op: Affine) -> list[Any]:
    low, high = op.degrees  # its affine maps turn clockwise
    moved = (op.translate, op.translate)
    return [v2.RandomAffine((-high, -low), moved, op.scale, (-op.shear, op.shear), BILINEAR)]


STEPS: Steps = {
    Flip: lambda op: [v2.RandomHorizontalFlip(op.p)],
    Crop: lambda op: [v2.RandomCrop(op.size, padding=op.padding or None)],
    Pad: lambda op: [v2.Pad(op.padding, padding_mode="reflect")],
    Resize: lambda op: [v2.Resize((op.size, op.size), antialias=op.antialias)],
    ResizedCrop: lambda op: [v2.RandomResizedCrop(op.size, op.scale, op.ratio, antialias=op.antialias)],
    Letterbox: lambda op: [v2.Resize(op.size - 1, max_size=op.size, antialias=False), v2.CenterCrop(op.size)],
    Rotation: lambda op: [v2.RandomRotation(op.degrees, BILINEAR)],
    Affine: _affine,
    Jitter: lambda op: [v2.RandomApply([v2.ColorJitter(op.brightness, op.contrast, op.saturation, op.hue)], op.p)],
    Grey: lambda op: [v2.RandomGrayscale(op.p)],
    Solarize: lambda op: [v2.RandomSolarize(op.threshold, p=1.0)],
    Equalize: lambda op: [v2.RandomEqualize(p=1.0)],
    Blur: lambda op: [v2.RandomApply([v2.GaussianBlur(op.size, op.sigma)], op.p)],
    Erase: lambda op: [v2.RandomErasing(op.p, op.scale)],
    Policy: lambda op: [v2.RandAugment(interpolation=BILINEAR)],
    Noise: lambda op: [v2.GaussianNoise(sigma=op.sigma)],
    Normalize: lambda op: [v2.Normalize(op.mean, op.std, inplace=True)],
}


class TorchvisionV2(Peer):
    name = "torchvision"
    distribution = "torchvision"

    def __init__(self) -> None:
        torch.set_num_threads(1)

    def prepare(self, image: Any) -> torch.Tensor:
        return torch.from_numpy(image).permute(2, 0, 1)

    def transform(self, ops: Ops) -> Callable[[Any], Any]:
        compose = v2.Compose(translate(_with_float(ops), {**STEPS, _ToFloat: _to_float}))

        def run(image: torch.Tensor) -> Any:
            with torch.inference_mode():
                return compose(image)

        return run

    def ways(self, ops: Ops, images: ImageSet, batch: int) -> list[Pass]:
        strided = [self.prepare(image) for image in images.images]
        layouts = [strided, [image.contiguous() for image in strided]]
        return [one_by_one(self.transform(ops), layout, images.window) for layout in layouts]

    def notes(self, ops: Ops) -> list[str]:
        return ["black outside: it has no mirrored border"] if has(ops, Rotation, reflect=True) else []


class _ToFloat:
    def pinned(self, side: int) -> None:
        return None


def _to_float(_: Any) -> list[Any]:
    return [v2.ToDtype(torch.float32, scale=True)]


def _with_float(ops: Ops) -> Ops:
    """Values become float before noise, which is faster on floats, if they are to be normalised at the end anyway."""
    if not has(ops, Normalize):
        return ops
    place = next(number for number, op in enumerate(ops) if isinstance(op, (Noise, Normalize)))
    return (*ops[:place], _ToFloat(), *ops[place:])


PEER = TorchvisionV2
