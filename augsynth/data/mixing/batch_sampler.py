"""`MixBatchSampler`: the ratio not only in every epoch, but in every batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from torch.utils.data import Sampler

from augsynth.data.mixing.classes import Integers
from augsynth.data.mixing.draw import EpochDraw
from augsynth.data.mixing.mix import SyntheticMixDataset
from augsynth.errors import ArgumentError, CheckpointError


class MixBatchSampler(Sampler[list[int]]):
    """Batches of positions for `DataLoader(batch_sampler=…)`, each within one item of the dataset's ratio.

    Every position comes once an epoch, in an order drawn from the dataset's (seed, epoch). Real and synthetic items
    are spread evenly (by error diffusion), so that each run of them within the order keeps to the ratio, and
    with it each batch of each process.

    `num_replicas` and `rank` share an epoch among processes, as `DistributedSampler` does: all get equally many
    items, for which up to `num_replicas − 1` come twice; `drop_last` leaves out batches that would not be full on
    every process. `state_dict(done)` and `load_state_dict` resume within an epoch.

    >>> sampler = MixBatchSampler(dataset, batch_size=64)  # doctest: +SKIP
    >>> loader = DataLoader(dataset, batch_sampler=sampler, collate_fn=augsynth.collate)  # doctest: +SKIP
    """

    def __init__(
        self,
        dataset: SyntheticMixDataset,
        batch_size: int,
        *,
        drop_last: bool = False,
        num_replicas: int = 1,
        rank: int = 0,
    ) -> None:
        if batch_size < 1:
            raise ArgumentError(f"batch_size must be at least 1, got {batch_size}")
        if not 0 <= rank < num_replicas:
            raise ArgumentError(f"rank must be in [0, num_replicas), got {rank} of {num_replicas}")
        self.dataset = dataset
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.num_replicas = num_replicas
        self.rank = rank
        self._begun = 0
        self._resume_at = 0

    def set_epoch(self, epoch: int) -> None:
        """The dataset's `set_epoch`; trainers that know samplers alone call it here."""
        self.dataset.set_epoch(epoch)

    def state_dict(self, done: int | None = None) -> dict[str, Any]:
        """The epoch and how many of its batches are `done`.

        A DataLoader with workers asks for batches ahead of the training loop, so give the number that was trained
        on; the default is the number handed out.
        """
        return {
            "dataset": self.dataset.state_dict(),
            "batches": self._begun if done is None else done,
            "batch_size": self.batch_size,
            "num_replicas": self.num_replicas,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Let the next iteration go on in that epoch after the batches that are done."""
        for name in ("batch_size", "num_replicas"):
            if state[name] != getattr(self, name):
                raise CheckpointError(f"the saved state has {name} {state[name]}, this sampler {getattr(self, name)}")
        self.dataset.load_state_dict(state["dataset"])
        self._begun = self._resume_at = state["batches"]

    def __len__(self) -> int:
        """The batches of a whole epoch, on each process."""
        chunk = self.batch_size * self.num_replicas
        return len(self.dataset) // chunk if self.drop_last else -(-len(self.dataset) // chunk)

    def __iter__(self) -> Iterator[list[int]]:
        draw = self.dataset.draw()
        first, self._resume_at = self._resume_at, 0
        for number in range(first, len(self)):
            self._begun = number + 1
            yield in_order(draw, self._share(number, len(draw))).tolist()

    def _share(self, number: int, length: int) -> Integers:
        """This process's places within the order of the epoch, for one batch; beyond the end it begins again."""
        begin = number * self.batch_size * self.num_replicas
        left = -(-(length - begin) // self.num_replicas)
        size = min(self.batch_size, left)
        places = begin + self.rank * size + np.arange(size)
        return places % length


def in_order(draw: EpochDraw, places: Integers) -> Integers:
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
