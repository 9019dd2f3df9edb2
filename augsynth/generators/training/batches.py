"""Images of a training step: a pure function of (seed, step)."""

from __future__ import annotations

import torch
from torch import Tensor

from augsynth.generators.seeds import derive_seed


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
        self._size, self._batch_size, self._seed = size, batch_size, seed
        self._epoch, self._shuffled = -1, torch.empty(0, dtype=torch.int64, device="cpu")

    def batch(self, step: int) -> Tensor:
        """Return the indices of the images of a step, int64 (batch_size,).

        Args:
            step: number of the step; 0 is the first.
        """
        begin, end = step * self._batch_size, (step + 1) * self._batch_size
        slices = []
        while begin < end:
            epoch, offset = divmod(begin, self._size)
            slices.append(self._order_of(epoch)[offset : offset + end - begin])
            begin += len(slices[-1])
        return torch.cat(slices)

    def _order_of(self, epoch: int) -> Tensor:
        if epoch != self._epoch:
            rng = torch.Generator().manual_seed(derive_seed("order", self._seed, epoch))
            self._epoch, self._shuffled = epoch, torch.randperm(self._size, generator=rng, device="cpu")
        return self._shuffled
