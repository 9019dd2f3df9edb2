"""Lowering: a list of steps becomes as few passes as their meaning allows.

`Lowering` takes the steps of a pipeline in the user's order, merges each into the open pass where that changes nothing
of its meaning, and opens a new pass, noting why, where it would.

Which passes there are depends on the pipeline and the dtype alone, never on the values drawn or on the other samples
of a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import numpy as np

from augsynth.errors import ArgumentError
from augsynth.layout import DType
from augsynth.lowering.conflicts import conflict
from augsynth.lowering.explain import describe_barrier, describe_pass
from augsynth.lowering.open_pass import OpenPass
from augsynth.lowering.operations import as_lookup, is_table
from augsynth.lowering.seen import Seen
from augsynth.lowering.steps import Floats, Geometry, Ints, Mask, Operate, PerChannel, Step, restricted
from augsynth.plan import LARGEST, OUTPUTS_ONLY, Barrier, Pass, Plan


class Lowering:
    """Collects the steps of `n` samples into passes.

    `sizes` (n, 2) are the images' (height, width), `channels` (n,) their channel counts, `boxes` (k, 4) for each
    sample where transforms may look at them. While steps are added, `sizes`, `channels`, `dtype` and `boxes` say what
    the next step sees.
    """

    def __init__(
        self, sizes: Ints, channels: Ints, dtype: DType, fuse: bool = True, boxes: Sequence[Floats] | None = None
    ) -> None:
        self._seen = Seen(sizes, channels, dtype, boxes)
        self._fuse = fuse
        self._active: Mask | None = None
        self._done: list[tuple[Pass | Barrier, Callable[[], list[str]]]] = []
        self._open = self._new_pass("the image comes in")

    def __len__(self) -> int:
        return len(self._seen.sizes)

    @property
    def sizes(self) -> Ints:
        """The images' (height, width) as the next step sees them, (n, 2)."""
        return self._seen.sizes

    @property
    def channels(self) -> Ints:
        """The images' channel counts, (n,)."""
        return self._seen.channels

    @property
    def dtype(self) -> DType:
        """The images' dtype as the next step sees it."""
        return self._seen.dtype

    @property
    def boxes(self) -> Sequence[Floats] | None:
        """The boxes (k, 4) of each sample in the frame that the next step sees, not clipped to it."""
        return self._seen.boxes

    def levels(self, values: PerChannel, what: str) -> tuple[float, ...]:
        """`values`, a number or one a channel, for each channel that an image can have; as the images can show them."""
        return self._seen.levels(values, what)

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
        if isinstance(step, Operate) and is_table(step, self.dtype, self._open.source_dtype):
            step = as_lookup(step, self.dtype, len(self))
        if isinstance(step, Operate):
            self._add_barrier(name, step)
        else:
            self._merge(name, step)

    def _merge(self, name: str, step: Step) -> None:
        reason = self._conflict(step)
        if reason is not None:
            self._close()
            self._open = self._new_pass(reason)
        if isinstance(step, Geometry):
            if step.sizes is not self.sizes:
                _require_possible(name, step.sizes)
            self._seen.move(step.inverse)
        self._open.take(step, self._seen)
        self._open.names.append(name)

    def finish(self) -> Plan:
        """The plan of all passes."""
        self._close()
        return Plan(tuple(step for step, _ in self._done))

    def explain(self) -> str:
        """The finished passes and barriers in words: what runs in each, and why the next one had to begin."""
        count = sum(isinstance(step, Pass) for step, _ in self._done)
        lines = [f"{count} pass{'es' if count > 1 else ''}"]
        number = 0
        for step, describe in self._done:
            words = describe()
            number += isinstance(step, Pass)
            lines.append(f"{f'pass {number}' if isinstance(step, Pass) else 'barrier'}: {words[0]}")
            lines += [f"  {line}" for line in words[1:]]
        return "\n".join(lines)

    def _new_pass(self, why: str) -> OpenPass:
        if self.dtype in OUTPUTS_ONLY:
            name = self.dtype.name.lower()
            raise ArgumentError(f"{name} images can only be written, not read: let ToDtype({name!r}) come last")
        return OpenPass.of(self._seen, why)

    def _close(self) -> None:
        closed = self._open.close(self._seen)
        self._done.append((closed, partial(describe_pass, self._open, closed, first=not self._done)))

    def _conflict(self, step: Step) -> str | None:
        if not self._fuse:
            return "fusion is switched off" if self._open.names else None
        return conflict(self._open, step, self._seen)

    def _add_barrier(self, name: str, step: Operate) -> None:
        if self._open.names:
            self._close()
        active = np.ones(len(self), bool) if step.active is None else step.active
        barrier = Barrier(step.name, active, step.parameters, step.settings, step.function, step.per_value)
        self._done.append((barrier, partial(describe_barrier, name, step)))
        self._open = self._new_pass(f"{name} runs on whole images, between passes")


def _require_possible(name: str, sizes: Ints) -> None:
    if sizes.max(initial=0) > LARGEST:
        largest = sizes.max(axis=0)
        raise ArgumentError(
            f"{name} would make an image of {largest[0]}x{largest[1]} pixels, and no side may be longer than {LARGEST}"
        )
