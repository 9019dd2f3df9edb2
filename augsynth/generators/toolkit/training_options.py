"""Options that the fits of networks share, and the optimiser step that follows them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.optim import Optimizer

from augsynth.generators.toolkit.optimizing import descend, set_learning_rate
from augsynth.generators.toolkit.options import check_options, option
from augsynth.generators.toolkit.precision import PRECISIONS
from augsynth.generators.toolkit.schedules import WarmupCosine
from augsynth.generators.training.steps import Step

# The fused or grouped implementations: on a CPU, a step of AdamW takes a fifth of the time of the plain one.
OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    "adam": lambda weights, lr, betas, decay: torch.optim.AdamW(
        weights, lr, betas=betas, weight_decay=decay, fused=True
    ),
    "radam": lambda weights, lr, betas, decay: torch.optim.RAdam(
        weights, lr, betas=betas, weight_decay=decay, decoupled_weight_decay=True, foreach=True
    ),
    "rmsprop": lambda weights, lr, betas, decay: torch.optim.RMSprop(
        weights, lr, alpha=betas[1], weight_decay=decay, foreach=True
    ),
    "sgd": lambda weights, lr, betas, decay: torch.optim.SGD(
        weights, lr, momentum=betas[0], weight_decay=decay, fused=True
    ),
}
"""Optimisers by the names that the option `optimizer` takes."""


@dataclass(frozen=True)
class TrainingOptions:
    """Base of a `Config`: options of the optimiser and of the averages. A subclass adds its own, and other defaults.

    Args:
        learning_rate: learning rate at the peak of the schedule, above 0; default 0.002.
        optimizer: "adam" (default; with decoupled weight decay, AdamW), "radam", "rmsprop" or "sgd" (with momentum).
        weight_decay: share of the weights that a step removes, divided by the learning rate, at least 0; default 0.
            "rmsprop" and "sgd" add this multiple of the weights to the gradients instead.
        max_norm: largest norm of the gradients of a step, above 0; longer ones are scaled down. None does not clip;
            default 1.
        decay: decay of the moving average of the weights for sampling, in [0, 1); default 0.999.
        precision: "float32", "bfloat16", or "auto" (default): bfloat16 where the hardware multiplies bfloat16 matrices.

    >>> @dataclass(frozen=True)
    ... class Config(TrainingOptions):
    ...     width: int = option(32, at_least=1)
    >>> Config(optimizer="lbfgs")
    Traceback (most recent call last):
    augsynth.errors.ArgumentError: optimizer must be one of 'adam', 'radam', 'rmsprop', 'sgd', got 'lbfgs'
    """

    schedule: ClassVar[WarmupCosine] = WarmupCosine(steps=100, share=0.1, end=0.01)
    """Schedule of the learning rate."""
    betas: ClassVar[tuple[float, float]] = (0.9, 0.99)
    """Decays of the optimiser's means of gradients and of their squares."""

    learning_rate: float = option(2e-3, above=0)
    optimizer: str = option("adam", one_of=tuple(OPTIMIZERS))
    weight_decay: float = option(0.0, at_least=0)
    max_norm: float | None = option(1.0, above=0, or_none=True)
    decay: float = option(0.999, at_least=0, below=1)
    precision: str = option("auto", one_of=PRECISIONS)

    def __post_init__(self) -> None:
        check_options(self)

    def make_optimizer(self, weights: Iterable[Any]) -> Optimizer:
        """Make the optimiser of some weights.

        Args:
            weights: parameters, or groups of them as torch's optimisers take them.
        """
        return OPTIMIZERS[self.optimizer](weights, self.learning_rate, self.betas, self.weight_decay)

    def descend(self, step: Step, name: str, loss: Tensor) -> None:
        """Compute the gradients of a loss, clip them, and take a step at the learning rate of the schedule.

        Args:
            step: the training step.
            name: name of the optimiser in `step.optimizers`.
            loss: a scalar, to be lowered.
        """
        optimizer = step.optimizers[name]
        set_learning_rate({name: optimizer}, self.learning_rate * self.schedule(step.index, step.total))
        descend(optimizer, loss, max_norm=self.max_norm)
