"""Training of new models with a loss of the caller's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from augsynth.core.torch_settings import seeded


class Updates(Protocol):
    """Settings of a training, which tasks have as fields."""

    @property
    def steps(self) -> int: ...
    @property
    def batch_size(self) -> int: ...
    @property
    def learning_rate(self) -> float: ...
    @property
    def device(self) -> str: ...


def trained(
    make: Callable[[], nn.Module],
    training: Any,
    loss: Callable[[nn.Module, Sequence[Any]], Tensor],
    settings: Updates,
    seed: int,
) -> nn.Module:
    """Return a new model that AdamW has trained, ready to predict, for tasks whose loss is of their own.

    Args:
        make: function that returns the model.
        training: map-style dataset; its `set_epoch`, if it has one, is called before each epoch.
        loss: function of the model and of the items of a batch that returns their loss.
        settings: numbers of updates and of items of an update, rate, and device.
        seed: seed of the weights and of the order of the items.
    """
    device = torch.device(settings.device)
    with seeded(device, seed):
        model = make().to(device).train()
        _update(model, training, partial(loss, model), settings, seed)
    return model.eval()


def _update(
    model: nn.Module, training: Any, loss: Callable[[Sequence[Any]], Tensor], settings: Updates, seed: int
) -> None:
    optimiser = torch.optim.AdamW(model.parameters(), lr=settings.learning_rate)
    batches = _batches(training, settings.batch_size, seed)
    for _ in range(settings.steps):
        value = loss(next(batches))
        optimiser.zero_grad(set_to_none=True)
        value.backward()  # type: ignore[no-untyped-call]
        optimiser.step()


def _batches(training: Any, batch_size: int, seed: int) -> Iterator[list[Any]]:
    """Yield lists of items, epoch after epoch; an incomplete last batch is left out."""
    random, epoch = np.random.default_rng(seed), 0
    size = min(batch_size, len(training))
    while True:
        if hasattr(training, "set_epoch"):
            training.set_epoch(epoch)
        order = random.permutation(len(training)).tolist()
        for start in range(0, len(order) - size + 1, size):
            yield [training[k] for k in order[start : start + size]]
        epoch += 1
