"""`MixSampler`: a random order of each epoch, and a `set_epoch` that trainers find."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch.distributed
from torch.utils.data import DistributedSampler

from augsynth.data.mixing.samplers.batch_sampler import in_order
from augsynth.data.mixing.rule.assignment import EpochAssignment
from augsynth.data.mixing.mix import SyntheticMixDataset
from augsynth.data.mixing.samplers.resumable import ResumableSampler, check_share
from augsynth.errors import ArgumentError


class MixSampler(ResumableSampler[int], DistributedSampler[int]):  # type: ignore[misc]  # both hold the dataset
    """Positions in random order for `DataLoader(sampler=…)`; `set_epoch` reaches the dataset.

    It stands for `shuffle=True` where a trainer sets the epoch of the sampler alone, as Lightning and Fabric do. The
    order is drawn from the dataset's (seed, epoch), with real and synthetic items spread evenly, and follows epochs
    of changing length. `state_dict(done)`, with the number of items, and `load_state_dict` resume.

    Where `torch.distributed` runs several processes, say who divides an epoch among them: the sampler, by its
    `num_replicas` and `rank` (own loops, Lightning), or the trainer, with 1 and 0 (Accelerate, Hugging Face). Each
    process gets a run of the order, all of one length: up to `num_replicas − 1` positions come twice, or with
    `drop_last` are left out.

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
        # A DistributedSampler by name alone, because Lightning replaces any other where there are several processes.
        self._begin_with(dataset, drop_last)
        if (num_replicas is None) != (rank is None):
            raise ArgumentError("num_replicas and rank go together: give both, or neither")
        self._given = None if num_replicas is None else check_share(num_replicas, rank)

    @property
    def num_replicas(self) -> int:  # type: ignore[override]
        """How many processes share an epoch."""
        return self._share()[0]

    @property
    def rank(self) -> int:  # type: ignore[override]
        """The number of this process among them."""
        return self._share()[1]

    def _share(self) -> tuple[int, int]:
        if self._given is not None:
            return self._given
        # Asked late, because trainers begin the processes after the sampler is made.
        distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
        processes = torch.distributed.get_world_size() if distributed else 1
        if processes > 1:
            raise ArgumentError(
                f"{processes} processes run: give MixSampler num_replicas and rank, so that it "
                "divides an epoch among them, or num_replicas=1 and rank=0 where Accelerate or Hugging Face divides it"
            )
        return 1, 0

    def __len__(self) -> int:
        """The positions of a whole epoch, on each process."""
        spare = 0 if self.drop_last else self.num_replicas - 1
        return (len(self.dataset) + spare) // self.num_replicas

    def _parts(self, draw: EpochAssignment, first: int) -> Iterator[int]:
        begin, count = self.rank * len(self), len(self)
        places = (begin + np.arange(first, count)) % len(draw)
        yield from in_order(draw, places).tolist()

    def _kind(self) -> dict[str, Any]:
        return {"num_replicas": self.num_replicas, "drop_last": self.drop_last}
