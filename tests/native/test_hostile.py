"""Whatever a row or an image holds, a run is refused with nothing written, or writes its output and nothing else.

Most telling under AddressSanitizer (`make asan`). Each example tries 20 batches of up to 3 rows.
"""

from __future__ import annotations

import numpy as np
import pytest
from hostile_batches import hostile_batch, run_and_look
from hypothesis import given
from hypothesis import strategies as st
from native_rows import make_rows, picture, rotation
from native_tables import missing

from augsynth import _native
from augsynth._native import layout
from augsynth._native.layout import Tables
from augsynth.errors import PlanError

BATCHES = 20


def attempt(rng: np.random.Generator) -> bool:
    """Run one batch and look at all memory before and after; whether it was accepted."""
    return run_and_look(hostile_batch(rng), threads=int(rng.integers(1, 4)))


@given(st.integers(0, 2**63))
def test_hostile_batches_are_refused_or_rendered(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(BATCHES):
        attempt(rng)


def test_both_outcomes_are_common() -> None:
    """Some inputs of the tests above are valid, and some are refused."""
    rng = np.random.default_rng(0)
    accepted = sum(attempt(rng) for _ in range(200))
    assert 40 < accepted < 160


def test_rows_of_random_bytes_are_refused() -> None:
    rng = np.random.default_rng(0)
    source, output = picture((4, 4, 3)), np.zeros((3, 4, 4), np.uint8)
    for _ in range(500):
        rows = rng.integers(0, 256, layout.ROW.itemsize, np.uint8).view(layout.ROW)
        try:
            _native.run(rows, [source], [output])
        except PlanError:
            continue
        raise AssertionError(f"accepted {rows}")


def test_huge_sizes_over_one_pixel_of_memory() -> None:
    """Zero strides let a source be as large as a row can say, and its far corner is still that pixel."""
    source = np.broadcast_to(picture((1, 1, 3)), (2**24, 2**24, 3))
    output = np.zeros((3, 2, 2), np.uint8)
    inverse = np.array([[2.0**23, 0, 0], [0, 2.0**23, 0], [0, 0, 1]])
    for border in layout.Border:
        _native.run(make_rows(source, output, inverse=inverse, border=border), [source], [output])
        assert (output == source[0, 0][:, None, None]).all()


def test_a_source_that_is_too_large_to_be_filled_is_refused() -> None:
    source, output = np.broadcast_to(picture((1, 1, 3)), (2**24, 2**24, 3)), np.zeros((3, 2, 2), np.uint8)
    rows = make_rows(source, output, missing=0)
    with pytest.raises(PlanError, match="row 0: filling its missing values would need 786432 GiB"):
        _native.run(rows, [source], [output], tables=Tables(missing=missing(7.0, 255.0)))


def test_extreme_matrices_stay_inside() -> None:
    """Near overflow, and with w cancelling at a corner as far as float64 can tell."""
    source, output = picture((8, 8, 1)), np.zeros((1, 8, 8), np.uint8)
    rng = np.random.default_rng(0)
    accepted = 0
    for _ in range(2000):
        inverse = rng.normal(size=(3, 3)) * 10.0 ** rng.uniform(-3, 3, (3, 3))
        inverse[2] *= 1e280
        inverse[2, 2] = -min(0, inverse[2, 0] * 8) - min(0, inverse[2, 1] * 8) + 10.0 ** rng.uniform(-6, 270)
        try:
            _native.run(make_rows(source, output, inverse=inverse), [source], [output])
        except PlanError:
            continue
        accepted += 1
    assert accepted > 100


def test_no_more_is_read_of_a_reduced_picture_than_was_made_of_it() -> None:
    """A turned and smaller picture is sampled from a part of a reduced one, and only that part is there."""
    source, output = picture((8, 8, 3)), np.zeros((3, 3, 3), np.uint8)
    for shift in np.linspace(-12, 12, 25):
        inverse = 2.5 * rotation(0.4, 3, 3)
        inverse[2], inverse[:2, 2] = (0, 0, 1), inverse[:2, 2] + shift
        _native.run(make_rows(source, output, inverse=inverse, antialias=1, support=2.5), [source], [output])
