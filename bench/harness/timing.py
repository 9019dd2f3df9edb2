"""CPU time by turns: every contender once a round, so that a change of the machine's speed meets all of them alike."""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

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


@dataclass(frozen=True)
class Timing:
    """Microseconds an image: the median over the rounds, the least and the greatest."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, seconds: Sequence[float], images: int) -> Timing:
        """From the seconds that each round took for so many images."""
        each = [1e6 * one / images for one in seconds]
        return cls(median(each), min(each), max(each))


def measure(contenders: Sequence[Contender], rounds: int, advance: Callable[[], object]) -> dict[str, Timing]:
    """Time all contenders in `rounds` rounds, after one that does not count; `advance` is called after each turn.

    Of a set of several windows each turn takes the next one, so that nobody finds images that another left in a cache.
    """
    seconds: dict[str, list[float]] = {one.name: [] for one in contenders}
    turn = 0
    with _frozen_heap():
        for number in range(rounds + 1):
            shift = number % max(1, len(contenders))
            for one in [*contenders[shift:], *contenders[:shift]]:
                start = turn * one.window % (one.length - one.length % one.window)
                spent = _timed(one.run, one.clock, start)
                turn += 1
                if number:
                    seconds[one.name].append(spent)
                advance()
    return {one.name: Timing.of(seconds[one.name], one.window) for one in contenders}


def fastest(runs: Sequence[Pass], clock: Callable[[], float]) -> Pass:
    """The quickest of several ways to do the same, by their better one of two trials."""
    if len(runs) == 1:
        return runs[0]
    with _frozen_heap():
        trials = [min(_timed(run, clock) for _ in range(2)) for run in runs]
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


def _timed(run: Pass, clock: Callable[[], float], start: int = 0) -> float:
    gc.collect()
    gc.disable()
    try:
        begun = clock()
        deque(run(start), maxlen=0)  # nothing is kept: memory is free for the next output
        return clock() - begun
    finally:
        gc.enable()
