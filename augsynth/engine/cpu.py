"""Running plans on the CPU, over NumPy arrays."""

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
    """The native passes; sources and outputs are NumPy arrays, n of them or one with n as its first axis."""

    def allocate(self, rows: Rows) -> Images:
        """Outputs in one piece of memory; bfloat16 ones as uint16, which NumPy has."""
        return empty_arrays(output_shapes(rows), NUMPY_DTYPES[output_dtype(rows)])

    def run_pass(self, one: Pass, sources: Images, outputs: Images) -> Images:
        _native.run(one.rows, sources, outputs, tables=one.tables)
        if isinstance(outputs, np.ndarray):
            made: npt.NDArray[Any] = outputs.transpose(0, 2, 3, 1)
            return made
        return [image.transpose(1, 2, 0) for image in outputs]

    def run_whole_image(self, barrier: Barrier, sources: Images) -> Images:
        return operate(barrier, sources)

    def outputs(self, batch: torch.Tensor) -> Images:
        return as_array(batch)


def as_array(batch: torch.Tensor) -> npt.NDArray[Any]:
    """The batch as a NumPy array over the same memory; bfloat16 as uint16, which NumPy has."""
    batch = batch.detach()
    return tensor_array(batch.view(torch.uint16) if batch.dtype == torch.bfloat16 else batch, "the batch")
