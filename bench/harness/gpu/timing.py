"""Times of a device by its own clock: events around each run, after runs that do not count."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import torch

Run = Callable[[], Any]

WARM_UP = 10
LEAST = 3
PATIENCE = 4.0  # seconds for one figure, roughly
COPIED = 2**30  # bytes


def milliseconds(run: Run, repeats: int, device: torch.device) -> float:
    """The median over `repeats` runs, or fewer of slow ones, of the time from an event before each to one behind it.

    Where the processor is slower than the device in giving it work, that time is the processor's. Without a device,
    which is for trying things out, it is the processor's clock.
    """
    clock = _by_events if device.type == "cuda" else _by_the_processor
    run()
    warm_up, counted = rounds(clock(run, 1)[0], repeats)
    for _ in range(warm_up):
        run()
    return median(clock(run, counted))


def rounds(milliseconds: float, repeats: int) -> tuple[int, int]:
    """Return the number of runs that do not count, and of those that do, for the time of one run."""
    affordable = int(1000 * PATIENCE / max(milliseconds, 1e-3))
    return min(WARM_UP, affordable // 4), max(LEAST, min(repeats, affordable))


def copy_bandwidth(device: torch.device) -> float:
    """Bytes a second, read and written, of a copy of 1 GiB within the device."""
    source = torch.empty(COPIED, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return 2 * COPIED / (1e-3 * milliseconds(lambda: target.copy_(source), 20, device))


def _by_events(run: Run, repeats: int) -> list[float]:
    pairs = [(torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)) for _ in range(repeats)]
    torch.cuda.synchronize()
    for begin, end in pairs:
        begin.record()
        run()
        end.record()
    torch.cuda.synchronize()
    return [begin.elapsed_time(end) for begin, end in pairs]


def _by_the_processor(run: Run, repeats: int) -> list[float]:
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        run()
        times.append(1e3 * (time.perf_counter() - begin))
    return times
