"""Memory for batches."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from augsynth._native.extensions import _cpu


def buffer(size: int) -> npt.NDArray[np.uint8]:
    """`size` uninitialised bytes on huge pages where the system has them, for large outputs.

    They belong to the array and all views of it. When the last one is gone they serve a later call, so a page is
    fetched from the system once and not for every batch. At most 1 GiB waits for that.

    >>> buffer(10**7).shape
    (10000000,)
    """
    return _cpu.buffer(size)


Outgoing: TypeAlias = _cpu.Outgoing
"""`bytes` of memory that another process can map, by its `file` descriptor, and read without a copy.

`array()` is over that memory and keeps it. When nobody in this process holds it any more, it serves a later `Outgoing`,
but not before every receiver has let it go too; `announce()` counts one that is to come.
"""


def receive(file: int, size: int) -> npt.NDArray[np.uint8]:
    """The memory of an announced `Outgoing` of `size` bytes, for as long as the array or a view of it is held.

    `file` is a descriptor of its file in this process, and may be closed afterwards.
    """
    return _cpu.receive(file, size)
