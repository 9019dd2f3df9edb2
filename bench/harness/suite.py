"""Measurements: a case hot and cold, a case through a DataLoader, and one thread against two."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from harness import bound
from harness.cases import Case
from harness.check import Pictures, as_pictures, differences, shortcuts
from harness.images import Image, ImageSet, squares
from harness.ops import Ops
from harness.peers import Peer, Unsupported
from harness.peers.ours import Augsynth
from harness.timing import Contender, Timing, Way, fastest, measure

SIDE = 256
COUNT = 8

Advance = Callable[..., object]


@dataclass
class Row:
    """Measurements of one case, hot or cold: µs an image by name, remarks, and libraries without the operation."""

    case: str
    group: str
    temperature: str
    batch: int
    times: dict[str, Timing] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Remarks:
    """Return the differences of each library, and the reasons why some cannot take part."""

    notes: dict[str, list[str]]
    missing: dict[str, str]


def inspect(case: Case, images: ImageSet, ours: Sequence[Peer], peers: Sequence[Peer]) -> Remarks:
    """Compare every library's pictures with the first of ours. A peer that fails is left out, with its reason."""
    found = Remarks({}, {})
    small = squares(images, SIDE, COUNT)
    expected = Pictures.of(ours[0], case.ops, small)
    for contender in ours[1:]:
        found.notes[contender.name] = _remarks(contender, expected, case.ops, small)
    for peer in peers:
        try:
            found.notes[peer.name] = _remarks(peer, expected, case.ops, small)
        except Exception as reason:
            found.missing[peer.name] = str(reason).strip().splitlines()[-1]
    return found


def _remarks(peer: Peer, expected: Pictures, ops: Ops, images: list[Image]) -> list[str]:
    return [*peer.notes(ops), *shortcuts(peer, ops, images), *differences(peer, expected, ops, images)]


def measure_case(
    case: Case, images: ImageSet, entrants: Sequence[Peer], remarks: Remarks, rounds: int, advance: Advance
) -> list[Row]:
    """Measure one case, cold and hot."""
    rows = []
    for temperature, these in (("cold", images), ("hot", images.hot())):
        contenders = _contenders(case, these, [peer for peer in entrants if peer.name not in remarks.missing])
        times = measure(contenders, rounds, advance)
        rows.append(Row(case.name, case.group, temperature, case.batch, times, remarks.notes, remarks.missing))
    return rows


def _contenders(case: Case, images: ImageSet, entrants: Sequence[Peer]) -> list[Contender]:
    """Return the fastest way of each library, and the memory traffic of the case."""
    runs = [(peer.name, fastest(peer.ways(case.ops, images, case.batch), peer.clock), peer.clock) for peer in entrants]
    picture = as_pictures(next(iter(runs[0][1](0))))[0]
    moves = bound.memory_bound(case.ops, images, case.batch, picture.nbytes)
    runs.append((bound.NAME, moves, bound.clock))
    return [Contender(name, run, clock, images.window, len(images.images)) for name, run, clock in runs]


def measure_loader(
    case: Case, images: ImageSet, entrants: Sequence[Peer], remarks: Remarks, rounds: int, advance: Advance
) -> Row:
    """Measure one case through a DataLoader without workers, with collated batches of images and labels."""
    row = Row(case.name, case.group, "DataLoader", case.batch, notes=remarks.notes, missing=dict(remarks.missing))
    contenders = []
    for peer in entrants:
        if peer.name in row.missing:
            continue
        try:
            loader = peer.loader(case.ops, images, case.batch)
        except Unsupported as reason:
            row.missing[peer.name] = str(reason)
            continue
        contenders.append(Contender(peer.name, _epoch(peer, loader), peer.clock, images.window, images.window))
    row.times = measure(contenders, rounds, advance)
    return row


def _epoch(peer: Peer, loader: Any) -> Way:
    def run(start: int) -> Iterator[Any]:
        peer.activate()
        return iter(loader)

    return run


def measure_threads(
    case: Case, images: ImageSet, isa: str, rounds: int, advance: Advance
) -> dict[str, dict[int, Timing]]:
    """Wall-clock µs an image with one thread and with two: a batch call, cold and hot, and its memory traffic alone."""
    found = {}
    for name, these in (("cold", images), ("hot", images.hot())):
        run = Augsynth(isa).ways(case.ops, these, these.window)[0]
        ways = {threads: _with_threads(threads, run) for threads in (1, 2)}
        found[name] = _threads_of(ways, these.window, rounds, advance)
    picture = as_pictures(next(iter(run(0))))[0]
    halves = [replace(images, images=images.images[part::2], window=images.window // 2) for part in (0, 1)]
    whole, *halves_traffic = (
        bound.memory_bound(case.ops, these, these.window, picture.nbytes) for these in (images, *halves)
    )
    found["memory traffic"] = _threads_of({1: whole, 2: bound.at_once(*halves_traffic)}, images.window, rounds, advance)
    return found


def _threads_of(ways: dict[int, Way], window: int, rounds: int, advance: Advance) -> dict[int, Timing]:
    contenders = [Contender(str(threads), run, time.perf_counter, window, window) for threads, run in ways.items()]
    return {int(name): timing for name, timing in measure(contenders, rounds, advance).items()}


def _with_threads(threads: int, run: Way) -> Way:
    def threaded(start: int) -> Iterator[Any]:
        before = os.environ["AUGSYNTH_NUM_THREADS"]
        os.environ["AUGSYNTH_NUM_THREADS"] = str(threads)
        try:
            yield from run(start)
        finally:
            os.environ["AUGSYNTH_NUM_THREADS"] = before

    return threaded
