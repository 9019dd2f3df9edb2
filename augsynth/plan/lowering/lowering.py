"""Lowering: a list of steps becomes as few passes as their meaning allows.

`Lowering` takes the steps of a pipeline in the user's order. It merges a step into the open pass if the step keeps its
meaning there. Otherwise it opens a new pass, and notes the reason.

The number of passes depends on the pipeline and the dtype alone, never on drawn values or on the other samples of a
batch. So a call only looks up the remembered `transition` of each declaration, and gathers the parameters of the steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from augsynth import _native
from augsynth._native.layout import DType
from augsynth.core.geometry import inverse_map
from augsynth.core.typing import Floats, Ints, Mask
from augsynth.errors import ArgumentError
from augsynth.plan import LARGEST, Barrier, Pass, Plan
from augsynth.plan.lowering.declared import declared
from augsynth.plan.lowering.explain import describe_barrier, describe_pass
from augsynth.plan.lowering.extent import Extent, clamp_of
from augsynth.plan.lowering.image_info import ImageInfo, TrackedBoxes
from augsynth.plan.lowering.lookups import as_lookup, is_table
from augsynth.plan.lowering.merge import new_pass, transition
from augsynth.plan.lowering.open_pass import OpenPass
from augsynth.plan.lowering.state import PassState
from augsynth.plan.lowering.steps import Displace, Fusible, Geometry, Operate, TransformStep, restricted


class Lowering:
    """Collects the steps of a batch into passes.

    Args:
        sizes: (n, 2), height and width of each image that comes in.
        channels: (n,), the number of channels of each image.
        dtype: the dtype of all images.
        fuse: False gives each step a pass of its own.
        boxes: (k, 4) for each image, XYXY in pixels; None where the call has no targets.
        masks: the masks (..., H, W) of each image; none by default.
    """

    def __init__(
        self,
        sizes: Ints,
        channels: Ints,
        dtype: DType,
        fuse: bool = True,
        boxes: Sequence[Floats] | None = None,
        masks: Sequence[Sequence[Any]] = (),
    ) -> None:
        tracked = None if boxes is None else TrackedBoxes(boxes, masks=masks or [()] * len(boxes))
        self._images = ImageInfo(sizes, channels, dtype, tracked)
        self._fuse = fuse
        self._active: Mask | None = None
        self._done: list[Pass | Barrier] = []
        self._origins: list[PassState | tuple[str, Operate, PassState]] = []
        self._state = new_pass(dtype, _native.distinct(channels), "the image comes in", Extent())
        self._open = OpenPass(sizes, channels)

    @property
    def images(self) -> ImageInfo:
        """The images as the next step sees them."""
        return self._images

    @contextmanager
    def only(self, active: Mask) -> Iterator[None]:
        """Restrict the steps that are added inside the `with` block to some samples.

        Args:
            active: bool (n,), True for the samples that the steps change.
        """
        outer = self._active
        self._active = active if outer is None else outer & active
        try:
            yield
        finally:
            self._active = outer

    def add(self, name: str, step: TransformStep) -> None:
        """Merge a step into the open pass, or open a new pass for it.

        Args:
            name: the name of the transform, for `explain` and messages.
            step: the step, for all samples of the batch.
        """
        images = self._images
        if self._active is not None:
            step = restricted(step, self._active, images.sizes)
        if isinstance(step, Operate) and is_table(step, images.dtype, self._state.source_dtype):
            step = as_lookup(step, images.dtype, len(images))
        if isinstance(step, Operate):
            self._add_barrier(name, step)
        else:
            self._merge(name, step)

    def _merge(self, name: str, step: Fusible) -> None:
        change = transition(self._state, name, declared(step), self._fuse)
        if change.before is not self._state:
            self._close()
            self._begin(change.before)
        self._state = change.after
        self._open.add(step, change)
        if isinstance(step, Geometry):
            if step.sizes is not self._images.sizes:
                _require_possible(name, step.sizes)
            self._images = self._images.resampled(step.sizes, step.inverse)
        elif isinstance(step, Displace):
            self._images = self._images.displaced(step)
        elif self._state.dtype != self._images.dtype:
            self._images = self._images.cast(self._state.dtype)

    def finish(self) -> Plan:
        """The plan of all passes."""
        self._close()
        return Plan(tuple(self._done))

    def explain(self) -> str:
        """The finished passes and barriers in words: the work of each, and the reason for the next."""
        count = sum(isinstance(step, Pass) for step in self._done)
        return "\n".join([f"{count} pass{'es' if count > 1 else ''}", *self.described_steps()])

    def described_steps(self) -> list[str]:
        """The words of each finished pass and barrier, in lines."""
        described, number = [], 0
        for origin in self._origins:
            if isinstance(origin, PassState):
                number += 1
                title, words = f"pass {number}", describe_pass(origin, first=origin is self._origins[0])
            else:
                title, words = "barrier", describe_barrier(*origin)
            described.append("\n  ".join([f"{title}: {words[0]}", *words[1:]]))
        return described

    def _begin(self, state: PassState) -> None:
        self._state = state
        self._open = OpenPass(self._images.sizes, self._images.channels)

    def _close(self) -> None:
        self._done.append(self._open.close(self._state, self._images.sizes))
        self._origins.append(self._state)
        self._images = self._images.cut()

    def _add_barrier(self, name: str, step: Operate) -> None:
        active = np.ones(len(self._images), bool) if step.active is None else step.active
        barrier = _barrier(step, active)
        # The first step of a plan tells how many channels its images have: a barrier that changes them comes later.
        if self._state.names or (barrier.channels is not None and not self._done):
            self._close()
        self._done.append(barrier)
        maps = barrier.coordinate_maps(self._images.sizes)
        if maps is not None:
            self._images = self._images.resampled(self._images.sizes, inverse_map(maps)).cut()
        self._origins.append((name, step, self._state))
        state = self._state
        extent = state.extent.clamped(clamp_of(step, state.dtype))
        why = f"{name} runs on whole images, between passes"
        if barrier.channels is not None:
            self._images = self._images.with_channels(barrier.channels)
        self._begin(new_pass(state.dtype, _native.distinct(self._images.channels), why, extent))


def _barrier(step: Operate, active: Mask) -> Barrier:
    settings = (step.parameters, step.settings, step.function, step.per_value, step.keeps_positions)
    return Barrier(step.name, active, *settings)


def _require_possible(name: str, sizes: Ints) -> None:
    if sizes.max(initial=0) > LARGEST:
        largest = sizes.max(axis=0)
        raise ArgumentError(
            f"{name} would make an image of {largest[0]}x{largest[1]} pixels, and no side may be longer than {LARGEST}"
        )
