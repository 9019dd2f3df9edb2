"""Test of the script on the memory of mixes: every case builds and is measured, here with few items."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

BENCH = Path(__file__).parents[2] / "bench"


@pytest.fixture
def mix_memory(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCH))
    return importlib.import_module("mix_memory")


def test_every_case_is_built_and_measured(mix_memory: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mix_memory, "RUNS", 1)
    for prepare, _ in mix_memory.CASES.values():
        build = prepare(1000)
        assert len(build()) == 1000
        kept, peak = mix_memory.memory(build)
        assert 0 < kept <= peak
        assert len(mix_memory.per_item(build())) == 2


def test_memory_is_that_of_what_is_kept_and_of_the_peak(mix_memory: ModuleType) -> None:
    def build() -> object:
        np.ones(100_000, np.uint8)
        return np.ones(50_000, np.uint8)

    kept, peak = mix_memory.memory(build)
    assert 50_000 <= kept < 60_000
    assert 100_000 <= peak < 160_000
