"""The facts that a training step is told, and those that callbacks are told of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from augsynth.errors import ArgumentTypeError, shown


@dataclass(frozen=True, eq=False)
class Step:
    """The facts that `NetworkGenerator.training_step` is told of the step it takes."""

    index: int
    """0 for the first step."""
    total: int
    """The number of steps of the run, for schedules."""
    optimizers: Mapping[str, torch.optim.Optimizer]
    device: torch.device
    rng: torch.Generator
    """On the CPU, seeded with (seed, index)."""

    def normal(self, *shape: int) -> Tensor:
        """Standard normal float32 numbers on `device`; drawn on the CPU, so the same on every device."""
        return torch.randn(shape, generator=self.rng).to(self.device)

    def uniform(self, *shape: int) -> Tensor:
        """float32 numbers uniform in [0, 1) on `device`; drawn on the CPU."""
        return torch.rand(shape, generator=self.rng).to(self.device)


@dataclass(frozen=True, eq=False)
class StepReport:
    """The facts that a callback of `fit` is told after each step."""

    step: int
    """The number of steps taken so far: 1 after the first one."""
    total: int
    """The number of steps of the run."""
    values: Mapping[str, Tensor | float]
    """The scalars that `training_step` returned; tensors are still on their device."""

    @cached_property
    def metrics(self) -> dict[str, float]:
        """`values` as numbers. To read them from a GPU waits for it."""
        return {name: float(value) for name, value in self.values.items()}


Callback = Callable[[StepReport], object]
"""A function that `fit` calls after each step. What it returns is ignored; what it raises ends the fit."""


def check_callbacks(callbacks: Any) -> tuple[Callback, ...]:
    """Return the callbacks as a tuple; raise `ArgumentTypeError` unless they are a list of callables."""
    given = tuple(callbacks) if isinstance(callbacks, Iterable) else None
    if given is None or not all(map(callable, given)):
        raise ArgumentTypeError(
            f"callbacks must be a list of functions that take a StepReport, got {shown(callbacks)}; "
            "write callbacks=[function]"
        )
    return given
