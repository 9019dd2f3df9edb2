"""Images of a training step: a pure function of (seed, step)."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor

from augsynth.core.checks import check_choice
from augsynth.generators.seeds import derive_seed

BALANCES = ("classes",)
"""Values of the argument `balance` of `fit`, beside None."""


def check_balance(balance: Any) -> str | None:
    """Return the argument `balance` of `fit`; raise an error for one that is not known.

    Args:
        balance: one of `BALANCES`, or None.
    """
    return None if balance is None else check_choice("balance", balance, BALANCES)


class Order(Protocol):
    """Choice of the images of each step."""

    def batch(self, step: int) -> Tensor:
        """Return the indices of the images of a step, int64 (batch_size,).

        Args:
            step: number of the step; 0 is the first.
        """


def make_order(size: int, labels: Tensor | None, batch_size: int, seed: int, balance: str | None) -> Order:
    """Make the order that `fit` was asked for.

    Args:
        size: number of images, at least 1.
        labels: their classes, int64 (size,), or None.
        batch_size: images of a batch, at least 1.
        seed: 64-bit seed.
        balance: one of `BALANCES`, which need labels, or None.
    """
    if balance is None:
        return BatchOrder(size, batch_size, seed)
    assert labels is not None
    return BalancedOrder(labels, batch_size, seed)


class BatchOrder:
    """Batches from an endless sequence of shuffled epochs. Each epoch has every image once.

    Args:
        size: number of images, at least 1.
        batch_size: images of a batch, at least 1.
        seed: 64-bit seed.

    >>> order = BatchOrder(size=4, batch_size=3, seed=0)
    >>> sorted(torch.cat([order.batch(i) for i in range(4)]).tolist())
    [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    """

    def __init__(self, size: int, batch_size: int, seed: int) -> None:
        self._batch_size, self._epochs = batch_size, _Epochs(torch.arange(size), "order", seed)

    def batch(self, step: int) -> Tensor:
        """Return the indices of the images of a step, int64 (batch_size,).

        Args:
            step: number of the step; 0 is the first.
        """
        return self._epochs.between(step * self._batch_size, (step + 1) * self._batch_size)


class BalancedOrder:
    """Batches in which every class is equally often, however many images it has.

    They are cut from an endless sequence of rounds. A round has one image of every class, in shuffled order. The images
    of a class come in shuffled epochs of their own, so that no image of a class comes twice before all have come once.

    Args:
        labels: classes of the images, int64 (n,), 0…K−1 with no class empty.
        batch_size: images of a batch, at least 1.
        seed: 64-bit seed.

    >>> order = BalancedOrder(torch.tensor([0, 0, 0, 1]), batch_size=2, seed=0)
    >>> sorted(torch.cat([order.batch(i) for i in range(3)]).tolist())
    [0, 1, 2, 3, 3, 3]
    """

    def __init__(self, labels: Tensor, batch_size: int, seed: int) -> None:
        counts = torch.bincount(labels).tolist()
        of_classes = torch.split(torch.argsort(labels, stable=True), counts)
        self._images = [_Epochs(images, "order of a class", seed, label) for label, images in enumerate(of_classes)]
        self._rounds = _Epochs(torch.arange(len(counts)), "order of classes", seed)
        self._batch_size = batch_size

    def batch(self, step: int) -> Tensor:
        """Return the indices of the images of a step, int64 (batch_size,).

        Args:
            step: number of the step; 0 is the first.
        """
        begin, end = step * self._batch_size, (step + 1) * self._batch_size
        drawn = []
        for position, label in enumerate(self._rounds.between(begin, end).tolist(), start=begin):
            number = position // len(self._images)
            drawn.append(self._images[label].between(number, number + 1))
        return torch.cat(drawn)


class _Epochs:
    """An endless sequence of numbers: all of them in shuffled order, then all in another order, and so on."""

    def __init__(self, numbers: Tensor, purpose: str, *seeds: int) -> None:
        self._numbers, self._purpose, self._seeds = numbers, purpose, seeds
        self._epoch, self._shuffled = -1, numbers

    def between(self, begin: int, end: int) -> Tensor:
        slices = []
        while begin < end:
            epoch, offset = divmod(begin, len(self._numbers))
            slices.append(self._of(epoch)[offset : offset + end - begin])
            begin += len(slices[-1])
        return torch.cat(slices) if len(slices) > 1 else slices[0]

    def _of(self, epoch: int) -> Tensor:
        if epoch != self._epoch:
            rng = torch.Generator().manual_seed(derive_seed(self._purpose, *self._seeds, epoch))
            order = torch.randperm(len(self._numbers), generator=rng, device="cpu")
            self._epoch, self._shuffled = epoch, self._numbers[order]
        return self._shuffled
