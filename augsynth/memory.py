"""Where the images of a batch are written: memory that is cheap to get, and safe to keep.

Fresh pages cost more than filling them. So large batches lie in memory that an earlier one gave back, on huge pages
where the system has them. The rule: the memory of a batch belongs to whoever holds the tensor or any view of it, and is
used again only when nobody does. In a DataLoader worker a batch lies in shared memory, so that it is sent as it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import get_worker_info

from augsynth import _native

SMALLEST_REUSED = 2**20


def empty_tensor(
    shape: Sequence[int], dtype: torch.dtype, memory_format: torch.memory_format = torch.contiguous_format
) -> torch.Tensor:
    """An uninitialised tensor for a batch of images.

    >>> empty_tensor((64, 3, 128, 128), torch.float32).shape
    torch.Size([64, 3, 128, 128])
    """
    size = math.prod(shape) * dtype.itemsize
    # A single image is on its way to a collate function, which copies it into a batch.
    shared = shape[0] > 1 and get_worker_info() is not None
    if not shared and size < SMALLEST_REUSED:
        return torch.empty(shape, dtype=dtype, memory_format=memory_format)
    if shared:  # as torch's own default_collate does
        storage = torch.UntypedStorage._new_shared(size)  # type: ignore[no-untyped-call]
    else:
        storage = torch.from_numpy(buffer(size)).untyped_storage()
    strides = torch.empty(shape, device="meta", memory_format=memory_format).stride()
    return torch.empty(0, dtype=dtype).set_(storage, 0, tuple(shape), strides)


def empty_arrays(shapes: npt.NDArray[np.int64], dtype: np.dtype[Any]) -> list[npt.NDArray[Any]]:
    """Uninitialised arrays of the shapes (n, 3) in one piece of memory, which lives as long as one of them."""
    sizes = shapes.prod(axis=1) * dtype.itemsize
    ends = np.cumsum(sizes)
    memory = buffer(int(ends[-1]) if len(ends) else 0)
    return [
        memory[end - size : end].view(dtype).reshape(shape)
        for end, size, shape in zip(ends.tolist(), sizes.tolist(), shapes.tolist(), strict=True)
    ]


def buffer(size: int) -> npt.NDArray[np.uint8]:
    """`size` uninitialised bytes; they are used again when no array over them is left."""
    return np.empty(size, np.uint8) if size < SMALLEST_REUSED else _native.buffer(size)
