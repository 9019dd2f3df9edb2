"""What a generator gives back, and the two conversions between uint8 images and network values."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from augsynth.core.positions import Positional
from augsynth.errors import ArgumentTypeError


@dataclass(frozen=True, eq=False)
class Samples(Positional[tuple[Tensor, int] | Tensor]):
    """Generated images, uint8 `(n, C, H, W)`, and their classes, int64 `(n,)`, or None. Both lie on the CPU.

    It is a map-style dataset of `(image, label)` (of bare images where there are no labels):

    >>> samples = Samples(torch.zeros(2, 1, 8, 8, dtype=torch.uint8), torch.tensor([0, 1]))
    >>> len(samples), samples[1][0].shape, samples[1][1]
    (2, torch.Size([1, 8, 8]), 1)
    """

    images: Tensor
    labels: Tensor | None = None

    def __post_init__(self) -> None:
        if self.images.dtype != torch.uint8 or self.images.ndim != 4:
            raise ArgumentTypeError(f"images must be uint8 (n, C, H, W), got {_described(self.images)}")
        if self.labels is not None and (self.labels.dtype != torch.int64 or self.labels.shape != self.images.shape[:1]):
            raise ArgumentTypeError(f"labels must be int64 ({len(self.images)},), got {_described(self.labels)}")

    def __len__(self) -> int:
        return len(self.images)

    def _item(self, position: int) -> tuple[Tensor, int] | Tensor:
        if self.labels is None:
            return self.images[position]
        return self.images[position], int(self.labels[position])


@dataclass(frozen=True)
class FitReport:
    """The facts of a fit.

    `steps` is the number of optimiser steps that the generator has now taken in all (0 without a training loop),
    `resumed_at` the step at which this call began; `seconds` is the wall time of this call. `history` has one entry for
    each hundredth of the run: `{"step": …, metric: mean since the last entry}`; `metrics` is its last entry without the
    step.
    """

    steps: int
    resumed_at: int
    images: int
    batch_size: int
    seconds: float
    device: str
    seed: int
    history: list[dict[str, float]] = field(default_factory=list)
    checkpoint: Path | None = None

    @property
    def epochs(self) -> float:
        """Passes over the images, counting all steps."""
        return self.steps * self.batch_size / self.images

    @property
    def metrics(self) -> dict[str, float]:
        """The last means of what `training_step` returned."""
        last = self.history[-1] if self.history else {}
        return {name: value for name, value in last.items() if name != "step"}


def to_signed(images: Tensor) -> Tensor:
    """uint8 0…255 to float32 −1…1, the range that networks see."""
    return images.float().div(127.5).sub(1.0)


def to_uint8(images: Tensor) -> Tensor:
    """Float −1…1 to uint8 0…255: values beyond are moved to the nearest end, halves are rounded to even."""
    return images.float().add(1.0).mul(127.5).clamp(0.0, 255.0).round().to(torch.uint8)


def _described(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"
