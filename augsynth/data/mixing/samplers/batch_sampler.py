"""`MixBatchSampler`: the ratio in every batch, not only in every epoch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from torch.utils.data import DistributedSampler, Sampler

from augsynth.core.checks import check_integer
from augsynth.core.typing import Ints
from augsynth.data.mixing.epochs.processes import check_share
from augsynth.data.mixing.mix import SyntheticMixDataset
from augsynth.data.mixing.rule.assignment import EpochAssignment
from augsynth.data.mixing.samplers.resumable import ResumableSampler, in_order


class MixBatchSampler(ResumableSampler[list[int]], Sampler[list[int]]):
    """Sampler of batches of positions for `DataLoader(batch_sampler=…)`; each batch is within one item of the ratio.

    An epoch has every position once, in an order drawn from (seed, epoch) of the data set. Real and synthetic items are
    spread evenly by error diffusion. So each run of positions in this order keeps the ratio, and each batch of each
    process does too. `state_dict(done)`, with the number of batches, and `load_state_dict` resume within an epoch.

    Args:
        dataset: the mix, or a `DistributedSampler` of it, which also gives `num_replicas` and `rank`, as Lightning
            passes it.
        batch_size: number of positions in a batch, at least 1.
        drop_last: leave out batches that would not be full on every process. Default False.
        num_replicas: number of processes that share an epoch, as in `DistributedSampler`: all get equally many items,
            and up to `num_replicas − 1` items come twice. Default 1.
        rank: number of this process, in [0, num_replicas). Default 0.

    >>> sampler = MixBatchSampler(dataset, batch_size=64)  # doctest: +SKIP
    >>> loader = DataLoader(dataset, batch_sampler=sampler, collate_fn=augsynth.collate)  # doctest: +SKIP
    """

    _unit = "batches"

    def __init__(
        self,
        dataset: SyntheticMixDataset | DistributedSampler[Any],
        batch_size: int,
        *,
        drop_last: bool = False,
        num_replicas: int = 1,
        rank: int = 0,
    ) -> None:
        mix: Any = dataset
        if isinstance(dataset, DistributedSampler):
            mix, num_replicas, rank = dataset.dataset, dataset.num_replicas, dataset.rank
        self._set_up(mix, drop_last)
        self.num_replicas, self.rank = check_share(num_replicas, rank)
        self.batch_size = check_integer("batch_size", batch_size, 1)

    @property
    def sampler(self) -> MixBatchSampler:
        """Itself: Lightning, Fabric and Accelerate call `batch_sampler.sampler.set_epoch` when an epoch starts."""
        return self

    def __len__(self) -> int:
        """Number of batches of a whole epoch, on each process."""
        chunk = self.batch_size * self.num_replicas
        return len(self.dataset) // chunk if self.drop_last else -(-len(self.dataset) // chunk)

    def _entries(self, assignment: EpochAssignment, first: int) -> Iterator[list[int]]:
        for number in range(first, len(self)):
            yield in_order(assignment, self._share(number, len(assignment))).tolist()

    def _arguments(self) -> dict[str, Any]:
        return {"batch_size": self.batch_size, "num_replicas": self.num_replicas, "drop_last": self.drop_last}

    def _share(self, number: int, length: int) -> Ints:
        """Return this process's steps in the order of the epoch, for one batch; beyond the end it starts again."""
        start = number * self.batch_size * self.num_replicas
        left = -(-(length - start) // self.num_replicas)
        size = min(self.batch_size, left)
        steps = start + self.rank * size + np.arange(size)
        return steps % length
