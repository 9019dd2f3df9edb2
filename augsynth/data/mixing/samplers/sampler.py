"""`MixSampler`: a random order of each epoch, and a `set_epoch` that trainers find."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from torch.utils.data import DistributedSampler

from augsynth.data.mixing.epochs.processes import ProcessShare, check_given_share, own_share
from augsynth.data.mixing.mix import SyntheticMixDataset
from augsynth.data.mixing.rule.assignment import EpochAssignment
from augsynth.data.mixing.samplers.resumable import ResumableSampler, in_order


class MixSampler(ResumableSampler[int], DistributedSampler[int]):  # type: ignore[misc]  # both hold the dataset
    """Sampler of positions in random order for `DataLoader(sampler=…)`; its `set_epoch` reaches the data set.

    It replaces `shuffle=True` where a trainer sets the epoch of the sampler alone, as Lightning and Fabric do. The
    order is drawn from (seed, epoch) of the data set, with real and synthetic items spread evenly. It follows epochs of
    changing length. `state_dict(done)`, with the number of items, and `load_state_dict` resume within an epoch.

    Args:
        dataset: the mix.
        num_replicas: number of processes that share an epoch; default 1. Where `torch.distributed` runs several
            processes, it must be given: the real number if the sampler divides an epoch (own loops, Lightning), or 1 if
            the trainer does (Accelerate, Hugging Face). All processes get equally many positions, and up to
            `num_replicas − 1` positions come twice.
        rank: number of this process, in [0, num_replicas); given together with `num_replicas`.
        drop_last: leave positions out instead of repeating some. Default False.

    >>> sampler = MixSampler(dataset)  # doctest: +SKIP
    >>> loader = DataLoader(dataset, batch_size=64, sampler=sampler)  # doctest: +SKIP
    """

    _unit = "items"

    def __init__(
        self,
        dataset: SyntheticMixDataset,
        *,
        num_replicas: int | None = None,
        rank: int | None = None,
        drop_last: bool = False,
    ) -> None:
        # It is a DistributedSampler because Lightning replaces other samplers if there are several processes.
        self._set_up(dataset, drop_last)
        self._given = check_given_share(num_replicas, rank)

    @property
    def num_replicas(self) -> int:  # type: ignore[override]
        """Number of processes that share an epoch."""
        return self._share()[0]

    @property
    def rank(self) -> int:  # type: ignore[override]
        """Number of this process."""
        return self._share()[1]

    def _share(self) -> ProcessShare:
        return own_share(self._given, "MixSampler")

    def __len__(self) -> int:
        """Number of positions of a whole epoch, on each process."""
        spare = 0 if self.drop_last else self.num_replicas - 1
        return (len(self.dataset) + spare) // self.num_replicas

    def _entries(self, assignment: EpochAssignment, first: int) -> Iterator[int]:
        start, count = self.rank * len(self), len(self)
        steps = (start + np.arange(first, count)) % len(assignment)
        yield from in_order(assignment, steps).tolist()

    def _arguments(self) -> dict[str, Any]:
        return {"num_replicas": self.num_replicas, "drop_last": self.drop_last}
