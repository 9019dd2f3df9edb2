"""Running a plan on a device: every pass in turn, the last one straight into the output."""

from __future__ import annotations

import torch

from augsynth.device.operate import operate
from augsynth.device.passes import Tensors, run_pass
from augsynth.errors import PlanError
from augsynth.images import TORCH_DTYPES
from augsynth.layout import DType
from augsynth.plan import Barrier, Plan, Rows


def execute(plan: Plan, sources: Tensors, output: torch.Tensor) -> None:
    """Run `plan` over the sources (H, W, C), one a sample, writing the output (B, C, H, W), all on one device."""
    if len(sources) != len(plan):
        raise PlanError(f"the plan is for {len(plan)} images, got {len(sources)}")
    for step in plan.steps[:-1]:
        if isinstance(step, Barrier):
            sources = operate(step, sources)
            continue
        between = _allocate(step.rows, output.device)
        run_pass(step, sources, between)
        sources = [image.permute(1, 2, 0) for image in between]
    run_pass(plan.passes[-1], sources, output)


def _allocate(rows: Rows, device: torch.device) -> list[torch.Tensor]:
    """Uninitialised outputs (C, H, W) for the rows of a pass, in one piece of memory."""
    dtype = TORCH_DTYPES[DType(int(rows["output_dtype"][0]))]
    shapes = [
        (channels, *size)
        for channels, size in zip(rows["channels"].tolist(), rows["output_size"].tolist(), strict=True)
    ]
    counts = [channels * height * width for channels, height, width in shapes]
    memory = torch.empty(sum(counts), dtype=dtype, device=device)
    return [part.view(shape) for part, shape in zip(torch.split(memory, counts), shapes, strict=True)]
