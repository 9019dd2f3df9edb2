"""Results of generators, and the conversions between uint8 images and values for networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from augsynth.core.positions import Positional
from augsynth.errors import ArgumentError, ArgumentTypeError, shown
from augsynth.generators.targets import Target


@dataclass(frozen=True, eq=False)
class Samples(Positional[Any]):
    """Generated images and their classes: a map-style data set of `(image, label)`, or of images without labels.

    With targets, an item is a dict with "image", "label" if there are labels, and the fields of its target.

    Args:
        images: uint8 (n, C, H, W), on the CPU.
        labels: classes, int64 (n,), on the CPU; None (default) without classes.
        targets: a target for each image, as `Generated` describes them, on the CPU; None (default) without targets.

    >>> samples = Samples(torch.zeros(2, 1, 8, 8, dtype=torch.uint8), torch.tensor([0, 1]))
    >>> len(samples), samples[1][0].shape, samples[1][1]
    (2, torch.Size([1, 8, 8]), 1)
    """

    images: Tensor
    labels: Tensor | None = None
    targets: Sequence[Target] | None = None

    def __post_init__(self) -> None:
        if self.images.dtype != torch.uint8 or self.images.ndim != 4:
            raise ArgumentTypeError(f"images must be uint8 (n, C, H, W), got {_described(self.images)}")
        if self.labels is not None and (self.labels.dtype != torch.int64 or self.labels.shape != self.images.shape[:1]):
            raise ArgumentTypeError(f"labels must be int64 ({len(self.images)},), got {_described(self.labels)}")
        if self.targets is not None and len(self.targets) != len(self.images):
            raise ArgumentError(f"there must be {len(self.images)} targets, got {len(self.targets)}")

    def __len__(self) -> int:
        return len(self.images)

    def _item(self, position: int) -> Any:
        label = None if self.labels is None else int(self.labels[position])
        return item_of(self.images[position], label, None if self.targets is None else self.targets[position])


def item_of(image: Tensor, label: int | None, target: Target | None) -> Any:
    """Return an item of generated data: an image, `(image, label)`, or a dict if there is a target.

    Args:
        image: (C, H, W).
        label: its class, or None.
        target: its target, or None.

    >>> sorted(item_of(torch.zeros(1, 8, 8), 3, {"boxes": torch.zeros(0, 4)}))
    ['boxes', 'image', 'label']
    """
    if target is not None:
        return {"image": image, **({} if label is None else {"label": label}), **target}
    return image if label is None else (image, label)


@dataclass(frozen=True)
class FitReport:
    """Facts about a fit.

    Args:
        steps: number of training steps since the weights were fresh; 0 without a training loop.
        resumed_at: number of steps before this call.
        images: number of images in the data set.
        batch_size: images of a training step.
        seconds: wall time of this call.
        device: name of the device.
        seed: 64-bit seed of the fit.
        history: an entry for each hundredth of the run: `{"step": …, metric: mean since the last entry}`.
        checkpoint: folder of the checkpoint, or None.
        copying_since: step at which copying set in: at this checkpoint and all later ones, samples were near-copies of
            images of the fit beyond chance. None if they were not at the last checkpoint, or without `held_out`.
        kept_step: step of the weights that the generator has, if copying set in; None for the last ones.
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
    copying_since: int | None = None
    kept_step: int | None = None

    @property
    def epochs(self) -> float:
        """Number of passes over the images, in all steps."""
        return self.steps * self.batch_size / self.images

    @property
    def metrics(self) -> dict[str, float]:
        """Last entry of `history` without its step: means of what `training_step` returned."""
        last = self.history[-1] if self.history else {}
        return {name: value for name, value in last.items() if name != "step"}


def check_sources(images: Sequence[Tensor], codes: Tensor | None, image_shape: tuple[int, int, int]) -> int:
    """Return the common number of rows of images and codes. Raises `ArgumentTypeError` or `ArgumentError`.

    Args:
        images: tensors, each uint8 (n, C, H, W).
        codes: float32 (n, …), or None.
        image_shape: (C, H, W).
    """
    first = codes if codes is not None else images[0]
    rows = len(first) if isinstance(first, Tensor) and first.ndim else "n"
    expected = f"uint8 ({', '.join(map(str, (rows, *image_shape)))})"
    for source in images:
        if not isinstance(source, Tensor) or source.dtype != torch.uint8 or source.shape != (rows, *image_shape):
            raise ArgumentTypeError(f"images must be {expected}, got {_described(source)}")
    if codes is not None and not (isinstance(codes, Tensor) and codes.dtype == torch.float32 and codes.ndim >= 2):
        raise ArgumentTypeError(f"codes must be float32 (n, …), as encode() returns them, got {_described(codes)}")
    if codes is not None and not bool(codes.isfinite().all()):
        raise ArgumentError("codes must be finite; some are infinite or not a number")
    return int(rows)


def to_signed(images: Tensor) -> Tensor:
    """Convert images for networks.

    Args:
        images: uint8, 0…255, of any shape.

    Returns:
        float32 in [−1, 1].

    >>> to_signed(torch.tensor([0, 255], dtype=torch.uint8))
    tensor([-1.,  1.])
    """
    return images.float().div(127.5).sub(1.0)


def to_uint8(images: Tensor) -> Tensor:
    """Convert images from networks. Values outside [−1, 1] are clamped, and halves are rounded to even.

    Args:
        images: floating-point, of any shape.

    Returns:
        uint8, 0…255.

    >>> to_uint8(torch.tensor([-1.0, 0.0, 3.0]))
    tensor([  0, 128, 255], dtype=torch.uint8)
    """
    return images.float().add(1.0).mul(127.5).clamp(0.0, 255.0).round().to(torch.uint8)


def _described(value: object) -> str:
    if not isinstance(value, Tensor):
        return shown(value)
    return f"{str(value.dtype).removeprefix('torch.')} {tuple(value.shape)}"
