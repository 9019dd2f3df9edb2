"""Windows of a stream: runs of positions that one worker of one process gives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from torch.utils.data import get_worker_info

from augsynth.core.typing import Ints
from augsynth.data.mixing.epochs.processes import ProcessShare, own_share
from augsynth.data.mixing.rule.spreading import diffused


class Share(NamedTuple):
    """Part of the windows that this worker of this process gives.

    Windows are dealt to the processes in turn, and those of a process to its workers in turn.

    * `rank`, `num_replicas`: number of this process, and number of processes.
    * `worker`, `workers`: number of this worker, and number of workers of the process.
    """

    rank: int
    num_replicas: int
    worker: int
    workers: int

    @classmethod
    def of(cls, given: ProcessShare | None) -> Share:
        """Return the share of the process and worker that call; raise `ArgumentError` if nobody says how to divide."""
        num_replicas, rank = own_share(given, "MixStream")
        info = get_worker_info()
        worker, workers = (0, 1) if info is None else (info.id, info.num_workers)
        return cls(rank, num_replicas, worker, workers)

    def turns(self, first: int) -> Iterator[int]:
        """Yield the numbers of the windows of this worker among those of its process, from `first` on, without end."""
        turn = first + self.worker
        while True:
            yield turn
            turn += self.workers

    def window(self, turn: int) -> int:
        """Return the number of a window among those of all processes."""
        return turn * self.num_replicas + self.rank

    def last_of_turn(self, turn: int) -> int:
        """Return the number of the last window that some process gives in this turn."""
        return (turn + 1) * self.num_replicas - 1


class Pattern(NamedTuple):
    """Even order of real and synthetic positions.

    Among the first t positions, ⌊t·p/q + ½⌋ are synthetic.

    * `synthetic`: p, number of synthetic items among `total`.
    * `total`: q.
    * `size`: positions of a window.
    """

    synthetic: int
    total: int
    size: int

    def positions(self, window: int) -> Ints:
        """Return the positions of a window."""
        return np.arange(window * self.size, (window + 1) * self.size)

    def sources(self, positions: Ints) -> tuple[Ints, Ints]:
        """Return 1 for each synthetic position and 0 for each real one, and the number of its item in its side."""
        before, after = (diffused(positions + ahead, self.synthetic, self.total) for ahead in (0, 1))
        synthetic = after > before
        return synthetic.astype(np.int64), np.where(synthetic, before, positions - before)

    def real_until(self, window: int) -> int:
        """Return the number of real items in all windows up to this one."""
        end = (window + 1) * self.size
        return end - int(diffused(np.array([end]), self.synthetic, self.total)[0])
