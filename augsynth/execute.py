"""Running a plan: every pass in turn, the last one straight into the output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from augsynth import _native
from augsynth.arrays import readable, tensor_array
from augsynth.errors import ArgumentError, ArgumentTypeError, PlanError
from augsynth.images import TORCH_DTYPES, Image
from augsynth.layout import DType
from augsynth.memory import empty_arrays, empty_tensor
from augsynth.operate import operate
from augsynth.plan import NUMPY_DTYPES, Barrier, Plan, Rows

Images = Sequence[Image] | npt.NDArray[Any]

_CPU = torch.device("cpu")


def execute(plan: Plan, sources: Images, outputs: Images) -> None:
    """Run `plan` over the sources (H, W, C), one a sample, writing the outputs (C, H, W)."""
    if len(sources) != len(plan):
        raise PlanError(f"the plan is for {len(plan)} images, got {len(sources)}")
    try:
        _run_steps(plan, sources, outputs)
    except MemoryError as error:
        raise PlanError(f"there is not enough memory for what lies between the plan's passes: {error}") from error


def _run_steps(plan: Plan, sources: Images, outputs: Images) -> None:
    for step in plan.steps[:-1]:
        if isinstance(step, Barrier):
            sources = operate(step, sources)
            continue
        between = allocate(step.rows)
        _native.run(step.rows, sources, between, tables=step.tables)
        sources = [image.transpose(1, 2, 0) for image in between]
    last = plan.passes[-1]
    _native.run(last.rows, sources, outputs, tables=last.tables)


def allocate(rows: Rows) -> list[Image]:
    """Uninitialised outputs (C, H, W) for the rows of a pass; bfloat16 ones as uint16, which NumPy has."""
    shapes = np.column_stack([rows["channels"], rows["output_size"]]).astype(np.int64)
    return empty_arrays(shapes, NUMPY_DTYPES[_output_dtype(rows)])


def batch_output(
    plan: Plan,
    out: torch.Tensor | None,
    memory_format: torch.memory_format = torch.contiguous_format,
    device: torch.device = _CPU,
) -> torch.Tensor:
    """The tensor (B, C, H, W) that the plan's last pass writes: `out` if it fits, else a fresh one."""
    shape, kind = _common_output(plan.passes[-1].rows)
    dtype = TORCH_DTYPES[kind]
    if out is None and device != _CPU:
        return torch.empty(shape, dtype=dtype, device=device, memory_format=memory_format)
    if out is None:
        return empty_tensor(shape, dtype, memory_format)
    if not isinstance(out, torch.Tensor):
        raise ArgumentTypeError(f"out must be a torch tensor, got {type(out).__name__}")
    if tuple(out.shape) != shape or out.dtype != dtype or out.device != device or out.layout != torch.strided:
        raise ArgumentError(
            f"out must be a tensor of shape {shape} and {dtype} on {device}, got {tuple(out.shape)} and {out.dtype} "
            f"on {out.device}, {out.layout}"
        )
    return _writable(out)


def _writable(out: torch.Tensor) -> torch.Tensor:
    """A tensor of the caller's that is going to be written, which torch would not notice by itself."""
    if out.requires_grad:
        raise ArgumentError("out requires a gradient, and what is written to it has none: pass out.detach()")
    if readable(out, "out") is not out:
        raise ArgumentError(
            "out is a view of negated values, which has no memory for those written: pass a plain tensor"
        )
    if not out.is_inference():
        torch.autograd.graph.increment_version(out)  # a backward that needs what it held is refused
    return out


def as_array(batch: torch.Tensor) -> npt.NDArray[Any]:
    """The batch as a NumPy array over the same memory; bfloat16 as uint16, which NumPy has."""
    batch = batch.detach()
    return tensor_array(batch.view(torch.uint16) if batch.dtype == torch.bfloat16 else batch, "the batch")


def _output_dtype(rows: Rows) -> DType:
    kinds = rows["output_dtype"]
    return DType(kinds[0]) if len(kinds) else DType.UINT8


def _common_output(rows: Rows) -> tuple[tuple[int, int, int, int], DType]:
    """The shape (B, C, H, W) and the dtype of a batch."""
    if not len(rows):
        raise ArgumentError("a batch needs at least one image, got none")
    found = _native.common_output(rows)
    if found is None:
        what = "sizes" if np.any(rows["output_size"] != rows["output_size"][0]) else "channel counts"
        kinds = np.unique(rows["output_size" if what == "sizes" else "channels"], axis=0).tolist()
        raise ArgumentError(
            f"the outputs of a batch must be alike, but their {what} differ: {kinds[0]}, {kinds[1]}, …; end with a "
            "transform of fixed output size, or go image by image"
        )
    channels, height, width, dtype = found
    return (len(rows), channels, height, width), dtype
