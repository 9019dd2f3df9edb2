"""The current epoch, and what of it has been read, seen by every process that holds a copy of the dataset."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from augsynth.core.arrays import unwrapped
from augsynth.data.mixing.rule.classes import Integers
from augsynth.errors import ArgumentError, shown

# A part for training, or whole batches alone, are an epoch; a few items that are looked at again are none.
_MOST = 0.75
_WORKERS = 8
# Of a larger epoch the first so many positions stand for all.
_WATCHED = 2**22


class SharedEpoch:
    """An epoch counter in shared memory.

    DataLoader workers share it with the process that started them, under any start method, so that `set` also
    reaches workers that persist from epoch to epoch. An ordinary copy or pickle has a counter of its own.

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
    """A mark for each position of an epoch, in shared memory like `SharedEpoch`: unread, read, or read again.

    It answers once, in one of the processes, that an epoch is read a second time. `number` counts the epochs that
    were set in this process.

    >>> readings = Readings(2)
    >>> [readings.read_twice(np.array([position]), 2) for position in (0, 1, 0, 1, 0)]
    [False, False, False, True, False]
    """

    def __init__(self, length: int) -> None:
        self.number = 0
        self._marks = torch.zeros(min(length, _WATCHED), dtype=torch.uint8, device="cpu")
        self._answered = torch.zeros((), dtype=torch.bool, device="cpu")
        for one in (self._marks, self._answered):
            one.share_memory_()  # type: ignore[no-untyped-call]
        self._here = False
        self._wait = 0

    def forget(self) -> None:
        """Begin with an epoch of which nothing has been read."""
        self._marks.zero_()
        self._here = False
        self.number += 1

    def read_twice(self, positions: Integers, length: int) -> bool:
        """Mark positions that are read; true if by that all that was read, most of the epoch, was read twice."""
        self._here = True
        marks = self._marks.numpy()[:length]
        watched = positions if len(marks) == length else positions[positions < len(marks)]
        before = marks[watched]
        if not before.any():
            marks[watched] = 1
            return False
        marks[watched] = 2 - (before == 0)
        self._wait -= len(watched)
        if self._answered or self._wait > 0:
            return False
        twice, read = int(np.count_nonzero(marks == 2)), int(np.count_nonzero(marks))
        # Counting takes a millisecond for millions of marks. The answer is no until the rest has been read, by up to
        # so many workers as this process knows nothing of.
        self._wait = (max(read, int(_MOST * len(marks))) - twice) // _WORKERS
        return self._answer(twice == read and twice >= _MOST * len(marks))

    def restarted(self, share: int, length: int) -> bool:
        """Answer, for a pass that begins over `share` of the `length` positions: have workers read as many already?

        What this process reads itself is seen by `read_twice`, which knows whether the second pass was finished too.
        """
        marks = self._marks.numpy()[:length]
        # The watched ones among a share that is drawn at random are nearly in proportion.
        enough = share if len(marks) == length else 0.99 * share * len(marks) / length
        return not self._here and self._answer(np.count_nonzero(marks) >= max(enough, 1))

    def left_behind(self) -> bool:
        """Answer, where something else has gone on to another epoch: has none been set here?"""
        return self._answer(self.number == 0)

    def ended_again(self, number: int | None) -> bool:
        """Answer, for a sampler that has handed an epoch out, as it had before when `number` was this: was it read?"""
        return self.number == number and self._answer(self._marks.any())

    def _answer(self, again: Any) -> bool:
        first = bool(again) and not self._answered
        if first:
            self._answered.fill_(True)
        return first


def check_epoch(epoch: Any) -> int:
    """Return `epoch` if it is an integer in [0, 2**32), the range of a random key; raise `ArgumentError` otherwise."""
    number = unwrapped(epoch)
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < 2**32:
        raise ArgumentError(f"epoch must be an integer in [0, 2**32), got {shown(epoch)}")
    return number
