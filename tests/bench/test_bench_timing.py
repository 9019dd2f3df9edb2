"""Tests of the turns of benchmarks, with a clock that the contenders themselves move."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

BENCH = Path(__file__).parents[2] / "bench"


@pytest.fixture
def timing(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCH))
    return importlib.import_module("harness.timing")


class Clock:
    """Seconds that pass when somebody works."""

    def __init__(self) -> None:
        self.now = 0.0
        self.starts: dict[str, list[int]] = {}
        self.last = ""

    def work(self, name: str, seconds: float, more_at_first: float = 0.0) -> Callable[[int], Iterator[int]]:
        """A pass that takes so long, and longer if somebody else worked before."""

        def run(start: int) -> Iterator[int]:
            self.starts.setdefault(name, []).append(start)
            self.now += seconds + more_at_first * (self.last != name)
            self.last = name
            yield start

        return run


def test_a_turn_lasts_as_many_windows_as_it_needs(timing: ModuleType) -> None:
    clock = Clock()
    quick, slow = timing.TURN / 7.5, timing.TURN * 3
    contenders = [
        timing.Contender("quick", clock.work("quick", quick, more_at_first=quick), lambda: clock.now, 10, 1000),
        timing.Contender("slow", clock.work("slow", slow), lambda: clock.now, 10, 1000),
    ]
    found = timing.measure(contenders, rounds=3, advance=lambda: None)
    assert len(clock.starts["quick"]) == 2 + 3 * 8
    assert len(clock.starts["slow"]) == 1 + 3
    assert found["slow"].median == pytest.approx(1e5 * slow)
    assert found["quick"].median == pytest.approx(1e5 * quick * 9 / 8)
    assert found["quick"].first == pytest.approx(1e5 * quick * 2)


def test_each_window_is_the_next_one(timing: ModuleType) -> None:
    clock = Clock()
    seconds = timing.TURN / 1.5
    contenders = [timing.Contender(name, clock.work(name, seconds), lambda: clock.now, 10, 65) for name in ("a", "b")]
    timing.measure(contenders, rounds=2, advance=lambda: None)
    assert clock.starts["a"][2:] == [0, 10, 0, 10]
    assert clock.starts["b"][2:] == [20, 30, 40, 50]


def test_every_turn_and_trial_moves_the_progress_bar(timing: ModuleType) -> None:
    clock, moved = Clock(), []
    contenders = [timing.Contender(name, clock.work(name, 1.0), lambda: clock.now, 1, 1) for name in ("a", "b", "c")]
    timing.measure(contenders, rounds=4, advance=lambda: moved.append(1))
    assert len(moved) == 3 * (4 + 1)
