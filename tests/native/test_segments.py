"""Memory that is sent to another process: neither end's is used again while either holds it."""

from __future__ import annotations

import copy
import io
import os
import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from augsynth import _native
from augsynth import transforms as T
from augsynth.engine import memory
from augsynth.engine.memory import OutgoingBatch, empty_tensor
from augsynth.errors import NativeError

SIZE = 3 * 2**20


def address(array: Any) -> int:
    return int(array.__array_interface__["data"][0])


def sent(value: int) -> tuple[_native.Outgoing, Any, Any]:
    """Both ends of a segment full of `value`."""
    outgoing = _native.Outgoing(SIZE)
    array = outgoing.array()
    array[:] = value
    outgoing.announce()
    return outgoing, array, _native.receive(outgoing.file, SIZE)


def test_both_ends_are_the_same_memory() -> None:
    outgoing, array, received = sent(7)
    assert (received == 7).all()
    assert address(received) != address(array)
    array[5] = 9
    assert received[5] == 9
    assert outgoing.bytes == len(received) == len(array) == SIZE


def test_a_segment_waits_for_both_ends() -> None:
    outgoing, array, received = sent(1)
    where, view = address(array), received[10:20]
    del outgoing, received
    assert address(sent(2)[1]) != where  # the array is held
    del array
    assert address(sent(3)[1]) != where  # the receiver's view is held
    assert (view == 1).all()
    del view
    assert where in [address(array) for _, array, _ in [sent(4), sent(5), sent(6), sent(7)]]


def test_every_announced_receiver_counts() -> None:
    outgoing, array, received = sent(1)
    where = address(array)
    outgoing.announce()
    descriptor = os.dup(outgoing.file)
    del outgoing, array, received
    assert address(sent(2)[1]) != where
    late = _native.receive(descriptor, SIZE)
    os.close(descriptor)
    assert (late == 1).all()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_what_a_forked_child_drops_is_still_held() -> None:
    outgoing, array, received = sent(1)
    where = address(array)
    child = os.fork()
    if child == 0:
        del outgoing, array, received
        os._exit(0 if address(sent(9)[1]) else 1)
    assert os.waitpid(child, 0)[1] == 0
    del outgoing, array
    assert address(sent(2)[1]) != where
    assert (received == 1).all()


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs Linux")
def test_what_receivers_keep_takes_few_files() -> None:
    before = open_files()
    kept = [(value, sent(value)[2]) for value in range(200)]
    assert open_files() - before < 70
    assert all((received == value).all() for value, received in kept)
    del kept
    where = {address(array) for _, array, _ in [sent(value) for value in range(20)]}
    assert where & {address(sent(value)[1]) for value in range(20)}  # and memory is still used again


def outgoing_batch(monkeypatch: pytest.MonkeyPatch) -> torch.Tensor:
    monkeypatch.setattr(memory, "get_worker_info", lambda: object())
    return empty_tensor((4, 3, 5, 6), torch.float32, torch.channels_last).fill_(3)


def test_what_is_made_of_an_outgoing_batch_is_an_ordinary_tensor(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = outgoing_batch(monkeypatch)
    assert isinstance(batch, OutgoingBatch)
    assert batch.is_contiguous(memory_format=torch.channels_last)
    file = io.BytesIO()
    torch.save(batch, file)
    file.seek(0)
    made = [batch[0], batch + 0, batch.numpy(), copy.copy(batch), copy.deepcopy(batch), torch.load(file)]
    made.append(pickle.loads(pickle.dumps(batch)))
    for one in made:
        assert type(one) in (torch.Tensor, np.ndarray)
        assert (one == 3).all()


def test_a_single_image_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    outgoing_batch(monkeypatch)
    assert type(empty_tensor((1, 3, 5, 6), torch.float32)) is torch.Tensor


def test_a_worker_without_files_sends_as_torch_does(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(size: int) -> None:
        raise MemoryError

    monkeypatch.setattr(memory._native, "Outgoing", refused)
    batch = outgoing_batch(monkeypatch)
    assert type(batch) is torch.Tensor
    assert (batch == 3).all()


def test_a_receiver_that_cannot_map_more_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = outgoing_batch(monkeypatch)
    rebuild, arguments = memory._send(batch)  # type: ignore[arg-type]

    def refused(file: int, size: int) -> None:
        raise MemoryError

    monkeypatch.setattr(memory._native, "receive", refused)
    with pytest.raises(NativeError, match=r"keeps too many of them.*batch\.clone\(\)"):
        rebuild(*arguments)


class Numbered(Dataset[int]):
    """Sixteen batches of three images each, full of the batch's number, as a worker's transform makes them."""

    def __len__(self) -> int:
        return 48

    def __getitem__(self, index: int) -> int:
        return index // 3


def numbered(number: int) -> Any:
    """An image (H, W, C) of its number, no two of whose axes can be taken for each other."""
    return np.arange(40 * 50 * 3, dtype=np.uint8).reshape(40, 50, 3) ^ np.uint8(number)


def transformed(numbers: list[int]) -> tuple[torch.Tensor, int, bool]:
    """The batch, where the worker wrote it, and whether it is going to be sent as it is."""
    transform = T.Compose([T.ToDtype("bfloat16")], memory_format="channels_last")
    batch = transform.batch(np.stack([numbered(number) for number in numbers]))
    return batch, batch.data_ptr(), isinstance(batch, OutgoingBatch)


def holds(batch: torch.Tensor, number: int) -> bool:
    expected = torch.from_numpy(numbered(number)).permute(2, 0, 1).to(torch.bfloat16)
    return torch.equal(batch, expected.expand(len(batch), -1, -1, -1))


def loader(workers: int, method: str | None) -> DataLoader[int]:
    return DataLoader(
        Numbered(), 3, num_workers=workers, collate_fn=transformed, multiprocessing_context=method, prefetch_factor=2
    )


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_worker_writes_where_dropped_batches_were(method: str) -> None:
    places = set()
    for number, (batch, place, outgoing) in enumerate(loader(1, method)):
        assert outgoing
        assert type(batch) is torch.Tensor
        assert holds(batch, number)
        assert batch.is_contiguous(memory_format=torch.channels_last)
        places.add(place)
        del batch
    assert len(places) < 8


def test_a_worker_leaves_alone_what_is_held() -> None:
    batches = [(batch[1:], place) for batch, place, _ in loader(1, "fork")]
    assert len({place for _, place in batches}) == 16
    assert all(holds(batch, number) for number, (batch, _) in enumerate(batches))


KEEPING = """
import resource, sys, torch
from torch.utils.data import DataLoader
from augsynth import transforms as T

resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200))
torch.multiprocessing.set_sharing_strategy(sys.argv[1])
FLIP = T.RandomHorizontalFlip(1.0)

class Batches(torch.utils.data.Dataset):
    def __len__(self):
        return 500

    def __getitem__(self, number):
        return FLIP.batch(torch.full((2, 3, 4, 4), number % 251, dtype=torch.uint8))

loader = DataLoader(Batches(), None, num_workers=1, persistent_workers=True, multiprocessing_context="fork")
kept = [batch for epoch in range(2) for batch in loader]
assert all((batch == number % 500 % 251).all() for number, batch in enumerate(kept))
print(len(kept))
"""


@pytest.mark.parametrize("strategy", ["file_system", "file_descriptor"])
def test_more_batches_are_kept_than_files_can_be_open(strategy: str) -> None:
    run = subprocess.run([sys.executable, "-c", KEEPING, strategy], capture_output=True, text=True, timeout=120)
    assert run.stdout.strip() == "1000", run.stderr[-2000:]
