"""kornia: one batched call on float images of one size; photos of different sizes go through it one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import kornia.augmentation as K
import torch
from torch.utils.data import DataLoader, TensorDataset

from harness import ops as kinds
from harness.images import ImageSet
from harness.peers.base import Peer, Steps, Unsupported, has, translate
from harness.timing import Way

LARGE = 100_000


def _resized_crop(op: kinds.ResizedCrop) -> list[Any]:
    size = (op.size, op.size)
    return [K.RandomResizedCrop(size, op.scale, op.ratio, align_corners=False, cropping_mode="slice")]


def _rotation(op: kinds.Rotation) -> list[Any]:
    border = "reflection" if op.reflect else "zeros"
    return [K.RandomAffine(_clockwise(op.degrees), padding_mode=border, p=1.0)]


def _affine(op: kinds.Affine) -> list[Any]:
    moved, sheared = (op.translate, op.translate), (-op.shear, op.shear)
    return [K.RandomAffine(_clockwise(op.degrees), moved, op.scale, sheared, p=1.0)]


def _clockwise(degrees: kinds.Range) -> kinds.Range:
    """Return the range for affine maps that turn clockwise."""
    return -degrees[1], -degrees[0]


STEPS: Steps = {
    kinds.Flip: lambda op: [K.RandomHorizontalFlip(p=op.p)],
    kinds.Crop: lambda op: [K.RandomCrop((op.size, op.size), padding=op.padding or None)],
    kinds.Resize: lambda op: [K.Resize((op.size, op.size), align_corners=False, antialias=op.antialias)],
    kinds.ResizedCrop: _resized_crop,
    kinds.Letterbox: lambda op: [K.LongestMaxSize(op.size, align_corners=False), K.PadTo((op.size, op.size))],
    kinds.Rotation: _rotation,
    kinds.Affine: _affine,
    kinds.Jitter: lambda op: [K.ColorJitter(op.brightness, op.contrast, op.saturation, op.hue, p=op.p)],
    kinds.Grey: lambda op: [K.RandomGrayscale(p=op.p)],
    kinds.Solarize: lambda op: [K.RandomSolarize((op.threshold / 255, op.threshold / 255), 0.0, p=1.0)],
    kinds.Equalize: lambda op: [K.RandomEqualize(p=1.0)],
    kinds.Blur: lambda op: [K.RandomGaussianBlur((op.size, op.size), op.sigma, p=op.p)],
    kinds.Erase: lambda op: [K.RandomErasing(op.scale, (0.3, 3.3), p=op.p)],
    kinds.Noise: lambda op: [K.RandomGaussianNoise(std=op.sigma, p=1.0)],
    kinds.Normalize: lambda op: [K.Normalize(op.mean, op.std)],
}


class Kornia(Peer):
    name = "kornia"
    distribution = "kornia"

    def __init__(self) -> None:
        torch.set_num_threads(1)

    def transform(self, ops: kinds.Ops) -> Callable[[Any], Any]:
        """Return a function of a uint8 batch (B, C, H, W), with outputs in [0, 1] or normalised."""
        augmentations = K.AugmentationSequential(*translate(ops, STEPS))

        def run(batch: torch.Tensor) -> Any:
            with torch.inference_mode():
                return augmentations(batch.float() / 255)

        return run

    def notes(self, ops: kinds.Ops) -> list[str]:
        found = ["takes and gives float images: the conversion from uint8 is included"]
        if has(ops, kinds.ResizedCrop, antialias=True):
            found.append("has no antialiasing in a resized crop: less work")
        if has(ops, kinds.Noise):
            found.append("does not clamp after noise: less work")
        if has(ops, kinds.Letterbox):
            found.append("pads on the right and below only")
        return found

    def ways(self, ops: kinds.Ops, images: ImageSet, batch: int) -> list[Way]:
        """Large photos are faster in small batches, whose memory is used again."""
        sizes = [batch] if images.alike else [1]
        if images.alike and images.images[0].nbytes > LARGE:
            sizes = [size for size in (1, 4, batch) if images.window % size == 0]
        return [_batches(self.transform(ops), images, size) for size in sizes]

    def loader(self, ops: kinds.Ops, images: ImageSet, batch: int) -> Iterable[Any]:
        """uint8 images are collated, and a batch is augmented at once."""
        if not images.alike:
            raise Unsupported("images of different sizes cannot be collated before its batched call")
        return _Augmented(self.transform(ops), images, batch)


def _batches(transform: Callable[[Any], Any], images: ImageSet, size: int) -> Way:
    prepared = [_stacked(images.images[at : at + size]) for at in range(0, len(images.images), size)]

    def run(start: int) -> Iterator[Any]:
        for batch in prepared[start // size : (start + images.window) // size]:
            yield transform(batch)

    return run


class _Augmented:
    def __init__(self, transform: Callable[[Any], Any], images: ImageSet, batch: int) -> None:
        stacked = _stacked(images.images[: images.window])
        dataset = TensorDataset(stacked, torch.arange(len(stacked)) % 10)
        self.transform = transform
        self.batches = DataLoader(dataset, batch_size=batch, drop_last=True)

    def __iter__(self) -> Iterator[Any]:
        for images, labels in self.batches:
            yield self.transform(images), labels


def _stacked(images: Any) -> torch.Tensor:
    return torch.stack([torch.from_numpy(image).permute(2, 0, 1) for image in images]).contiguous()


PEER = Kornia
