"""Training of a model with a loss of the caller's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


def update(
    model: nn.Module,
    training: Any,
    loss: Callable[[Sequence[Any]], Tensor],
    steps: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
) -> None:
    """Train a model in place by AdamW, for tasks whose loss is of their own.

    Args:
        model: the model.
        training: map-style dataset; its `set_epoch`, if it has one, is called before each epoch.
        loss: function of the items of a batch that returns their loss.
        steps: number of updates.
        batch_size: items of an update.
        learning_rate: rate of AdamW.
        seed: seed of the order of the items.
    """
    optimiser = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    batches = _batches(training, batch_size, seed)
    for _ in range(steps):
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
