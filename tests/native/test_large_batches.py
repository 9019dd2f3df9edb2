"""Outputs beyond the caches' size are written another way: with the same values, and not a byte beyond them."""

from __future__ import annotations

import numpy as np
import pytest
from native_rows import Array, make_rows, picture, rotation

from augsynth import _native

BYTES = 33 << 20  # more than a call's outputs may have to go through the caches


def aligned(shape: tuple[int, ...], offset: int = 0) -> Array:
    """Floats of NaN, `offset` bytes behind the beginning of a cache line."""
    memory = np.empty(4 * int(np.prod(shape)) + 128, np.uint8)
    start = -memory.ctypes.data % 64 + offset
    array = memory[start : start + 4 * int(np.prod(shape))].view(np.float32).reshape(shape)
    array[:] = np.nan
    return array


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("width", "offset"), [(224, 0), (16, 0), (1008, 0), (224, 32), (250, 0)])
def test_a_large_call_gives_what_small_ones_give(isa: str, width: int, offset: int, threads: int) -> None:
    height = 64
    source = picture((40, 50, 3))
    outputs = aligned((BYTES // (12 * height * width) + 1, 3, height, width), offset)
    small = aligned((3, height, width))
    row = make_rows(source, small, inverse=rotation(0.3, height, width) @ np.diag([0.2, 0.5, 1.0]), gain=0.1, bias=-2.0)
    _native.run(row, [source], [small])
    _native.run(np.repeat(row, len(outputs)), [source] * len(outputs), outputs, threads=threads)
    assert np.array_equal(outputs, np.broadcast_to(small, outputs.shape))


def test_gaps_between_lines_stay_as_they_are(isa: str) -> None:
    source = picture((40, 50, 3))
    whole = aligned((BYTES // (12 * 64 * 224) + 1, 3, 64, 224))
    outputs = whole[..., :200]
    rows = np.repeat(make_rows(source, outputs[0]), len(outputs))
    _native.run(rows, [source] * len(outputs), list(outputs))
    assert np.isfinite(outputs).all()
    assert np.isnan(whole[..., 200:]).all()
