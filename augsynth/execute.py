"""Running a plan: every pass in turn, the last one straight into the output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from augsynth import _native
from augsynth.errors import ArgumentError, ArgumentTypeError, PlanError
from augsynth.images import TORCH_DTYPES, Image
from augsynth.layout import DType
from augsynth.plan import NUMPY_DTYPES, Plan, Rows

Images = Sequence[Image] | npt.NDArray[Any]


def execute(plan: Plan, sources: Images, outputs: Images) -> None:
    """Run `plan` over the sources (H, W, C), one a sample, writing the outputs (C, H, W)."""
    if len(sources) != len(plan):
        raise PlanError(f"the plan is for {len(plan)} images, got {len(sources)}")
    for rows in plan.passes[:-1]:
        between = allocate(rows)
        _native.run(rows, sources, between)
        sources = [image.transpose(1, 2, 0) for image in between]
    _native.run(plan.passes[-1], sources, outputs)


def allocate(rows: Rows) -> list[Image]:
    """Uninitialised outputs (C, H, W) for the rows of a pass."""
    shapes = np.column_stack([rows["channels"], rows["output_size"]]).tolist()
    dtypes = [NUMPY_DTYPES[DType(kind)] for kind in rows["output_dtype"].tolist()]
    return [np.empty(shape, dtype) for shape, dtype in zip(shapes, dtypes, strict=True)]


def batch_output(plan: Plan, out: torch.Tensor | None) -> torch.Tensor:
    """The tensor (B, C, H, W) that the plan's last pass writes: `out` if it fits, else a fresh one."""
    rows = plan.passes[-1]
    shape, dtype = _common_shape(rows)
    if out is None:
        return torch.empty(shape, dtype=dtype)
    if not isinstance(out, torch.Tensor):
        raise ArgumentTypeError(f"out must be a torch tensor, got {type(out).__name__}")
    if tuple(out.shape) != shape or out.dtype != dtype or out.device.type != "cpu":
        raise ArgumentError(
            f"out must be a CPU tensor of shape {shape} and {dtype}, got {tuple(out.shape)} and {out.dtype} "
            f"on {out.device}"
        )
    return out


def as_arrays(batch: torch.Tensor) -> npt.NDArray[Any]:
    """The batch as a NumPy array over the same memory."""
    return batch.detach().numpy()


def _common_shape(rows: Rows) -> tuple[tuple[int, int, int, int], torch.dtype]:
    if not len(rows):
        raise ArgumentError("a batch needs at least one image, got none")
    for field, what in (("output_size", "sizes"), ("channels", "channel counts")):
        if np.any(rows[field] != rows[field][:1]):
            kinds = np.unique(rows[field], axis=0).tolist()
            raise ArgumentError(
                f"the outputs of a batch must be alike, but their {what} differ: {kinds[0]}, {kinds[1]}, …; end with a "
                "transform of fixed output size, or go image by image"
            )
    height, width = rows["output_size"][0].tolist()
    return (len(rows), int(rows["channels"][0]), height, width), TORCH_DTYPES[DType(int(rows["output_dtype"][0]))]
