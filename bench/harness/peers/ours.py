"""augsynth itself: a batch in one native call, or one call an image."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import Any

import numpy as np
import numpy.typing as npt
from torch.utils.data import DataLoader

import augsynth
from augsynth import _native
from augsynth import transforms as T
from harness import ops as kinds
from harness.images import ImageSet
from harness.peers.base import Peer, Steps, translate
from harness.timing import Way

STEPS: Steps = {
    kinds.Flip: lambda op: [T.RandomHorizontalFlip(op.p)],
    kinds.Crop: lambda op: [T.RandomCrop(op.size, padding=op.padding or None)],
    kinds.Pad: lambda op: [T.Pad(op.padding, border="reflect101")],
    kinds.Resize: lambda op: [T.Resize((op.size, op.size), antialias=op.antialias)],
    kinds.ResizedCrop: lambda op: [T.RandomResizedCrop(op.size, op.scale, op.ratio, antialias=op.antialias)],
    # The longer side decides: no shorter side is longer than size - 1, unless the image is square.
    kinds.Letterbox: lambda op: [
        T.Resize(op.size - 1, max_size=op.size, antialias=False),
        T.CenterCrop(op.size, pad_if_needed=True),
    ],
    kinds.Rotation: lambda op: [T.RandomRotation(op.degrees, border="reflect" if op.reflect else "constant")],
    kinds.Affine: lambda op: [
        T.RandomAffine(op.degrees, (op.translate, op.translate), op.scale, op.shear, antialias=False)
    ],
    kinds.Jitter: lambda op: [T.RandomApply(T.ColorJitter(op.brightness, op.contrast, op.saturation, op.hue), op.p)],
    kinds.Grey: lambda op: [T.RandomGrayscale(op.p)],
    kinds.Solarize: lambda op: [T.RandomSolarize(op.threshold, p=1.0)],
    kinds.Equalize: lambda op: [T.RandomEqualize(p=1.0)],
    kinds.Blur: lambda op: [T.RandomApply(T.GaussianBlur(op.size, op.sigma), op.p)],
    kinds.Erase: lambda op: [T.RandomErasing(op.p, op.scale)],
    kinds.Policy: lambda op: [T.RandAugment()],
    kinds.Noise: lambda op: [T.GaussianNoise(sigma=op.sigma)],
    kinds.Normalize: lambda op: [T.Normalize(op.mean, op.std)],
}


class Augsynth(Peer):
    """Peer for augsynth on one instruction set; `single` calls it image by image."""

    distribution = "augsynth"

    def __init__(self, isa: str, single: bool = False) -> None:
        self.isa = isa
        self.single = single
        self.name = f"augsynth {isa}, single" if single else f"augsynth {isa}"

    def activate(self) -> None:
        _native.set_isa(self.isa)

    def transform(self, ops: kinds.Ops) -> Callable[[Any], Any]:
        return T.Compose(translate(ops, STEPS))

    def ways(self, ops: kinds.Ops, images: ImageSet, batch: int) -> list[Way]:
        transform = T.Compose(translate(ops, STEPS))
        return [self._singly(transform, images) if self.single else self._batched(transform, images, batch)]

    def _batched(self, transform: T.Compose, images: ImageSet, batch: int) -> Way:
        epochs = count(1)

        def run(start: int) -> Iterator[Any]:
            self.activate()
            epoch = next(epochs)
            for first in range(start, start + images.window, batch):
                keys = keys_of(range(first, first + batch), epoch)
                yield transform.batch(images.images[first : first + batch], keys=keys)

        return run

    def _singly(self, transform: T.Compose, images: ImageSet) -> Way:
        epochs = count(1)

        def run(start: int) -> Iterator[Any]:
            self.activate()
            epoch = next(epochs)
            for index in range(start, start + images.window):
                yield transform(images.images[index], key=(0, epoch, index))

        return run

    def loader(self, ops: kinds.Ops, images: ImageSet, batch: int) -> Iterable[Any]:
        real = [(image, index % 10) for index, image in enumerate(images.images[: images.window])]
        dataset = augsynth.SyntheticMixDataset(real, None, ratio=0.0, transform=T.Compose(translate(ops, STEPS)))
        return DataLoader(dataset, batch_size=batch, drop_last=True, collate_fn=augsynth.collate)


def keys_of(indices: range, epoch: int = 0) -> npt.NDArray[np.int64]:
    """Return one key an image: (0, epoch, index)."""
    keys = np.zeros((len(indices), 3), np.int64)
    keys[:, 1], keys[:, 2] = epoch, indices
    return keys
