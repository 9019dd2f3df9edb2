"""A batch's way from a DataLoader worker to its reader: in memory that both know, and as torch sends tensors.

    python bench/transport.py [--rounds 9] [--write]

A worker fills a batch and sends it; the reader reads all of it. Three ways take turns in one run: `OutgoingBatch`
(what a pipeline writes in a worker), a tensor in ordinary memory that torch copies into shared memory as it sends it,
and a tensor in fresh shared memory, where `default_collate` writes. "dropped": the reader drops each batch before it
takes the next, as a training loop does, so that memory can be used again. "kept": it keeps all, so every batch needs
fresh pages. Every turn starts its workers anew. Its first batches do not count.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import torch
from harness import machine
from harness.script import print_table
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from augsynth.engine import memory

RESULTS = Path(__file__).parent / "results" / "transport.md"
SHAPES: dict[str, tuple[tuple[int, ...], torch.dtype]] = {
    "128 of uint8 1x28x28 (0.1 MB)": ((128, 1, 28, 28), torch.uint8),
    "64 of uint8 3x64x64 (0.8 MB)": ((64, 3, 64, 64), torch.uint8),
    "64 of uint8 3x224x224 (9.6 MB)": ((64, 3, 224, 224), torch.uint8),
    "64 of float32 3x224x224 (39 MB)": ((64, 3, 224, 224), torch.float32),
}
BATCHES, NOT_COUNTED = 24, 8


def outgoing(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Memory of augsynth that the reader maps."""
    return memory.empty_tensor(shape, dtype)


def ordinary(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Memory of this process alone, which a pipeline takes outside of workers: torch copies it to send it."""
    return memory.empty_tensor(shape, dtype).as_subclass(Tensor)


def shared(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Fresh shared memory of torch, as `default_collate` takes it for its result."""
    storage = torch.UntypedStorage._new_shared(prod(shape) * dtype.itemsize, device="cpu")
    return torch.empty(0, dtype=dtype).set_(storage, 0, shape)


WAYS: dict[str, Callable[[tuple[int, ...], torch.dtype], Tensor]] = {
    "augsynth": outgoing,
    "torch, copied": ordinary,
    "torch, shared": shared,
}


class Batches(Dataset[Any]):
    """Batches that a worker fills with their number, each with the CPU time of the worker until then."""

    def __init__(self, way: str, shape: tuple[int, ...], dtype: torch.dtype) -> None:
        self.way, self.shape, self.dtype = way, shape, dtype

    def __len__(self) -> int:
        return BATCHES

    def __getitem__(self, number: int) -> tuple[Tensor, int, float]:
        batch = WAYS[self.way](self.shape, self.dtype).fill_(number)
        return batch, torch.utils.data.get_worker_info().id, time.process_time()


def in_worker(way: str, number: int) -> None:
    """Make an ordinary tensor of every batch of a worker, as where a worker has no file for another one."""
    torch.set_num_threads(1)
    if way == "torch, copied":
        memory._outgoing = lambda size: None


@dataclass(frozen=True)
class Cost:
    """Microseconds a batch: CPU time of the workers and of the reader, and elapsed time."""

    worker: float
    reader: float
    elapsed: float

    @property
    def cpu(self) -> float:
        """Both processes' CPU time."""
        return self.worker + self.reader


def turn(way: str, shape: tuple[int, ...], dtype: torch.dtype, workers: int, kept: bool) -> Cost:
    """The cost of a batch, over those after the first ones."""
    loader: DataLoader[Any] = DataLoader(
        Batches(way, shape, dtype),
        batch_size=None,
        collate_fn=lambda item: item,
        num_workers=workers,
        multiprocessing_context="fork",
        worker_init_fn=lambda number: in_worker(way, number),
    )
    keeping, seconds, first = [], {}, {}
    for number, (batch, worker, used) in enumerate(loader):
        batch.view(-1).view(torch.int64).sum()
        if kept:
            keeping.append(batch)
        del batch
        seconds[worker] = used
        if number < NOT_COUNTED:
            first[worker] = used
            start = time.perf_counter(), time.process_time()
    elapsed, reader = time.perf_counter() - start[0], time.process_time() - start[1]
    spent = sum(seconds[worker] - first[worker] for worker in seconds)
    return Cost(*(part / (BATCHES - NOT_COUNTED) * 1e6 for part in (spent, reader, elapsed)))


def measure(rounds: int) -> dict[tuple[str, int, str], dict[str, list[Cost]]]:
    """The costs of all ways, by shape, number of workers, and what becomes of a batch; in turns."""
    cases = list(itertools.product(SHAPES, (1, 2), ("dropped", "kept")))
    costs: dict[tuple[str, int, str], dict[str, list[Cost]]] = {case: {way: [] for way in WAYS} for case in cases}
    for number in range(rounds):
        order = list(WAYS)[number % len(WAYS) :] + list(WAYS)[: number % len(WAYS)]
        for case, way in itertools.product(cases, order):
            shape, workers, fate = case
            costs[case][way].append(turn(way, *SHAPES[shape], workers, fate == "kept"))
    return costs


def report(costs: dict[tuple[str, int, str], dict[str, list[Cost]]], rounds: int) -> str:
    """The table in Markdown."""
    where = machine.describe()
    lines = [
        "# From a worker to the reader",
        "",
        f"Microseconds a batch, the median of {rounds} rounds in turns: CPU time of worker and reader together, and in",
        "brackets elapsed time. The ratios say how many times as much CPU time torch's ways took.",
        "",
        f"| batch | workers | batches are | {' | '.join(WAYS)} | ratios |",
        "|---|---|---|---|---|---|---|",
    ]
    for (shape, workers, fate), by_way in costs.items():
        cpu = [statistics.median(cost.cpu for cost in by_way[way]) for way in WAYS]
        elapsed = [statistics.median(cost.elapsed for cost in by_way[way]) for way in WAYS]
        cells = [f"{a:,.0f} ({b:,.0f})" for a, b in zip(cpu, elapsed, strict=True)]
        ratios = " ".join(f"{other / cpu[0]:.2f}" for other in cpu[1:])
        lines.append(f"| {shape} | {workers} | {fate} | {' | '.join(cells)} | {ratios} |")
    about = f"{where['processor']}, {where['cores']} cores, torch {torch.__version__}, augsynth at {where['commit']}"
    return "\n".join(
        [*lines, "", f"{about}, {where['date']}, load {machine.load()}. Written by bench/transport.py.", ""]
    )


def main() -> None:
    """Measure, print, and store the table with --write."""
    print_table(__doc__, RESULTS, 9, lambda rounds: report(measure(rounds), rounds))


if __name__ == "__main__":
    main()
