"""Batches whose plan is drawn, and whose pixels a device makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from augsynth.core.images import as_batch
from augsynth.core.positions import Positional
from augsynth.core.rng import KeysLike
from augsynth.data.wrapper import PipelineWrapper
from augsynth.engine import Packed, batch_output, run_batch
from augsynth.errors import ArgumentTypeError
from augsynth.plan import Plan
from augsynth.targets import place_targets


@dataclass(frozen=True)
class PlannedBatch(Positional["PlannedBatch"]):
    """Sources and plan of a batch: the data that a worker sends to a device.

    Args:
        sources: images of the batch, packed into one memory.
        plan: plan that was drawn for them.
        memory_format: "contiguous" or "channels_last", the layout of the result.
    """

    _unit = "samples"

    sources: Packed
    plan: Plan
    memory_format: str

    def __len__(self) -> int:
        return len(self.plan)

    def _item(self, position: int) -> PlannedBatch:
        """Return one of the samples as a batch."""
        source = Packed.of([self.sources.views()[position]], dtype=self.sources.dtype)
        return PlannedBatch(source, self.plan[position : position + 1], self.memory_format)

    def pin_memory(self) -> PlannedBatch:
        """Return a copy in pinned memory, from which a device copies; a DataLoader with `pin_memory` calls it."""
        return replace(self, sources=replace(self.sources, memory=self.sources.memory.pin_memory()))

    def run(self, where: torch.device) -> torch.Tensor:
        """Return the batch (B, C, H, W) on a device, equal to the result of the transform, without waiting for it.

        Args:
            where: the device.
        """
        result = batch_output(self.plan, None, self.memory_format, where)
        run_batch(self.plan, self.sources.to(where).views(), result)
        return result


class Planned(PipelineWrapper):
    """Pipeline of `augsynth.transforms` that only draws the plan of a batch; a `DevicePrefetcher` makes the pixels.

    It replaces the pipeline, for example as the `transform` of a `SyntheticMixDataset`. Targets are moved at once, on
    the CPU.

    Args:
        transform: one of `augsynth.transforms`.

    >>> import numpy as np
    >>> from augsynth import transforms as T
    >>> planned = Planned(T.Resize((8, 8))).batch([np.zeros((4, 6, 3), np.uint8)], keys=[(0, 0, 0)])
    >>> planned.run(torch.device("cpu")).shape
    torch.Size([1, 3, 8, 8])
    """

    def batch(self, images: Any, targets: Sequence[Any] | None = None, *, keys: KeysLike | None = None) -> Any:
        """Plan many images; returns a `PlannedBatch`, and with `targets` also a list of the moved targets.

        Args:
            images: images on the CPU, in any form that the pipeline takes.
            targets: one target an image; default None.
            keys: one key (seed, epoch, index) an image; default drawn from torch's random generator.
        """
        sources = as_batch(images)
        if sources.device.type != "cpu":
            raise ArgumentTypeError(f"images to be planned for a device lie on the CPU, got them on {sources.device}")
        dtype = sources.dtype.name.lower()
        plan, readings = self.transform.prepare(sources.shapes, keys, dtype=dtype, targets=targets)
        packed = Packed.of(sources.views, dtype=sources.dtype)
        planned = PlannedBatch(packed, plan, self.transform.memory_format)
        return planned if readings is None else (planned, place_targets(readings, plan))
