"""Execution of plans on a CUDA device, over its tensors."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from augsynth.core.images import TORCH_DTYPES
from augsynth.engine.cuda.operate import operate
from augsynth.engine.cuda.passes import Tensors, run_pass
from augsynth.engine.executor import output_dtype, output_shapes
from augsynth.plan import Barrier, Pass, Rows


@dataclass(frozen=True)
class CudaExecutor:
    """Executor with the kernels: one launch for each pass on the current stream, without waiting.

    Sources and outputs are n tensors of `device`, or one tensor with n as its first axis.

    Args:
        device: device of all tensors.
    """

    device: torch.device

    def allocate(self, rows: Rows) -> Tensors:
        """Return outputs in one piece of memory."""
        shapes = output_shapes(rows)
        counts = shapes.prod(axis=1).tolist()
        memory = torch.empty(sum(counts), dtype=TORCH_DTYPES[output_dtype(rows)], device=self.device)
        return [part.view(shape) for part, shape in zip(torch.split(memory, counts), shapes.tolist(), strict=True)]

    def run_pass(self, step: Pass, sources: Tensors, outputs: Tensors) -> Tensors:
        run_pass(step, sources, outputs)
        if isinstance(outputs, torch.Tensor):
            return outputs.permute(0, 2, 3, 1)
        return [image.permute(1, 2, 0) for image in outputs]

    def run_whole_image(self, barrier: Barrier, sources: Tensors) -> Tensors:
        return operate(barrier, sources)

    def outputs(self, batch: torch.Tensor) -> Tensors:
        return batch
