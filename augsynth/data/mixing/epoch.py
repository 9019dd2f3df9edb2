"""The number of the current epoch, seen by every process that holds a copy of the dataset."""

from __future__ import annotations

import numpy as np
import torch

from augsynth.errors import ArgumentError


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


def check_epoch(epoch: int) -> int:
    """Return `epoch` if it is an integer in [0, 2**32), the range of a random key; raise `ArgumentError` otherwise."""
    if isinstance(epoch, bool) or not isinstance(epoch, (int, np.integer)) or not 0 <= epoch < 2**32:
        raise ArgumentError(f"epoch must be an integer in [0, 2**32), got {epoch!r}")
    return int(epoch)
