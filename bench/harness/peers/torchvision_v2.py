"""torchvision.transforms.v2 on uint8 tensors, with channels first or last in memory, whichever is faster in a case."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torchvision.transforms import v2

from harness import ops as kinds
from harness.images import ImageSet
from harness.peers.base import Peer, Steps, has, one_by_one, translate
from harness.timing import Way

BILINEAR = v2.InterpolationMode.BILINEAR


def _affine(op: kinds.Affine) -> list[Any]:
    low, high = op.degrees  # its affine maps turn clockwise
    moved = (op.translate, op.translate)
    return [v2.RandomAffine((-high, -low), moved, op.scale, (-op.shear, op.shear), BILINEAR)]


STEPS: Steps = {
    kinds.Flip: lambda op: [v2.RandomHorizontalFlip(op.p)],
    kinds.Crop: lambda op: [v2.RandomCrop(op.size, padding=op.padding or None)],
    kinds.Pad: lambda op: [v2.Pad(op.padding, padding_mode="reflect")],
    kinds.Resize: lambda op: [v2.Resize((op.size, op.size), antialias=op.antialias)],
    kinds.ResizedCrop: lambda op: [v2.RandomResizedCrop(op.size, op.scale, op.ratio, antialias=op.antialias)],
    kinds.Letterbox: lambda op: [v2.Resize(op.size - 1, max_size=op.size, antialias=False), v2.CenterCrop(op.size)],
    kinds.Rotation: lambda op: [v2.RandomRotation(op.degrees, BILINEAR)],
    kinds.Affine: _affine,
    kinds.Jitter: lambda op: [
        v2.RandomApply([v2.ColorJitter(op.brightness, op.contrast, op.saturation, op.hue)], op.p)
    ],
    kinds.Grey: lambda op: [v2.RandomGrayscale(op.p)],
    kinds.Solarize: lambda op: [v2.RandomSolarize(op.threshold, p=1.0)],
    kinds.Equalize: lambda op: [v2.RandomEqualize(p=1.0)],
    kinds.Blur: lambda op: [v2.RandomApply([v2.GaussianBlur(op.size, op.sigma)], op.p)],
    kinds.Erase: lambda op: [v2.RandomErasing(op.p, op.scale)],
    kinds.Policy: lambda op: [v2.RandAugment(interpolation=BILINEAR)],
    kinds.Noise: lambda op: [v2.GaussianNoise(sigma=op.sigma)],
    kinds.Normalize: lambda op: [v2.Normalize(op.mean, op.std, inplace=True)],
}


class TorchvisionV2(Peer):
    name = "torchvision"
    distribution = "torchvision"

    def __init__(self) -> None:
        torch.set_num_threads(1)

    def prepare(self, image: Any) -> torch.Tensor:
        return torch.from_numpy(image).permute(2, 0, 1)

    def transform(self, ops: kinds.Ops) -> Callable[[Any], Any]:
        compose = v2.Compose(translate(_with_float(ops), {**STEPS, _ToFloat: _to_float}))

        def run(image: torch.Tensor) -> Any:
            with torch.inference_mode():
                return compose(image)

        return run

    def ways(self, ops: kinds.Ops, images: ImageSet, batch: int) -> list[Way]:
        strided = [self.prepare(image) for image in images.images]
        layouts = [strided, [image.contiguous() for image in strided]]
        return [one_by_one(self.transform(ops), layout, images.window) for layout in layouts]

    def notes(self, ops: kinds.Ops) -> list[str]:
        return ["black outside: it has no mirrored border"] if has(ops, kinds.Rotation, reflect=True) else []


class _ToFloat:
    def pinned(self, side: int) -> None:
        return None


def _to_float(_: Any) -> list[Any]:
    return [v2.ToDtype(torch.float32, scale=True)]


def _with_float(ops: kinds.Ops) -> kinds.Ops:
    """Convert values to float before noise, which is faster on floats, if the pipeline normalises them later."""
    if not has(ops, kinds.Normalize):
        return ops
    position = next(number for number, op in enumerate(ops) if isinstance(op, (kinds.Noise, kinds.Normalize)))
    return (*ops[:position], _ToFloat(), *ops[position:])


PEER = TorchvisionV2
