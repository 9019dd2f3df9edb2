"""Memory for the images of a batch: quick to get, and safe to keep.

Fresh pages cost more time than writing them. Therefore large batches use memory that an earlier batch returned, on huge
pages if the system has them. The memory of a batch belongs to the holders of the tensor and its views, and is used
again only when nobody holds one. In a DataLoader worker, a batch lies in memory that the receiving process can map: it
is sent without a copy, and the rule holds across both processes.
"""

from __future__ import annotations

import copy
import math
import os
from collections.abc import Callable, Sequence
from multiprocessing.reduction import DupFd, ForkingPickler
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.multiprocessing.reductions import reduce_tensor
from torch.utils.data import get_worker_info

from augsynth import _native
from augsynth.errors import ArgumentError, NativeError

SMALLEST_REUSED = 2**20
MEMORY_FORMATS = {"contiguous_format": torch.contiguous_format, "channels_last": torch.channels_last}

# Named wherever a tensor comes into being: a user's default device is for his own tensors.
_CPU = torch.device("cpu")

Shape = Sequence[int]


class OutgoingBatch(torch.Tensor):
    """Tensor that a DataLoader worker sends without a copy. Results of operations on it are ordinary tensors."""

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    outgoing: _native.Outgoing

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.as_subclass(torch.Tensor).__reduce_ex__(protocol)  # type: ignore[no-untyped-call]

    def __deepcopy__(self, memo: dict[int, Any]) -> torch.Tensor:
        return copy.deepcopy(self.as_subclass(torch.Tensor), memo)


def empty_tensor(
    shape: Shape,
    dtype: torch.dtype,
    memory_format: torch.memory_format = torch.contiguous_format,
    device: torch.device = _CPU,
) -> torch.Tensor:
    """Return an uninitialised tensor for a batch of images.

    Args:
        shape: (B, C, H, W).
        dtype: dtype of the tensor.
        memory_format: layout of the tensor.
        device: device of the tensor; on other devices than the CPU it has torch's own memory.

    Raises `ArgumentError` if there is not enough memory.

    >>> empty_tensor((64, 3, 128, 128), torch.float32).shape
    torch.Size([64, 3, 128, 128])
    """
    if device != _CPU:
        return torch.empty(shape, dtype=dtype, device=device, memory_format=memory_format)
    size = math.prod(shape) * dtype.itemsize
    try:
        return _memory_for(size, shape, dtype, memory_format)
    except MemoryError as error:
        raise ArgumentError(
            f"there is no memory for a batch of shape {tuple(shape)} and {dtype}: it needs {size / 2**30:.1f} GiB; "
            "make the images smaller, or fewer at a time"
        ) from error


def _memory_for(size: int, shape: Shape, dtype: torch.dtype, memory_format: torch.memory_format) -> torch.Tensor:
    # A single image is on its way to a collate function, which copies it into a batch.
    outgoing = _outgoing(size) if shape[0] > 1 and get_worker_info() is not None else None
    if outgoing is not None:
        batch = _tensor(outgoing.array(), dtype, shape, _strides(shape, memory_format)).as_subclass(OutgoingBatch)
        batch.outgoing = outgoing
        return batch
    if size < SMALLEST_REUSED:
        return torch.empty(shape, dtype=dtype, device=_CPU, memory_format=memory_format)
    return _tensor(_native.buffer(size), dtype, shape, _strides(shape, memory_format))


def _outgoing(size: int) -> _native.Outgoing | None:
    """Return None if the worker cannot have another file; torch then sends the batch as it sends other tensors."""
    try:
        return _native.Outgoing(size)
    except MemoryError:
        return None


def empty_arrays(shapes: npt.NDArray[np.int64], dtype: np.dtype[Any]) -> list[npt.NDArray[Any]]:
    """Return uninitialised arrays in one piece of memory, which lives as long as one of them.

    Args:
        shapes: int64 (n, 3).
        dtype: dtype of the arrays.
    """
    sizes = shapes.prod(axis=1) * dtype.itemsize
    ends = np.cumsum(sizes)
    total = int(ends[-1]) if len(ends) else 0
    memory = np.empty(total, np.uint8) if total < SMALLEST_REUSED else _native.buffer(total)
    return [
        memory[end - size : end].view(dtype).reshape(shape)
        for end, size, shape in zip(ends.tolist(), sizes.tolist(), shapes.tolist(), strict=True)
    ]


def _strides(shape: Shape, memory_format: torch.memory_format) -> Shape:
    return torch.empty(shape, device="meta", memory_format=memory_format).stride()


def _tensor(memory: npt.NDArray[np.uint8], dtype: torch.dtype, shape: Shape, strides: Shape) -> torch.Tensor:
    """Return a tensor that keeps its memory, and is no view of another tensor."""
    storage = torch.from_numpy(memory).untyped_storage()
    return torch.empty(0, dtype=dtype, device=_CPU).set_(storage, 0, tuple(shape), tuple(strides))


def _send(batch: OutgoingBatch) -> tuple[Callable[..., torch.Tensor], tuple[Any, ...]]:
    plain, outgoing = batch.as_subclass(torch.Tensor), batch.outgoing
    if plain.requires_grad or plain.data_ptr() != outgoing.array().ctypes.data:  # set to other memory
        return reduce_tensor(plain)  # type: ignore[no-any-return, no-untyped-call]
    outgoing.announce()
    return _receive, (DupFd(outgoing.file), outgoing.bytes, plain.dtype, tuple(plain.shape), plain.stride())


def _receive(file: Any, size: int, dtype: torch.dtype, shape: Shape, strides: Shape) -> torch.Tensor:
    descriptor = file.detach()
    try:
        memory = _native.receive(descriptor, size)
    except MemoryError as error:
        raise NativeError(
            "this process cannot map another batch that a worker sent: it keeps too many of them (Linux allows some "
            "65,000, vm.max_map_count), or too large ones; let them go, or keep batch.clone() instead"
        ) from error
    finally:
        os.close(descriptor)
    return _tensor(memory, dtype, shape, strides)


ForkingPickler.register(OutgoingBatch, _send)
