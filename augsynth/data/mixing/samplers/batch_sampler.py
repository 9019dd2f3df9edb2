"""`MixBatchSampler`: the ratio not only in every epoch, but in every batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from torch.utils.data import DistributedSampler, Sampler

from augsynth.data.mixing.rule.classes import Integers
from augsynth.data.mixing.rule.assignment import EpochAssignment
from augsynth.data.mixing.mix import SyntheticMixDataset
from augsynth.data.mixing.samplers.resumable import ResumableSampler, check_share
from augsynth.generators.arguments import check_count


class MixBatchSampler(ResumableSampler[list[int]], Sampler[list[int]]):
    """Batches of positions for `DataLoader(batch_sampler=…)`, each within one item of the dataset's ratio.

    Every position comes once an epoch, in an order drawn from the dataset's (seed, epoch). Real and synthetic items
    are spread evenly (by error diffusion), so that each run of them within the order keeps to the ratio, and
    with it each batch of each process.

    `num_replicas` and `rank` share an epoch among processes, as `DistributedSampler` does: all get equally many
    items, for which up to `num_replicas − 1` come twice; `drop_last` leaves out batches that would not be full on
    every process. `state_dict(done)`, with the number of batches, and `load_state_dict` resume within an epoch.
    In place of `dataset`, a `DistributedSampler` of it gives both numbers: that is what Lightning puts there.

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
        self._begin_with(mix, drop_last)
        self.num_replicas, self.rank = check_share(num_replicas, rank)
        self.batch_size = check_count("batch_size", batch_size, 1)

    @property
    def sampler(self) -> MixBatchSampler:
        """Itself: Lightning, Fabric and Accelerate call `batch_sampler.sampler.set_epoch` when an epoch begins."""
        return self

    def __len__(self) -> int:
        """The batches of a whole epoch, on each process."""
        chunk = self.batch_size * self.num_replicas
        return len(self.dataset) // chunk if self.drop_last else -(-len(self.dataset) // chunk)

    def _parts(self, draw: EpochAssignment, first: int) -> Iterator[list[int]]:
        for number in range(first, len(self)):
            yield in_order(draw, self._share(number, len(draw))).tolist()

    def _kind(self) -> dict[str, Any]:
        return {"batch_size": self.batch_size, "num_replicas": self.num_replicas, "drop_last": self.drop_last}

    def _share(self, number: int, length: int) -> Integers:
        """This process's places within the order of the epoch, for one batch; beyond the end it begins again."""
        begin = number * self.batch_size * self.num_replicas
        left = -(-(length - begin) // self.num_replicas)
        size = min(self.batch_size, left)
        places = begin + self.rank * size + np.arange(size)
        return places % length


def in_order(draw: EpochAssignment, places: Integers) -> Integers:
    """The positions at some places of an epoch's order, in which real and synthetic items are spread evenly.

    Of the first t places, ⌊t·s/n + ½⌋ are synthetic, for s synthetic items among n.
    """
    length, synthetic = len(draw), draw.num_synthetic
    before = (2 * places * synthetic + length) // (2 * length)
    after = (2 * (places + 1) * synthetic + length) // (2 * length)
    chosen = after > before
    positions = np.empty_like(places)
    positions[chosen] = draw.synthetic_positions(before[chosen])
    positions[~chosen] = draw.real_positions((places - before)[~chosen])
    return positions
