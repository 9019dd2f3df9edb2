"""Times of a device by its own clock: events around each run, after runs that do not count."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import Any

import torch

WARM_UP = 10
COPIED = 2**30  # bytes


def milliseconds(run: Callable[[], Any], repeats: int) -> float:
    """The median over `repeats` runs of the time from an event before each to one behind it.

    Where the processor is slower than the device in giving it work, that time is the processor's.
    """
    for _ in range(WARM_UP):
        run()
    pairs = [(torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)) for _ in range(repeats)]
    torch.cuda.synchronize()
    for begin, end in pairs:
        begin.record()
        run()
        end.record()
    torch.cuda.synchronize()
    return median(begin.elapsed_time(end) for begin, end in pairs)


def copy_bandwidth(device: torch.device) -> float:
    """Bytes a second, read and written, of a copy of 1 GiB within the device."""
    source = torch.empty(COPIED, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return 2 * COPIED / (1e-3 * milliseconds(lambda: target.copy_(source), 20))
