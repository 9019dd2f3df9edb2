"""Memory for batches."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from augsynth._native.extensions import _cpu


def buffer(size: int) -> npt.NDArray[np.uint8]:
    """Return uninitialised bytes for large outputs, on huge pages if the system has them.

    The memory belongs to the array and all views of it. When the last of them is gone, the memory serves a later call.
    So the system provides a page once and not for every batch. At most 1 GiB waits for later calls.

    Args:
        size: the number of bytes.

    >>> buffer(10**7).shape
    (10000000,)
    """
    return _cpu.buffer(size)


Outgoing: TypeAlias = _cpu.Outgoing
"""Memory of `bytes` bytes that another process can map by its `file` descriptor and read without a copy.

`array()` gives an array over the memory and keeps it. The memory serves a later `Outgoing` when neither this process
nor a receiver holds it any more. `announce()` counts a receiver that is to come.
"""


def receive(file: int, size: int) -> npt.NDArray[np.uint8]:
    """Return the memory of an announced `Outgoing`; it stays until the array and all views of it are gone.

    Args:
        file: a descriptor of its file in this process. It may be closed afterwards.
        size: the number of bytes.
    """
    return _cpu.receive(file, size)
