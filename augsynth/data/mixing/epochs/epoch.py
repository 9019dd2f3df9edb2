"""The current epoch of a mix, and which of its positions were read, in memory that all processes of a loader share."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from augsynth.core.checks import check_integer
from augsynth.core.typing import Ints

# A training part of the data, or full batches only, count as an epoch. A few items that are looked at do not.
_EPOCH_FRACTION = 0.75
_WORKERS = 8
# In a longer epoch, this many positions at its beginning stand for all.
_WATCHED = 2**22


class SharedEpoch:
    """Epoch counter in shared memory.

    DataLoader workers share it with the process that started them, under every start method. So `set` also reaches
    workers that persist from epoch to epoch. An ordinary copy or pickle has a counter of its own.

    >>> epoch = SharedEpoch()
    >>> epoch.set(3)
    >>> epoch.get()
    3
    """

    def __init__(self) -> None:
        with torch.inference_mode(False):  # a tensor of inference mode cannot be written outside of it
            self._value = torch.zeros((), dtype=torch.int64, device="cpu")
        self._value.share_memory_()  # type: ignore[no-untyped-call]

    def get(self) -> int:
        return int(self._value)

    def set(self, epoch: int) -> None:
        self._value.fill_(epoch)


class Readings:
    """Marks for the positions of an epoch, in shared memory: not read, read once, or read twice.

    It reports once, in one of the processes, that an epoch is read a second time. `number` counts the epochs that
    were set in this process.

    Args:
        length: number of positions of the first epoch.

    >>> readings = Readings(2)
    >>> [readings.read_twice(np.array([position]), 2) for position in (0, 1, 0, 1, 0)]
    [False, False, False, True, False]
    """

    def __init__(self, length: int) -> None:
        self.number = 0
        self._marks = torch.zeros(min(length, _WATCHED), dtype=torch.uint8, device="cpu")
        self._reported = torch.zeros((), dtype=torch.bool, device="cpu")
        for shared in (self._marks, self._reported):
            shared.share_memory_()  # type: ignore[no-untyped-call]
        self._read_here = False
        self._until_count = 0

    def forget(self) -> None:
        """Start a new epoch, of which nothing was read."""
        self._marks.zero_()
        self._read_here = False
        self.number += 1

    def read_twice(self, positions: Ints, length: int) -> bool:
        """Mark positions as read; report if all positions that were read, most of the epoch, were read twice."""
        self._read_here = True
        marks = self._marks.numpy()[:length]
        watched = positions if len(marks) == length else positions[positions < len(marks)]
        before = marks[watched]
        if not before.any():
            marks[watched] = 1
            return False
        marks[watched] = 2 - (before == 0)
        self._until_count -= len(watched)
        if self._reported or self._until_count > 0:
            return False
        twice, read = int(np.count_nonzero(marks == 2)), int(np.count_nonzero(marks))
        # Counting millions of marks takes a millisecond. The answer stays no until the rest was read too. Up to
        # _WORKERS workers, of which this process knows nothing, may read a part of it.
        self._until_count = (max(read, int(_EPOCH_FRACTION * len(marks))) - twice) // _WORKERS
        return self._report(twice == read and twice >= _EPOCH_FRACTION * len(marks))

    def started_again(self, share: int, length: int) -> bool:
        """Report, when an iteration over `share` of `length` positions starts, if workers have read as many already.

        `read_twice` handles the positions that this process reads itself: it also knows if the second iteration ended.
        """
        marks = self._marks.numpy()[:length]
        # A share that is drawn at random contains a nearly proportional part of the watched positions.
        enough = share if len(marks) == length else 0.99 * share * len(marks) / length
        return not self._read_here and self._report(np.count_nonzero(marks) >= max(enough, 1))

    def left_behind(self) -> bool:
        """Report, when a sampler has gone on to another epoch, if no epoch was set here."""
        return self._report(self.number == 0)

    def ended_again(self, number: int | None) -> bool:
        """Report, when a sampler ends an iteration, if it also ended one at `number`, the same epoch, that was read."""
        return self.number == number and self._report(self._marks.any())

    def _report(self, again: Any) -> bool:
        first = bool(again) and not self._reported
        if first:
            self._reported.fill_(True)
        return first


def check_epoch(epoch: Any) -> int:
    """Return `epoch` if it is an integer in [0, 2**32), the range of a random key; raise `ArgumentError` otherwise."""
    return check_integer("epoch", epoch, 0, 2**32 - 1, expected="an integer in [0, 2**32)")
