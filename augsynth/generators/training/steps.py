"""Arguments of training steps and of callbacks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from augsynth.errors import ArgumentTypeError, shown
from augsynth.generators.training.ranks import ALONE, Ranks


@dataclass(frozen=True, eq=False)
class Step:
    """Argument of `NetworkGenerator.training_step`: number, optimisers and random numbers of a training step.

    Args:
        index: number of the step; 0 is the first.
        total: number of steps of the run, for schedules.
        optimizers: optimisers by name, as `optimizers()` made them.
        device: device of the networks.
        rng: generator of random numbers on the CPU, seeded with (seed, index).
        images: number of images of the step in this process; default 0.
        ranks: the processes of the fit; by default there is one.
    """

    index: int
    total: int
    optimizers: Mapping[str, torch.optim.Optimizer]
    device: torch.device
    rng: torch.Generator
    images: int = 0
    ranks: Ranks = ALONE

    def normal(self, *shape: int) -> Tensor:
        """Draw standard normal numbers, float32, on `device`. They are the same on every device.

        If several processes share the fit and the first number of `shape` is the number of images, each process gets
        its rows of the numbers that one process would draw. Numbers of another shape are the same in all of them.

        Args:
            shape: shape of the result.
        """
        return self._draw(torch.randn, shape)

    def uniform(self, *shape: int) -> Tensor:
        """Draw uniform numbers in [0, 1), float32, on `device`, as `normal` does.

        Args:
            shape: shape of the result.
        """
        return self._draw(torch.rand, shape)

    def _draw(self, draw: Callable[..., Tensor], shape: tuple[int, ...]) -> Tensor:
        if self.ranks.count > 1 and shape and shape[0] == self.images:
            whole = draw((shape[0] * self.ranks.count, *shape[1:]), generator=self.rng)
            return self.ranks.rows(whole).to(self.device)
        return draw(shape, generator=self.rng).to(self.device)


@dataclass(frozen=True, eq=False)
class StepReport:
    """Argument of the callbacks of `fit`: facts about the training step that has just ended.

    Args:
        step: number of steps so far; 1 after the first.
        total: number of steps of the run.
        values: scalars that `training_step` returned. Tensors are still on their device.
    """

    step: int
    total: int
    values: Mapping[str, Tensor | float]

    @cached_property
    def metrics(self) -> dict[str, float]:
        """Scalars that `training_step` returned, as numbers. Reading them waits for the GPU, if there is one."""
        return {name: float(value) for name, value in self.values.items()}


Callback = Callable[[StepReport], object]
"""Function that `fit` calls after each step. Its result is ignored, and an error in it ends the fit."""


def check_callbacks(callbacks: Any) -> tuple[Callback, ...]:
    """Return callbacks as a tuple; raise `ArgumentTypeError` for everything but a list of callables.

    Args:
        callbacks: an iterable of functions.
    """
    given = tuple(callbacks) if isinstance(callbacks, Iterable) else None
    if given is None or not all(map(callable, given)):
        raise ArgumentTypeError(
            f"callbacks must be a list of functions that take a StepReport, got {shown(callbacks)}; "
            "write callbacks=[function]"
        )
    return given
