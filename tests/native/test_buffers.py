"""Memory of batches: it is used again when nobody holds it, and not before."""

from __future__ import annotations

import gc
import os
import threading
from typing import Any

import numpy as np
import pytest
import torch

from augsynth import _native
from augsynth.engine.memory import SMALLEST_REUSED, empty_arrays, empty_tensor

SHAPE = (16, 3, 128, 128)
MIB = 2**20


def address(array: Any) -> int:
    return int(array.__array_interface__["data"][0])


def test_a_buffer_has_its_size_and_lies_on_huge_pages() -> None:
    for size in (0, 1, 3 * MIB, 5 * MIB + 7):
        array = _native.buffer(size)
        assert array.shape == (size,)
        assert address(array) % (2 * MIB) == 0
        array[:] = 255
    with pytest.raises(MemoryError):
        _native.buffer(2**62)


def test_what_nobody_holds_is_used_again() -> None:
    first = _native.buffer(31 * MIB)
    where = address(first)
    second = _native.buffer(31 * MIB)
    assert abs(address(second) - where) >= 31 * MIB
    del first
    assert address(_native.buffer(30 * MIB)) == where
    assert address(_native.buffer(31 * MIB)) == where


@pytest.mark.parametrize(
    "hold", [lambda t: t[0], lambda t: t.numpy()[1:], lambda t: t.view(torch.uint8), torch.Tensor.detach]
)
def test_a_view_keeps_the_memory(hold: Any) -> None:
    batch = empty_tensor(SHAPE, torch.float32)
    where = batch.data_ptr()
    view = hold(batch.fill_(7))
    before = np.asarray(view).copy()
    del batch
    gc.collect()
    others = [empty_tensor(SHAPE, torch.float32).fill_(9) for _ in range(3)]
    assert where not in [other.data_ptr() for other in others]
    np.testing.assert_array_equal(view, before)
    del view, others
    gc.collect()
    assert where in [one.data_ptr() for one in [empty_tensor(SHAPE, torch.float32) for _ in range(4)]]


def test_a_much_smaller_batch_does_not_hold_a_large_block() -> None:
    where = address(_native.buffer(64 * MIB))
    small = _native.buffer(30 * MIB)
    assert address(small) != where
    assert address(_native.buffer(64 * MIB)) == where


def mapped() -> int:
    """Return the size of the address space of this process."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="needs Linux's /proc")
def test_what_waits_is_bounded() -> None:
    held = [_native.buffer(128 * MIB) for _ in range(12)]
    before = mapped()
    del held
    assert before - mapped() >= 512 * MIB
    kept = mapped()
    held = [_native.buffer(128 * MIB) for _ in range(8)]
    assert mapped() == kept
    too_large = _native.buffer(2**30 + 1)
    del held
    kept = mapped()
    del too_large
    assert kept - mapped() == 2**30 + 2 * MIB


def test_threads_never_share_a_buffer() -> None:
    failures = []

    def work(number: int) -> None:
        for turn in range(300):
            array = _native.buffer((1 + turn % 5) * MIB)
            array[:: 2**16] = number
            if not (array[:: 2**16] == number).all():
                failures.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_and_its_parent_do_not_disturb_each_other() -> None:
    held, waiting = _native.buffer(3 * MIB), _native.buffer(5 * MIB)
    held[:] = 1
    where = address(waiting)
    del waiting
    child = os.fork()
    if child == 0:
        held[:] = 2
        fresh = _native.buffer(5 * MIB)
        fresh[:] = 2
        del held, fresh
        os._exit(0 if (_native.buffer(3 * MIB) == 2).all() else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert (held == 1).all()
    assert address(_native.buffer(5 * MIB)) == where


def test_arrays_in_one_piece_lie_apart() -> None:
    shapes = np.array([[3, 700, 400], [1, 1, 1], [4, 250, 333]])
    arrays = empty_arrays(shapes, np.dtype(np.uint16))
    for number, array in enumerate(arrays):
        array[:] = number
    assert [array.shape for array in arrays] == [tuple(shape) for shape in shapes.tolist()]
    assert [int(array.min()) for array in arrays] == [int(array.max()) for array in arrays] == [0, 1, 2]
    assert empty_arrays(np.zeros((0, 3), np.int64), np.dtype(np.uint8)) == []


@pytest.mark.parametrize("count", [1, 16])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_tensors_are_ordinary_ones(count: int, dtype: torch.dtype, memory_format: torch.memory_format) -> None:
    shape = (count, 3, 256, 256)
    batch, plain = empty_tensor(shape, dtype, memory_format), torch.empty(shape, dtype=dtype)
    assert (count == 1) == (batch.nbytes < SMALLEST_REUSED)
    assert batch.shape == plain.shape
    assert batch.dtype == plain.dtype
    assert batch.is_contiguous(memory_format=memory_format)
    assert batch._base is None
    assert torch.equal(batch.fill_(3).clone(), plain.fill_(3))
