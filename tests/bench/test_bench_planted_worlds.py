"""Verdicts of the sweep where the truth is known: a small version of the experiment in `bench/planted_worlds.py`."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest

SWEEPS = 8


@pytest.mark.slow
def test_verdicts_are_right_and_a_gain_is_hardly_ever_said_wrongly(script: Callable[[str], ModuleType]) -> None:
    worlds = script("planted_worlds")
    counts = worlds.count_answers(SWEEPS)
    right, wrong = worlds.judge(counts)
    total = SWEEPS * len(worlds.WORLDS)
    assert right >= 0.95 * total, counts
    assert wrong <= 0.03 * total, counts
