"""Execution of plans on the CPU, over NumPy arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from augsynth import _native
from augsynth.core.arrays import tensor_array
from augsynth.core.typing import Images
from augsynth.engine.executor import output_dtype, output_shapes
from augsynth.engine.memory import empty_arrays
from augsynth.engine.whole_images import operate
from augsynth.plan import NUMPY_DTYPES, Barrier, Pass, Rows


@dataclass(frozen=True)
class CpuExecutor:
    """Executor with the native passes. Sources and outputs are n NumPy arrays, or one with n as its first axis."""

    def allocate(self, rows: Rows) -> Images:
        """Return outputs in one piece of memory; uint16 for bfloat16, which NumPy does not have."""
        return empty_arrays(output_shapes(rows), NUMPY_DTYPES[output_dtype(rows)])

    def run_pass(self, step: Pass, sources: Images, outputs: Images) -> Images:
        _native.run(step.rows, sources, outputs, tables=step.tables)
        if isinstance(outputs, np.ndarray):
            made: npt.NDArray[Any] = outputs.transpose(0, 2, 3, 1)
            return made
        return [image.transpose(1, 2, 0) for image in outputs]

    def run_whole_image(self, barrier: Barrier, sources: Images) -> Images:
        return operate(barrier, sources)

    def outputs(self, batch: torch.Tensor) -> Images:
        return as_array(batch)


def as_array(batch: torch.Tensor) -> npt.NDArray[Any]:
    """Return a batch as a NumPy array over the same memory; uint16 for bfloat16, which NumPy does not have.

    Args:
        batch: tensor on the CPU.
    """
    batch = batch.detach()
    return tensor_array(batch.view(torch.uint16) if batch.dtype == torch.bfloat16 else batch, "the batch")
