"""Sums under a symmetric kernel: the stated order, on every instruction set, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augsynth import _native
from augsynth.errors import ArgumentError


def _in_order(values: np.ndarray, kernel: np.ndarray, step: int) -> np.ndarray:
    """The definition, with NumPy's exactly rounded operations."""
    middle = len(kernel) - 1
    count = len(values) - 2 * middle * step
    taps = [values[t * step : t * step + count] for t in range(2 * middle + 1)]
    total = taps[middle] * kernel[middle]
    for t in range(middle):
        total = total + (taps[t] + taps[2 * middle - t]) * kernel[t]
    return total


@given(seed=st.integers(0, 2**32 - 1), middle=st.integers(0, 12), step=st.integers(1, 9), more=st.integers(0, 200))
def test_sums_are_those_of_the_definition(isa: str, seed: int, middle: int, step: int, more: int) -> None:
    random = np.random.default_rng(seed)
    values = random.normal(size=2 * middle * step + 1 + more).astype(np.float32)
    kernel = random.random(middle + 1, np.float32)
    sums = _native.convolve(values, kernel, step)
    np.testing.assert_array_equal(sums, _in_order(values, kernel, step))


@pytest.mark.parametrize(
    ("count", "weights", "step"), [(4, 3, 1), (10, 2, 5), (5, 2, 0), (5, 2, -1), (5, 0, 1), (5, 2, 2**62)]
)
def test_a_kernel_that_does_not_fit_is_refused(count: int, weights: int, step: int) -> None:
    with pytest.raises(ArgumentError, match="does not fit"):
        _native.convolve(np.zeros(count, np.float32), np.zeros(weights, np.float32), step)


def test_other_dtypes_are_not_converted_silently() -> None:
    with pytest.raises(TypeError):
        _native.convolve(np.zeros(9), np.zeros(1, np.float32), 1)  # type: ignore[arg-type]
