"""CPU time by turns: every contender has one turn a round, so a change of the machine's speed affects all equally."""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from statistics import mean, median
from typing import Any

TURN = 0.05
"""Least time of a turn in seconds. After the turn of another library, code and branch predictions are gone from the
caches. Recovering takes 0.5 to 2 ms, which would be a third of the time of a short turn."""

Way = Callable[[int], Iterable[Any]]
"""Function that goes through one window of a set of images, from a given image on, and yields the outputs."""


@dataclass(frozen=True)
class Contender:
    """Contender: one way to do the work of a case, over windows of `window` images of a set of `length` images."""

    name: str
    run: Way
    clock: Callable[[], float]
    window: int
    length: int

    def start(self, number: int) -> int:
        """Return the first image of a window; after the last window, the first one follows again."""
        return number * self.window % (self.length - self.length % self.window)


@dataclass(frozen=True)
class Timing:
    """Microseconds an image: median, smallest and largest value over the rounds, and the median of first windows."""

    median: float
    low: float
    high: float
    first: float

    @classmethod
    def of(cls, turns: Sequence[Sequence[float]], images: int) -> Timing:
        """Return the timing from the seconds of each window of each turn; a window has `images` images."""
        each = [1e6 * mean(turn) / images for turn in turns]
        return cls(median(each), min(each), max(each), median(1e6 * turn[0] / images for turn in turns))


def measure(contenders: Sequence[Contender], rounds: int, advance: Callable[[], object]) -> dict[str, Timing]:
    """Time all contenders in `rounds` rounds, after one that does not count; `advance` is called after each turn.

    A turn has enough windows to last TURN, and at least one. If a set has several windows, each contender takes the
    next one, so that no contender finds images in a cache because of another.
    """
    turns: dict[str, list[list[float]]] = {contender.name: [] for contender in contenders}
    with _frozen_heap():
        windows = {contender.name: _windows(contender, advance) for contender in contenders}
        used = 0
        for number in range(rounds):
            shift = number % max(1, len(contenders))
            for contender in [*contenders[shift:], *contenders[:shift]]:
                starts = [contender.start(used + window) for window in range(windows[contender.name])]
                turns[contender.name].append(_timed(contender.run, contender.clock, starts))
                used += len(starts)
                advance()
    return {contender.name: Timing.of(turns[contender.name], contender.window) for contender in contenders}


def _windows(contender: Contender, advance: Callable[[], object]) -> int:
    """Return the number of windows in a turn, from the time of the second window: caches are empty for the first."""
    seconds = _timed(contender.run, contender.clock, [contender.start(0)])[0]
    if seconds < TURN:
        seconds = _timed(contender.run, contender.clock, [contender.start(1)])[0]
    advance()
    return max(1, ceil(TURN / seconds))


def fastest(runs: Sequence[Way], clock: Callable[[], float]) -> Way:
    """Return the fastest of several ways to do the same work, by the better of two trials."""
    if len(runs) == 1:
        return runs[0]
    with _frozen_heap():
        trials = [min(_timed(run, clock, [0])[0] for _ in range(2)) for run in runs]
    return runs[trials.index(min(trials))]


@contextmanager
def _frozen_heap() -> Iterator[None]:
    """Keep the garbage collector from searching hundreds of thousands of existing objects before every turn."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _timed(run: Way, clock: Callable[[], float], starts: Sequence[int]) -> list[float]:
    """Return the seconds of each window."""
    gc.collect()
    gc.disable()
    try:
        read = [clock()]
        for start in starts:
            deque(run(start), maxlen=0)  # outputs are dropped, so their memory is free for the next ones
            read.append(clock())
        return [after - before for before, after in pairwise(read)]
    finally:
        gc.enable()
