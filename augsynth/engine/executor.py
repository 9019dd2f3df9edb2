"""The one loop over a plan, and the protocol of its executors.

>>> from augsynth import transforms as T
>>> from augsynth.engine import CpuExecutor
>>> image, output = np.array([[[1], [2]]], np.uint8), np.zeros((1, 1, 2), np.uint8)
>>> plan = T.RandomHorizontalFlip(p=1.0).plan([image.shape], [(0, 0, 0)])
>>> _ = run(plan, [image], CpuExecutor(), [output])
>>> output.tolist()
[[[2, 1]]]
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sized
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from augsynth._native.layout import DType
from augsynth.errors import PlanError
from augsynth.plan import Barrier, Pass, Plan, Rows

Sources = TypeVar("Sources", bound=Sized)
Outputs = TypeVar("Outputs")


class Executor(Protocol[Sources, Outputs]):
    """Way of running the steps of a plan.

    Sources are images (H, W, C), and outputs are images (C, H, W), one for each sample. Each executor says which kinds
    of arrays it takes for them. An executor whose passes return new images takes no outputs.
    """

    def allocate(self, rows: Rows) -> Outputs:
        """Return uninitialised outputs for a pass whose images only the next step reads."""

    def run_pass(self, step: Pass, sources: Sources, outputs: Outputs) -> Sources:
        """Run a pass into the outputs, and return them as the sources of the next step.

        Args:
            step: the pass.
            sources: images (H, W, C).
            outputs: memory for the images (C, H, W).
        """

    def run_whole_image(self, barrier: Barrier, sources: Sources) -> Sources:
        """Return the images after an operation between two passes; unchanged images may be returned as they are.

        Args:
            barrier: the operation, and the samples that it changes.
            sources: images (H, W, C).
        """


def run(plan: Plan, sources: Sources, executor: Executor[Sources, Outputs], outputs: Outputs) -> Sources:
    """Run a plan over the images of a batch.

    Args:
        plan: steps, each for as many images as there are sources.
        sources: images (H, W, C), in a form that the executor takes.
        executor: way of running the steps.
        outputs: memory for the images (C, H, W) that the last pass writes.

    Returns the outputs as the sources of a next step, (H, W, C). Raises `PlanError` if the number of sources is wrong,
    or if there is no memory for images between two passes.
    """
    return deque(run_by_steps(plan, sources, executor, outputs), maxlen=1).pop()


def run_by_steps(
    plan: Plan, sources: Sources, executor: Executor[Sources, Outputs], outputs: Outputs
) -> Iterator[Sources]:
    """Run a plan as `run` does, and yield the images after each of its steps.

    Args:
        plan: as for `run`.
        sources: as for `run`.
        executor: as for `run`.
        outputs: as for `run`.
    """
    if len(sources) != len(plan):
        raise PlanError(f"the plan is for {len(plan)} images, got {len(sources)}")
    try:
        for step in plan.steps[:-1]:
            if isinstance(step, Barrier):
                sources = executor.run_whole_image(step, sources)
            else:
                sources = executor.run_pass(step, sources, executor.allocate(step.rows))
            yield sources
        yield executor.run_pass(plan.passes[-1], sources, outputs)
    except MemoryError as error:
        raise PlanError(f"there is not enough memory for what lies between the plan's passes: {error}") from error


def output_dtype(rows: Rows) -> DType:
    """Return the dtype of the outputs of a pass with these rows; uint8 if there are none.

    >>> from augsynth.plan import new_rows
    >>> output_dtype(new_rows(0))
    <DType.UINT8: 0>
    """
    kinds = rows["output_dtype"]
    return DType(int(kinds[0])) if len(kinds) else DType.UINT8


def output_shapes(rows: Rows) -> npt.NDArray[np.int64]:
    """Return the shapes (n, 3) of the outputs of a pass with these rows, as (C, H, W)."""
    return np.column_stack([rows["channels"], rows["output_size"]]).astype(np.int64)
