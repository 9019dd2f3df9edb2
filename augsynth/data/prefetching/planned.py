"""Batches whose plan is drawn, and whose pixels are left to a device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from augsynth.core.images import as_batch
from augsynth.core.positions import Positional
from augsynth.core.rng import KeysLike
from augsynth.engine import Packed, batch_output, run_batch
from augsynth.errors import ArgumentTypeError
from augsynth.plan import Plan
from augsynth.targets import place_targets
from augsynth.transforms.pipeline import Pipeline


@dataclass(frozen=True)
class PlannedBatch(Positional["PlannedBatch"]):
    """The sources of a batch, packed, and the plan that was drawn for them: what goes from a worker to a device."""

    _unit = "samples"

    sources: Packed
    plan: Plan
    memory_format: str

    def __len__(self) -> int:
        return len(self.plan)

    def _item(self, position: int) -> PlannedBatch:
        """One of its samples, by itself."""
        one = Packed.of([self.sources.views()[position]], dtype=self.sources.dtype)
        return PlannedBatch(one, self.plan[position : position + 1], self.memory_format)

    def pin_memory(self) -> PlannedBatch:
        """The same in memory that a device can copy from by itself; a DataLoader with `pin_memory` calls it."""
        return replace(self, sources=replace(self.sources, memory=self.sources.memory.pin_memory()))

    def run(self, where: torch.device) -> torch.Tensor:
        """The batch (B, C, H, W) on a device, as the transform would have given it; nothing is waited for."""
        result = batch_output(self.plan, None, self.memory_format, where)
        run_batch(self.plan, self.sources.to(where).views(), result)
        return result


class Planned:
    """A pipeline of `augsynth.transforms` that draws the plan of a batch and leaves the pixels to a `DevicePrefetcher`.

    It stands where the pipeline would, as a `SyntheticMixDataset`'s `transform`. Targets are moved at once, on the CPU.

    >>> import numpy as np
    >>> from augsynth import transforms as T
    >>> planned = Planned(T.Resize((8, 8))).batch([np.zeros((4, 6, 3), np.uint8)], keys=[(0, 0, 0)])
    >>> planned.run(torch.device("cpu")).shape
    torch.Size([1, 3, 8, 8])
    """

    def __init__(self, transform: Pipeline) -> None:
        if not isinstance(transform, Pipeline):
            raise ArgumentTypeError(f"transform must be one of augsynth.transforms, got {type(transform).__name__}")
        self.transform = transform

    @property
    def passthrough(self) -> tuple[str, ...]:
        """The names of the fields of targets that stay as they are; those of the pipeline."""
        return self.transform.passthrough

    def __call__(self, image: Any, target: Any = None, *, key: tuple[int, int, int] | None = None) -> Any:
        """Plan one image; returns a `PlannedBatch` of it, or that and a target if one was given."""
        keys = None if key is None else [key]
        if target is None:
            return self.batch([image], keys=keys)
        planned, targets = self.batch([image], [target], keys=keys)
        return planned, targets[0]

    def batch(self, images: Any, targets: Sequence[Any] | None = None, *, keys: KeysLike | None = None) -> Any:
        """Plan many images; returns a `PlannedBatch`, with `targets` also a list. The arguments are the pipeline's."""
        sources = as_batch(images)
        if sources.device.type != "cpu":
            raise ArgumentTypeError(f"images to be planned for a device lie on the CPU, got them on {sources.device}")
        dtype = sources.dtype.name.lower()
        plan, readings = self.transform.prepare(sources.shapes, keys, dtype=dtype, targets=targets)
        packed = Packed.of(sources.views, dtype=sources.dtype)
        planned = PlannedBatch(packed, plan, self.transform.memory_format)
        return planned if readings is None else (planned, place_targets(readings, plan))
