"""Plans that gradients go through: each pass as a linear pass, with torch's clamp where it clamps."""

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
    """The images as one batch (B, C, H, W), where torch records what becomes of any of them; else None.

    Recorded are tensors that require a gradient, float32 or float64, while gradients are enabled.
    """
    several = images if isinstance(images, (list, tuple)) else (images,)
    kinds = set(map(type, several))  # few, where images are many
    if not any(issubclass(kind, Tensor) for kind in kinds) or not torch.is_grad_enabled():
        return None
    if not any(isinstance(one, Tensor) and one.requires_grad for one in several):
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
    kinds = {(one.shape, one.dtype, one.device) if isinstance(one, Tensor) else type(one).__name__ for one in images}
    if len(kinds) > 1:
        raise ArgumentError(
            f"images that require gradients must be tensors of one shape, dtype and device, got {len(kinds)} kinds: go "
            "image by image, or pass image.detach() for the pictures alone"
        )
    return torch.stack(list(images))


@dataclass(frozen=True)
class AutogradExecutor:
    """Passes as operations that torch records. Sources are one batch (B, C, H, W), and a pass gives a new one.

    `run_recorded` looks first at whether gradients go through a plan.
    """

    def allocate(self, rows: Rows) -> None:
        return None

    def run_pass(self, one: Pass, sources: Tensor, outputs: None) -> Tensor:
        return _run_pass(one, sources)

    def run_whole_image(self, barrier: Barrier, sources: Tensor) -> Tensor:
        raise _refusal(f"{barrier.operation!r} {_BETWEEN}")


def run_recorded(plan: Plan, images: Tensor) -> Tensor:
    """Run `plan` over a batch (B, C, H, W) in operations that torch differentiates; returns the new batch.

    The dtype stays unless the plan casts. `PlanError` for a step that no gradient goes through, before any is run.
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
    """Why no gradient goes through a step, in words."""
    if isinstance(step, Barrier):
        return iter([f"is {step.operation!r}, which {_BETWEEN}"])
    rows, erasures = step.rows, step.tables.erasures
    conditions = {
        "adds noise": rows["noise"] != NoiseKind.NONE,
        "fills missing values": rows["missing"] >= 0,
        "looks values up in a table": rows["lut"] >= 0,
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


def _run_pass(one: Pass, images: Tensor) -> Tensor:
    rows, channels = one.rows, images.shape[1]
    sampled, finished = _sampled(one, channels), _finished(one, channels)
    clamps = [limits for limits in _clamps(one) if np.isfinite(limits).any()]
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


def _sampled(one: Pass, channels: int) -> Values:
    """The geometry, the border and the colour map."""
    rows = one.rows
    parameters: Values = {"inverse": rows["inverse"]}
    if rows["border"][0] == Border.CONSTANT:
        parameters |= {"edge": rows["edge"], "fill": rows["fill"][:, :channels]}
    mapped = rows["colour"] >= 0
    if not mapped.any():
        return parameters
    entries = one.tables.colours[np.maximum(rows["colour"], 0)]
    matrix, of_mean = (entries[name][:, :channels, :channels] for name in ("matrix", "of_mean"))
    parameters["matrix"] = np.where(mapped[:, None, None], matrix, np.eye(channels))
    parameters["offset"] = np.where(mapped[:, None], entries["offset"][:, :channels], -0.0)  # changes nothing
    if of_mean.any():
        parameters["of_mean"] = np.where(mapped[:, None, None], of_mean, 0.0)
    return parameters


def _clamps(one: Pass) -> tuple[Floats, Floats]:
    """(lowest, highest) of each sample, after the colour map and after that."""
    rows = one.rows
    after_colours = np.full((len(rows), 2), (-np.inf, np.inf))
    mapped = rows["colour"] >= 0
    after_colours[mapped] = one.tables.colours["clamp"][rows["colour"][mapped]]
    return after_colours, rows["clamp"]


def _finished(one: Pass, channels: int) -> Values:
    """The erasures, gain and bias, without those that change nothing."""
    rows = one.rows
    gain, bias = rows["gain"][:, :channels], rows["bias"][:, :channels]
    parameters = _erasures(one, channels)
    if (gain != 1).any():
        parameters["gain"] = gain
    if (bias != 0).any():
        parameters["bias"] = np.where((bias == 0) & (gain == 1), -0.0, bias)
    return parameters


def _erasures(one: Pass, channels: int) -> Values:
    first, behind = one.rows["erasures"].T
    most = int((behind - first).max())
    if most == 0:
        return {}
    index = first[:, None] + np.arange(most)
    there = index < behind[:, None]
    entries = one.tables.erasures[np.where(there, index, 0)]
    return {"boxes": np.where(there[..., None], entries["box"], 0), "values": entries["low"][..., :channels]}
