"""Lowering: a list of steps becomes as few passes as their meaning allows.

`Lowering` takes the steps of a pipeline in the user's order, merges each into the open pass where that changes nothing
of its meaning, and opens a new pass, noting why, where it would.

Which passes there are depends on the pipeline and the dtype alone, never on the values drawn or on the other samples
of a batch. So a call only looks up what `merged` made of the steps' declarations, and gathers what they hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from augsynth import _native
from augsynth._native.layout import DType
from augsynth.core.typing import Floats, Ints, Mask
from augsynth.errors import ArgumentError
from augsynth.plan import LARGEST, Barrier, Pass, Plan
from augsynth.plan.lowering.declared import declared
from augsynth.plan.lowering.explain import describe_barrier, describe_pass
from augsynth.plan.lowering.extent import Extent, clamp_of
from augsynth.plan.lowering.merge import begun, merged
from augsynth.plan.lowering.open_pass import OpenPass
from augsynth.plan.lowering.operations import as_lookup, is_table
from augsynth.plan.lowering.seen import Seen
from augsynth.plan.lowering.state import PassState
from augsynth.plan.lowering.steps import Displace, Fusible, Geometry, Operate, PerChannel, Step, restricted


class Lowering:
    """Collects the steps of `n` samples into passes.

    `sizes` (n, 2) are the images' (height, width), `channels` (n,) their channel counts, `boxes` (k, 4) for each
    sample where transforms may look at them. While steps are added, `sizes`, `channels`, `dtype` and `boxes` say what
    the next step sees.
    """

    def __init__(
        self, sizes: Ints, channels: Ints, dtype: DType, fuse: bool = True, boxes: Sequence[Floats] | None = None
    ) -> None:
        self._seen = Seen(sizes, boxes)
        self._channels = channels
        self._fuse = fuse
        self._active: Mask | None = None
        self._done: list[Pass | Barrier] = []
        self._origins: list[PassState | tuple[str, Operate, PassState]] = []
        self._state = begun(dtype, _native.distinct(channels), "the image comes in", Extent())
        self._open = OpenPass(sizes, channels)

    def __len__(self) -> int:
        return len(self._seen.sizes)

    @property
    def sizes(self) -> Ints:
        """The images' (height, width) as the next step sees them, (n, 2)."""
        return self._seen.sizes

    @property
    def channels(self) -> Ints:
        """The images' channel counts, (n,)."""
        return self._channels

    @property
    def dtype(self) -> DType:
        """The images' dtype as the next step sees it."""
        return self._state.dtype

    @property
    def boxes(self) -> Sequence[Floats] | None:
        """The boxes (k, 4) around what passes have left of each sample's objects, in the frame that the next step sees.

        They are not clipped to that frame, and NaN where nothing is left.
        """
        return self._seen.boxes

    def levels(self, values: PerChannel, what: str) -> tuple[float, ...]:
        """`values`, a number or one a channel, for each channel that an image can have; as the images can show them."""
        return self._state.levels(values, what)

    @contextmanager
    def only(self, active: Mask) -> Iterator[None]:
        """Within it, steps change only those samples that `active` (n,) names."""
        outer = self._active
        self._active = active if outer is None else outer & active
        try:
            yield
        finally:
            self._active = outer

    def add(self, name: str, step: Step) -> None:
        """Merge the step of transform `name` into the open pass, or open a new one for it."""
        if self._active is not None:
            step = restricted(step, self._active, self.sizes)
        if isinstance(step, Operate) and is_table(step, self.dtype, self._state.source_dtype):
            step = as_lookup(step, self.dtype, len(self))
        if isinstance(step, Operate):
            self._add_barrier(name, step)
        else:
            self._merge(name, step)

    def _merge(self, name: str, step: Fusible) -> None:
        states = merged(self._state, name, declared(step), self._fuse)
        if states.before is not self._state:
            self._close()
            self._open = OpenPass(self.sizes, self.channels)
        self._state = states.after
        self._open.take(step, states)
        if isinstance(step, Geometry):
            if step.sizes is not self.sizes:
                _require_possible(name, step.sizes)
            self._seen.move(step.sizes, step.inverse)
        elif isinstance(step, Displace):
            self._seen.displace(step)

    def finish(self) -> Plan:
        """The plan of all passes."""
        self._close()
        return Plan(tuple(self._done))

    def explain(self) -> str:
        """The finished passes and barriers in words: what runs in each, and why the next one had to begin."""
        count = sum(isinstance(step, Pass) for step in self._done)
        lines = [f"{count} pass{'es' if count > 1 else ''}"]
        number = 0
        for origin in self._origins:
            if isinstance(origin, PassState):
                number += 1
                title, words = f"pass {number}", describe_pass(origin, first=origin is self._origins[0])
            else:
                title, words = "barrier", describe_barrier(*origin)
            lines.append(f"{title}: {words[0]}")
            lines += [f"  {line}" for line in words[1:]]
        return "\n".join(lines)

    def _close(self) -> None:
        self._done.append(self._open.close(self._state, self.sizes))
        self._origins.append(self._state)
        self._seen.close()

    def _add_barrier(self, name: str, step: Operate) -> None:
        if self._state.names:
            self._close()
        active = np.ones(len(self), bool) if step.active is None else step.active
        self._done.append(_barrier(step, active))
        self._origins.append((name, step, self._state))
        extent = self._state.extent.clamped(clamp_of(step, self.dtype))
        why = f"{name} runs on whole images, between passes"
        self._state = begun(self.dtype, self._state.channels, why, extent)
        self._open = OpenPass(self.sizes, self.channels)


def _barrier(step: Operate, active: Mask) -> Barrier:
    settings = (step.parameters, step.settings, step.function, step.per_value, step.keeps_positions)
    return Barrier(step.name, active, *settings)


def _require_possible(name: str, sizes: Ints) -> None:
    if sizes.max(initial=0) > LARGEST:
        largest = sizes.max(axis=0)
        raise ArgumentError(
            f"{name} would make an image of {largest[0]}x{largest[1]} pixels, and no side may be longer than {LARGEST}"
        )
