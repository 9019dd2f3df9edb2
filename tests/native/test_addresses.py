"""Arrays at odd addresses are read like any other. Most telling under UndefinedBehaviorSanitizer (`make asan`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from native_rows import unaligned

from augsynth import _native
from augsynth.plan import new_rows

KEYS = np.arange(12).reshape(4, 3)
MAPS = np.random.default_rng(0).normal(size=(4, 3, 3))
IMAGE = np.arange(54, dtype=np.float32).reshape(2, 9, 3)
READERS: dict[str, Callable[[Any], Any]] = {
    "bits": lambda place: _native.draw_bits(place(KEYS), op=0, words=5),
    "uniform numbers": lambda place: _native.draw_uniform(place(KEYS), op=0, count=5),
    "a pipeline's numbers": lambda place: _native.draw_pipeline(place(KEYS), [5])[0],
    "a permutation": lambda place: _native.permute(
        place(np.arange(4)), place(np.full(4, 9)), place(np.arange(48, dtype=np.uint64).reshape(4, 12))
    ),
    "coefficients": lambda place: _native.affine(place(MAPS[:, 0, 0].copy()), 1.0, 2.0, 3.0, 4.0, 5.0),
    "maps": lambda place: _native.compose(place(MAPS), place(MAPS)),
    "a kernel": lambda place: _native.blur(IMAGE, place(np.ones(3, np.float32)), np.ones(1, np.float32)),
    "spread numbers": lambda place: _native.spread(place(MAPS[0]), 1, -2.0, 3.0),
    "sizes and channels": lambda place: _native.make_rows(
        new_rows(1), place(KEYS[:, :2].copy()), place(KEYS[:, :2].copy()), place(np.full(4, 3)), place(MAPS)
    ).tobytes(),
    "channels": lambda place: _native.distinct(place(np.array([3, 1, 3]))),
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS.keys())
def test_odd_addresses_change_nothing(read: Callable[[Any], Any]) -> None:
    np.testing.assert_array_equal(read(unaligned), read(np.copy))
