"""Plans: what will be done to each sample, as data.

A plan is drawn once (all randomness happens there) and can then be printed, stored, replayed and run by any
executor. It is a sequence of passes, with barriers between them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import IO, Any

import numpy as np

from augsynth._native.layout import ROW
from augsynth.core.typing import Floats
from augsynth.errors import PlanError
from augsynth.plan.barriers import Barrier
from augsynth.plan.passes import Pass, Rows

PlanStep = Pass | Barrier
PathOrFile = str | os.PathLike[str] | IO[bytes]


@dataclass(frozen=True)
class Plan:
    """The steps to run over a batch of `len(plan)` samples; the output of one is the source of the next.

    The last step is a `Pass`: it writes the batch.

    >>> from augsynth import transforms as T
    >>> plan = T.RandomHorizontalFlip(p=1.0).plan([(4, 6, 3)], [(0, 0, 0)])
    >>> len(plan), len(plan.passes), plan.passes[0].rows["inverse"][0].tolist()
    (1, 1, [[-1.0, 0.0, 6.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    """

    steps: tuple[PlanStep, ...]

    def __post_init__(self) -> None:
        if not self.steps or not isinstance(self.steps[-1], Pass):
            raise PlanError(f"a plan ends with a pass, which writes the batch; got {len(self.steps)} steps without it")
        for number, step in enumerate(self.steps):
            _check_step(step, number)
            if len(step) != len(self.steps[0]):
                raise PlanError(f"step {number} is for {len(step)} samples, step 0 for {len(self.steps[0])}")
        for number, (before, after) in enumerate(pairwise(self.passes)):
            _check_joint(before.rows, after.rows, number)

    @cached_property
    def passes(self) -> tuple[Pass, ...]:
        """The native passes, without what happens between them."""
        return tuple(step for step in self.steps if isinstance(step, Pass))

    def __len__(self) -> int:
        return len(self.steps[0])

    def __getitem__(self, samples: slice) -> Plan:
        """The plan of some of the samples."""
        return Plan(tuple(step[samples] for step in self.steps))

    def matrices(self) -> Floats:
        """The maps (n, 3, 3) from output to source coordinates, over all passes.

        >>> from augsynth import transforms as T
        >>> T.CenterCrop(2).plan([(4, 6)], [(0, 0, 0)]).matrices()[0, :2, 2].tolist()
        [2.0, 1.0]
        """
        total: Floats = self.passes[0].rows["inverse"]
        for step in self.passes[1:]:
            total = total @ step.rows["inverse"]
        return total

    def invert(
        self,
        points: Any = None,
        boxes: Any = None,
        masks: Any = None,
        *,
        pixel_center: bool = False,
        mask_fill: float = 0,
    ) -> Any:
        """Take predictions in the outputs' frames back to the sources', as test-time augmentation needs.

        Each is a sequence with one entry a sample: points (..., 2), boxes (..., 4) as XYXY, masks (..., H, W) of the
        output's size; for a plan of one sample a single array, too. What is given comes back in its own library and
        floating-point type: a list, an array for an array; where several were given a tuple, in the order of the
        parameters.

        Boxes are those around the mapped corners, and are not clipped; one without area becomes a point where the frame
        was turned. Masks are sampled at the nearest pixel, and
        are `mask_fill` (False for booleans) wherever the output does not show the source. `pixel_center` says that
        points name pixels by their centres. Points behind the horizon of a perspective are NaN.

        >>> from augsynth import transforms as T
        >>> T.RandomHorizontalFlip(p=1.0).plan([(4, 6)], [(0, 0, 0)]).invert(np.array([[1.0, 2.0]])).tolist()
        [[5.0, 2.0]]
        """
        from augsynth.plan.inversion import invert

        return invert(self.passes, points, boxes, masks, pixel_center, mask_fill)

    def save(self, path: PathOrFile) -> None:
        """Write the plan to `path`, or into a binary file, as an .npz archive (no pickle).

        A plan with a user's function (`Lambda`) cannot be stored: `PlanError`.
        """
        from augsynth.plan.store import write

        write(self, path)

    @classmethod
    def load(cls, path: PathOrFile) -> Plan:
        """Read a plan that `save` wrote; `CheckpointError` if it is damaged or of another version."""
        from augsynth.plan.store import read

        return read(path)


def _check_step(step: Any, number: int) -> None:
    if isinstance(step, Barrier):
        return
    if not isinstance(step, Pass):
        raise PlanError(f"step {number} must be a Pass or a Barrier, got {type(step).__name__}")
    rows = step.rows
    if rows.dtype != ROW or rows.ndim != 1:
        raise PlanError(f"step {number} must have a 1-D array of layout.ROW, got {rows.ndim}-D {rows.dtype.name}")


def _check_joint(before: Rows, after: Rows, number: int) -> None:
    pairs = (("output_size", "source_size"), ("output_dtype", "source_dtype"), ("channels", "channels"))
    for left, right in pairs:
        unequal = before[left] != after[right]
        differs = np.flatnonzero(unequal.any(axis=tuple(range(1, unequal.ndim))))
        if differs.size:
            row = int(differs[0])
            raise PlanError(
                f"row {row}: pass {number} gives {left} {before[left][row]}, pass {number + 1} expects {right} "
                f"{after[right][row]}"
            )
