"""The benchmark of pools, over few images: every way reads the same ones, and the table names all."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest


@pytest.fixture(scope="module")
def pools(script: Callable[[str], ModuleType]) -> ModuleType:
    return script("pools")


def test_all_ways_read_the_same_images(tmp_path: Path, pools: ModuleType) -> None:
    pools.make(tmp_path, samples=3000, mapped=2500, files=20)
    where = np.array([3, 19, 0, 3])
    found = {way: read(where) for way, (read, _, _) in pools.ways(tmp_path).items()}
    images = found.pop("pool.take(positions)").numpy()
    for way, batch in found.items():
        pixels = [np.asarray(item[0] if isinstance(item, tuple) else item).reshape(1, 32, 32) for item in batch]
        assert np.array_equal(pixels, images), way


def test_the_table_names_all_ways(monkeypatch: pytest.MonkeyPatch, pools: ModuleType) -> None:
    monkeypatch.setattr(pools, "BATCHES", 1)
    monkeypatch.setattr(pools, "PNG_BATCHES", 1)
    text = pools.measure(1, partial(pools.make, samples=1100, mapped=1000, files=5))
    assert "1,100 samples" in text
    assert text.count("| `") == 5
