"""Batches of images: the tensor that a plan writes, and running the plan into it."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch

from augsynth import _native
from augsynth._native.layout import DType
from augsynth.core.arrays import readable
from augsynth.core.images import TORCH_DTYPES
from augsynth.engine.cpu import CpuExecutor
from augsynth.engine.cuda import CudaExecutor
from augsynth.engine.executor import Executor, run
from augsynth.engine.memory import MEMORY_FORMATS, empty_tensor
from augsynth.errors import ArgumentError, ArgumentTypeError
from augsynth.plan import Plan, Rows

_CPU = torch.device("cpu")


class BatchExecutor(Executor[Any, Any], Protocol):
    """Executor whose outputs may lie in one tensor (B, C, H, W)."""

    def outputs(self, batch: torch.Tensor) -> Any:
        """Return the outputs that lie in `batch`."""


def executor_for(image: npt.NDArray[Any] | torch.Tensor) -> BatchExecutor:
    """Return the executor for sources of one kind.

    Args:
        image: one of the sources: a NumPy array, or a tensor of a device.

    >>> executor_for(np.zeros((4, 6, 3), np.uint8))
    CpuExecutor()
    """
    return CudaExecutor(image.device) if isinstance(image, torch.Tensor) else CpuExecutor()


def run_batch(plan: Plan, sources: Any, batch: torch.Tensor) -> None:
    """Run a plan over the images of a batch.

    Args:
        plan: plan of n images.
        sources: n images (H, W, C) on the device of `batch`.
        batch: tensor (n, C, H, W) that is written.
    """
    executor = executor_for(sources[0])
    run(plan, sources, executor, executor.outputs(batch))


def batch_output(
    plan: Plan,
    out: torch.Tensor | None,
    memory_format: str = "contiguous_format",
    device: torch.device = _CPU,
) -> torch.Tensor:
    """Return the tensor (B, C, H, W) that the last pass of a plan writes.

    Args:
        plan: plan whose outputs have one shape and dtype.
        out: tensor of the caller's that is used if it fits; None for a new one.
        memory_format: "contiguous_format" or "channels_last", for a new tensor.
        device: device of the tensor.

    Raises `ArgumentError` or `ArgumentTypeError` if `out` does not fit, or if the outputs differ.
    """
    shape, kind = _common_output(plan.passes[-1].rows)
    dtype = TORCH_DTYPES[kind]
    if out is None:
        return empty_tensor(shape, dtype, MEMORY_FORMATS[memory_format], device)
    if not isinstance(out, torch.Tensor):
        raise ArgumentTypeError(f"out must be a torch tensor, got {type(out).__name__}")
    if tuple(out.shape) != shape or out.dtype != dtype or out.device != device or out.layout != torch.strided:
        raise ArgumentError(
            f"out must be a tensor of shape {shape} and {dtype} on {device}, got {tuple(out.shape)} and {out.dtype} "
            f"on {out.device}, {out.layout}"
        )
    return _writable(out)


def _writable(out: torch.Tensor) -> torch.Tensor:
    """Return a tensor of the caller's that will be written, and tell torch, which would not notice by itself."""
    if out.requires_grad:
        raise ArgumentError("out requires a gradient, and what is written to it has none: pass out.detach()")
    if readable(out, "out") is not out:
        raise ArgumentError(
            "out is a view of negated values, which has no memory for those written: pass a plain tensor"
        )
    if not out.is_inference():
        torch.autograd.graph.increment_version(out)  # a backward that needs what it held is refused
    return out


def _common_output(rows: Rows) -> tuple[tuple[int, int, int, int], DType]:
    """Return the shape (B, C, H, W) and the dtype of a batch."""
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
