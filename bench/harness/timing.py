"""CPU time by turns: every contender once a round, so that a change of the machine's speed meets all of them alike."""

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
"""Seconds that a turn lasts at least. What a library needs to get going after another's turn (its code and what the
processor learnt of its branches are gone from the caches: 0.5 to 2 ms) would be a third of the time of a short one."""

Pass = Callable[[int], Iterable[Any]]
"""Goes through one window of a set of images, from the given one on, and yields what comes out."""


@dataclass(frozen=True)
class Contender:
    """One way to do the work of a case. `run(start)` goes through a window of `window` images of the set's `length`."""

    name: str
    run: Pass
    clock: Callable[[], float]
    window: int
    length: int

    def start(self, number: int) -> int:
        """Where the window of that number begins; those behind the last one begin again."""
        return number * self.window % (self.length - self.length % self.window)


@dataclass(frozen=True)
class Timing:
    """Microseconds an image: the median over the rounds, the least, the greatest, and the median of first windows."""

    median: float
    low: float
    high: float
    first: float

    @classmethod
    def of(cls, turns: Sequence[Sequence[float]], images: int) -> Timing:
        """From the seconds that each window of each turn took, of so many images."""
        each = [1e6 * mean(turn) / images for turn in turns]
        return cls(median(each), min(each), max(each), median(1e6 * turn[0] / images for turn in turns))


def measure(contenders: Sequence[Contender], rounds: int, advance: Callable[[], object]) -> dict[str, Timing]:
    """Time all contenders in `rounds` rounds, after one that does not count; `advance` is called after each turn.

    A turn is as many windows as last TURN, and one at least. Of a set of several windows each takes the next one, so
    that nobody finds images that another left in a cache.
    """
    turns: dict[str, list[list[float]]] = {one.name: [] for one in contenders}
    with _frozen_heap():
        windows = {one.name: _windows(one, advance) for one in contenders}
        begun = 0
        for number in range(rounds):
            shift = number % max(1, len(contenders))
            for one in [*contenders[shift:], *contenders[:shift]]:
                starts = [one.start(begun + window) for window in range(windows[one.name])]
                turns[one.name].append(_timed(one.run, one.clock, starts))
                begun += len(starts)
                advance()
    return {one.name: Timing.of(turns[one.name], one.window) for one in contenders}


def _windows(one: Contender, advance: Callable[[], object]) -> int:
    """How many windows last a turn, by the second window: the first one meets everything for the first time."""
    seconds = _timed(one.run, one.clock, [one.start(0)])[0]
    if seconds < TURN:
        seconds = _timed(one.run, one.clock, [one.start(1)])[0]
    advance()
    return max(1, ceil(TURN / seconds))


def fastest(runs: Sequence[Pass], clock: Callable[[], float]) -> Pass:
    """The quickest of several ways to do the same, by their better one of two trials."""
    if len(runs) == 1:
        return runs[0]
    with _frozen_heap():
        trials = [min(_timed(run, clock, [0])[0] for _ in range(2)) for run in runs]
    return runs[trials.index(min(trials))]


@contextmanager
def _frozen_heap() -> Iterator[None]:
    """What lives already, hundreds of thousands of objects, is not searched before every turn."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _timed(run: Pass, clock: Callable[[], float], starts: Sequence[int]) -> list[float]:
    """The seconds that each of the windows took."""
    gc.collect()
    gc.disable()
    try:
        read = [clock()]
        for start in starts:
            deque(run(start), maxlen=0)  # nothing is kept: memory is free for the next output
            read.append(clock())
        return [after - before for before, after in pairwise(read)]
    finally:
        gc.enable()
