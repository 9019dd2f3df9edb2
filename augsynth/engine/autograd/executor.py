"""Plans that gradients go through: each pass is a linear pass, with torch's clamp where it clamps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from augsynth._native.layout import MAX_CHANNELS, Border, DType, Interpolation, NoiseKind
from augsynth.core.typing import Floats
from augsynth.engine.autograd.linear import linear_pass
from augsynth.engine.executor import run
from augsynth.errors import ArgumentError, ArgumentTypeError, PlanError
from augsynth.plan import Barrier, Pass, Plan, PlanStep, Rows

Values = dict[str, npt.NDArray[Any]]

_BETWEEN = "runs between passes"
_FLOATING = {DType.FLOAT32: None, DType.FLOAT16: torch.float16, DType.BFLOAT16: torch.bfloat16}


def recorded_batch(images: Any) -> Tensor | None:
    """Return the images as one batch (B, C, H, W) if torch records operations on any of them; else None.

    Torch records operations on tensors that require a gradient while gradients are enabled.

    Args:
        images: any images of a call.

    Raises `ArgumentError` or `ArgumentTypeError` if recorded images are no batch of float32 or float64.
    """
    several = images if isinstance(images, (list, tuple)) else (images,)
    kinds = set(map(type, several))  # few, where images are many
    if not any(issubclass(kind, Tensor) for kind in kinds) or not torch.is_grad_enabled():
        return None
    if not any(isinstance(image, Tensor) and image.requires_grad for image in several):
        return None
    batch: Tensor = images if isinstance(images, Tensor) else _stacked(several)
    if batch.ndim == 3:
        batch = batch[:, None]
    if batch.ndim != 4 or not 1 <= batch.shape[1] <= MAX_CHANNELS or 0 in batch.shape:
        raise ArgumentError(
            "images that require gradients must be a batch (B, C, H, W) with 1 to 16 channels, got "
            f"{tuple(batch.shape)}"
        )
    if batch.dtype not in (torch.float32, torch.float64):
        raise ArgumentTypeError(f"images that require gradients must be float32 or float64, got {batch.dtype}")
    return batch


def _stacked(images: Sequence[Any]) -> Tensor:
    kinds = {
        (image.shape, image.dtype, image.device) if isinstance(image, Tensor) else type(image).__name__
        for image in images
    }
    if len(kinds) > 1:
        raise ArgumentError(
            f"images that require gradients must be tensors of one shape, dtype and device, got {len(kinds)} kinds: go "
            "image by image, or pass image.detach() for the pictures alone"
        )
    return torch.stack(list(images))


@dataclass(frozen=True)
class AutogradExecutor:
    """Executor whose passes torch records. Sources are one batch (B, C, H, W), and each pass returns a new batch.

    `run_recorded` checks first that gradients go through the plan.
    """

    def allocate(self, rows: Rows) -> None:
        return None

    def run_pass(self, step: Pass, sources: Tensor, outputs: None) -> Tensor:
        return _run_pass(step, sources)

    def run_whole_image(self, barrier: Barrier, sources: Tensor) -> Tensor:
        raise _refusal(f"{barrier.operation!r} {_BETWEEN}")


def run_recorded(plan: Plan, images: Tensor) -> Tensor:
    """Run a plan over a batch in operations that torch differentiates, and return the new batch.

    Args:
        plan: plan of B images.
        images: batch (B, C, H, W). Its dtype stays unless the plan casts.

    Raises `PlanError` for a step that gradients do not go through, before any step is run.
    """
    for number, step in enumerate(plan.steps):
        for reason in _obstacles(step):
            raise _refusal(f"step {number + 1} {reason}")
    return run(plan, images, AutogradExecutor(), None)


def _refusal(what: str) -> PlanError:
    return PlanError(
        f"gradients do not go through this pipeline: {what}. Leave it out, or pass images.detach() for pictures alone"
    )


def _obstacles(step: PlanStep) -> Iterator[str]:
    """Return the reasons, in words, for which gradients do not go through a step."""
    if isinstance(step, Barrier):
        return iter([f"is {step.operation!r}, which {_BETWEEN}"])
    rows, erasures = step.rows, step.tables.erasures
    conditions = {
        "adds noise": rows["noise"] != NoiseKind.NONE,
        "fills missing values": rows["missing"] >= 0,
        "looks values up in a table": rows["lut"] >= 0,
        "displaces pixels": rows["displacement"] >= 0,
        "samples bicubically": rows["interpolation"] == Interpolation.BICUBIC,
        "antialiases (antialias=False does not)": (rows["antialias"] == 1)
        & (rows["interpolation"] != Interpolation.NEAREST),
        "erases with random values": (erasures["low"] != erasures["high"]).any(),
        "reads integers, for which it was drawn": rows["source_dtype"] != DType.FLOAT32,
        "rounds to integers": ~np.isin(rows["output_dtype"], list(_FLOATING)),
        "writes pictures of different sizes": rows["output_size"] != rows["output_size"][:1],
        "samples its images in different ways": (rows["border"] != rows["border"][:1])
        | (rows["interpolation"] != rows["interpolation"][:1]),
    }
    return (reason for reason, holds in conditions.items() if np.any(holds))


def _run_pass(step: Pass, images: Tensor) -> Tensor:
    rows, channels = step.rows, images.shape[1]
    sampled, finished = _sampled(step, channels), _finished(step, channels)
    clamps = [limits for limits in _clamps(step) if np.isfinite(limits).any()]
    if not clamps:
        return _cast(_linear(images, rows, sampled | finished), rows)
    values = _linear(images, rows, sampled)
    for limits in clamps:
        low, high = torch.as_tensor(limits, dtype=values.dtype, device=values.device).T[..., None, None, None]
        values = values.clamp(low, high)
    if finished:
        still = torch.eye(3, dtype=torch.float64, device=values.device).expand(len(rows), 3, 3)
        values = linear_pass(values, still, interpolation=Interpolation.NEAREST, **_tensors(finished, values))
    return _cast(values, rows)


def _linear(images: Tensor, rows: Rows, parameters: Values) -> Tensor:
    return linear_pass(
        images,
        size=tuple(rows["output_size"][0].tolist()),
        border=Border(rows["border"][0]),
        interpolation=Interpolation(rows["interpolation"][0]),
        **_tensors(parameters, images),
    )


def _tensors(parameters: Values, images: Tensor) -> dict[str, Any]:
    return {name: torch.tensor(value, device=images.device) for name, value in parameters.items()}


def _cast(values: Tensor, rows: Rows) -> Tensor:
    dtype = _FLOATING[DType(rows["output_dtype"][0])]
    return values if dtype is None else values.to(dtype)


def _sampled(step: Pass, channels: int) -> Values:
    """Return the parameters of the geometry, the border and the colour map."""
    rows = step.rows
    parameters: Values = {"inverse": rows["inverse"]}
    if rows["border"][0] == Border.CONSTANT:
        parameters |= {"edge": rows["edge"], "fill": rows["fill"][:, :channels]}
    mapped = rows["colour"] >= 0
    if not mapped.any():
        return parameters
    entries = step.tables.colours[np.maximum(rows["colour"], 0)]
    matrix, of_mean = (entries[name][:, :channels, :channels] for name in ("matrix", "of_mean"))
    parameters["matrix"] = np.where(mapped[:, None, None], matrix, np.eye(channels))
    parameters["offset"] = np.where(mapped[:, None], entries["offset"][:, :channels], -0.0)  # changes nothing
    if of_mean.any():
        parameters["of_mean"] = np.where(mapped[:, None, None], of_mean, 0.0)
    return parameters


def _clamps(step: Pass) -> tuple[Floats, Floats]:
    """Return (lowest, highest) of each sample, after the colour map and after the noise."""
    rows = step.rows
    after_colours = np.full((len(rows), 2), (-np.inf, np.inf))
    mapped = rows["colour"] >= 0
    after_colours[mapped] = step.tables.colours["clamp"][rows["colour"][mapped]]
    return after_colours, rows["clamp"]


def _finished(step: Pass, channels: int) -> Values:
    """Return the parameters of erasures, gain and bias, without those that change nothing."""
    rows = step.rows
    gain, bias = rows["gain"][:, :channels], rows["bias"][:, :channels]
    parameters = _erasures(step, channels)
    if (gain != 1).any():
        parameters["gain"] = gain
    if (bias != 0).any():
        parameters["bias"] = np.where((bias == 0) & (gain == 1), -0.0, bias)
    return parameters


def _erasures(step: Pass, channels: int) -> Values:
    first, behind = step.rows["erasures"].T
    count = int((behind - first).max())
    if count == 0:
        return {}
    index = first[:, None] + np.arange(count)
    there = index < behind[:, None]
    entries = step.tables.erasures[np.where(there, index, 0)]
    return {"boxes": np.where(there[..., None], entries["box"], 0), "values": entries["low"][..., :channels]}
