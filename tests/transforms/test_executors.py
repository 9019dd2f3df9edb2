"""Every native ISA gives the reference's picture, within the bounds that docs/design/numerics.md states."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from augsynth import _native, reference
from augsynth import transforms as T
from augsynth.execute import allocate
from augsynth.images import DTYPES
from augsynth.layout import DType, Interpolation, Noise
from augsynth.plan import FULL_SCALE, Rows
from augsynth.testing import strategies as aug

FLOAT_BOUND = 1e-5
FIXED_POINT_BOUND = 1 / 16 / 255
ROUNDING = 2.0**-20


def filter_bound(row: np.void) -> float:
    """How far a uint8 sample that is filtered along the axes may be from the exact one, in levels."""
    bicubic = row["interpolation"] == Interpolation.BICUBIC
    support = row["support"] if row["antialias"] else np.ones(2)
    taps = np.ceil(2 * support * (2 if bicubic else 1))
    largest = 1.5 if bicubic else 1.0
    return float(1 / 64 + (largest * (taps - 1) * 128 / 2**14).sum())


def sampling_bound(row: np.void) -> float:
    """How far a sampled value may be from the exact one, in the source's units."""
    scale = FULL_SCALE[DType(row["source_dtype"])]
    if row["interpolation"] == Interpolation.NEAREST:
        return 0.0
    if row["antialias"] and not reference.keeps_axes(row):
        flipped = 0.0 if row["source_dtype"] == DType.FLOAT32 else 1.0  # a value between two levels is rounded first
        return 2 * (flipped + FLOAT_BOUND * scale) + sampling_bound(reference.warp_of(row))
    if row["source_dtype"] != DType.UINT8:
        return FLOAT_BOUND * scale
    return max(FIXED_POINT_BOUND * scale, filter_bound(row))


def rounding_bound(row: np.void, source: npt.NDArray[np.generic]) -> float:
    """How far an output may be from the one that its sampled value leads to, before it is stored."""
    brightest = np.abs(source.astype(np.float64)).max(where=np.isfinite(source), initial=0.0)
    noise = np.abs(row["noise_parameters"]).max()
    if row["noise"] == Noise.SPECKLE:
        noise *= brightest
    largest = max(brightest, np.abs(row["fill"]).max()) + 7 * noise
    gain, bias = np.abs(row["gain"]).max(), np.abs(row["bias"]).max()
    return float(ROUNDING * (largest * gain + bias))


def envelope(row: np.void, source: npt.NDArray[np.generic]) -> tuple[npt.NDArray[np.float64], ...]:
    """Between what two values the output must lie before it is stored.

    All that a pass does to a sampled value is monotone in it, a Poisson count for given bits too. So the ends of what
    may have been sampled lead to the ends of what may come out, though a count jumps where a probability is reached.
    """
    sampled = reference.sample(row, source)
    # A quantile that is 3e-8 off moves a large count as a mean does that is off by less than this part of itself.
    bound = sampling_bound(row) + (1e-6 * np.abs(sampled) if row["noise"] == Noise.POISSON else 0.0)
    ends = [reference.finish(row, sampled + shift) for shift in (-bound, 0.0, bound)]
    if row["noise"] == Noise.POISSON:
        # Where the approximation for large means begins, it may be a count away from the sum.
        mean = sampled / row["noise_parameters"][0]
        jump = np.abs(mean - reference.LARGE_MEAN) * row["noise_parameters"][0] <= bound
        count = jump * row["noise_parameters"][0] * np.abs(row["gain"]).max()
        ends += [ends[1] - count, ends[1] + count]
    rounding = rounding_bound(row, source)
    return np.min(ends, axis=0) - rounding, np.max(ends, axis=0) + rounding


def moves_only(row: np.void) -> bool:
    return bool(
        row["interpolation"] == Interpolation.NEAREST
        and row["noise"] == Noise.NONE
        and np.all(row["gain"] == 1)
        and np.all(row["bias"] == 0)
    )


def assert_native_is_close(rows: Rows, source: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    """Run one row on both executors, demand the stated bounds, and return the reference's output."""
    row = rows[0]
    expected = reference.store(reference.render(row, source), DType(row["output_dtype"]))
    actual = allocate(rows)[0]
    _native.run(rows, [source], [actual])
    if moves_only(row):
        np.testing.assert_array_equal(actual, expected)
        return expected
    low, high = envelope(row, source)
    if actual.dtype != np.float32:
        low, high = (np.clip(end, 0, np.iinfo(actual.dtype).max) + half for end, half in ((low, -0.5), (high, 0.5)))
    np.testing.assert_array_equal(np.isnan(actual), np.isnan(low))
    assert not np.any((actual < low) | (actual > high))
    return expected


@settings(max_examples=max(300, settings().max_examples))
@given(case=aug.cases())
def test_native_equals_reference_for_any_pipeline(isa: str, case: aug.Case) -> None:
    source = case.image
    for rows in (one.rows for one in case.plan.passes):
        source = assert_native_is_close(rows, source).transpose(1, 2, 0)


@given(case=aug.cases(), cut=st.integers(0, 2))
def test_strides_do_not_matter_and_sources_are_untouched(isa: str, case: aug.Case, cut: int) -> None:
    before = case.image.copy()
    from_view, from_copy = [allocate(case.plan.passes[0].rows) for _ in range(2)]
    _native.run(case.plan.passes[0].rows, [case.image], from_view)
    _native.run(case.plan.passes[0].rows, [before], from_copy)
    np.testing.assert_array_equal(from_view[0], from_copy[0])
    np.testing.assert_array_equal(case.image, before)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 16), (1, 5000, 3), (5000, 1, 3), (1, 2, 4), (3, 70_000, 1)])
@pytest.mark.parametrize("border", aug.BORDERS)
def test_odd_shapes_agree_under_rotation(isa: str, shape: tuple[int, int, int], border: str) -> None:
    image = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    rows = (
        T.RandomAffine(180, scale=(0.3, 3), shear=20, border=border, fill=77).plan([shape], [(3, 1, 4)]).passes[0].rows
    )
    assert_native_is_close(rows, image)


@example(matrix=[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.02, -0.01, 1.0], dtype="uint8", border=0)
@given(
    matrix=st.lists(st.floats(-0.02, 0.02), min_size=9, max_size=9).map(
        lambda e: [1 + 30 * e[0], 30 * e[1], 500 * e[2], 30 * e[3], 1 + 30 * e[4], 500 * e[5], e[6], e[7], 1 + e[8]]
    ),
    dtype=st.sampled_from(aug.DTYPES),
    border=st.integers(0, 4),
)
def test_perspective_rows_agree(isa: str, matrix: list[float], dtype: str, border: int) -> None:
    image = np.random.default_rng(2).random((17, 23, 3), dtype=np.float32)
    if dtype != "float32":
        image = (image * np.iinfo(dtype).max).astype(dtype)
    rows = T.Compose([]).plan([image.shape], [(0, 0, 0)], dtype=dtype).passes[0].rows
    rows["inverse"] = np.reshape(matrix, (3, 3))
    rows["interpolation"], rows["border"] = Interpolation.BILINEAR, border
    assert_native_is_close(rows, image)


def test_a_pixel_of_nan_reaches_only_the_pixels_that_see_it(isa: str) -> None:
    image = np.zeros((9, 9, 1), np.float32)
    image[4, 4] = np.nan
    result = T.RandomTranslate((0.0, 0.0))(image, key=(0, 0, 0)).numpy()
    assert np.isnan(result[0, 4, 4])
    assert not np.isnan(np.delete(result.ravel(), [3 * 9 + 3, 3 * 9 + 4, 4 * 9 + 3, 4 * 9 + 4])).any()
    assert T.ToDtype("uint8")(image)[0, 4, 4] == 0


@pytest.mark.parametrize("size", [(2, 2), (3, 9), (20, 4)])
def test_antialiasing_leaves_out_taps_beyond_the_frame_even_beside_nan(isa: str, size: tuple[int, int]) -> None:
    image = np.random.default_rng(4).random((9, 9, 1), dtype=np.float32)
    image[:, 0] = np.nan
    assert_native_is_close(T.Resize(size).plan([image.shape], [(0, 0, 0)], dtype="float32").passes[0].rows, image)


def test_dtypes_are_those_of_the_contract() -> None:
    assert {str(kind) for kind in DTYPES} == set(aug.DTYPES)
