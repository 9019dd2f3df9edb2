"""Steps of optimisers."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from augsynth.generators.training.ranks import average_gradients


def set_learning_rate(optimizers: Mapping[str, Optimizer], rate: float) -> None:
    """Set the learning rate of all parameters of all optimisers.

    Args:
        optimizers: optimisers by name, as in `step.optimizers`.
        rate: the learning rate, above 0.
    """
    for optimizer in optimizers.values():
        for group in optimizer.param_groups:
            group["lr"] = rate


def descend(optimizer: Optimizer, loss: Tensor, *, max_norm: float | None = None) -> None:
    """Compute the gradients of a loss, and take one step of the optimiser.

    If several processes share the fit, gradients are first averaged over them.

    Args:
        optimizer: the optimiser of the parameters to change.
        loss: a scalar, to be lowered.
        max_norm: largest norm of all its gradients together; longer ones are scaled down. None does not clip.
    """
    optimizer.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    average_gradients(optimizer)
    if max_norm is not None:
        nn.utils.clip_grad_norm_([weight for group in optimizer.param_groups for weight in group["params"]], max_norm)
    optimizer.step()
