"""Every native ISA gives the reference's picture, within the bounds that docs/design/numerics.md states."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from bounds import assert_native_is_close
from hypothesis import example, given, settings
from hypothesis import strategies as st

from augsynth import _native
from augsynth import transforms as T
from augsynth._native.layout import Interpolation
from augsynth.core.images import DTYPES
from augsynth.engine import CpuExecutor, run
from augsynth.engine.reference import ReferenceExecutor
from augsynth.plan import Pass
from augsynth.testing import strategies as aug


@settings(max_examples=max(300, settings().max_examples))
@given(case=aug.cases())
def test_native_equals_reference_for_any_pipeline(isa: str, case: aug.Case) -> None:
    run(case.plan, [case.image], NativeBesideReference(), None)


class NativeBesideReference(ReferenceExecutor):
    """The reference, which demands of each pass that the native one keeps the stated bounds."""

    def run_pass(self, one: Pass, sources: Any, outputs: Any) -> Any:
        return [assert_native_is_close(one, source).transpose(1, 2, 0) for source in sources]


@given(case=aug.cases(), cut=st.integers(0, 2))
def test_strides_do_not_matter_and_sources_are_untouched(isa: str, case: aug.Case, cut: int) -> None:
    before, first = case.image.copy(), case.plan.passes[0]
    from_view, from_copy = [CpuExecutor().allocate(first.rows) for _ in range(2)]
    _native.run(first.rows, [case.image], from_view, tables=first.tables)
    _native.run(first.rows, [before], from_copy, tables=first.tables)
    np.testing.assert_array_equal(case.image, before)
    if first.rows["interpolation"][0] == Interpolation.BICUBIC and case.image.dtype == np.uint8:
        # Interleaved ones have whole weights, so a value that lies between two levels may fall to either.
        assert_native_is_close(first, case.image)
        assert_native_is_close(first, before)
    else:
        np.testing.assert_array_equal(from_view[0], from_copy[0])


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 16), (1, 5000, 3), (5000, 1, 3), (1, 2, 4), (3, 70_000, 1)])
@pytest.mark.parametrize("border", aug.BORDERS)
def test_odd_shapes_agree_under_rotation(isa: str, shape: tuple[int, int, int], border: str) -> None:
    image = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    affine = T.RandomAffine(180, scale=(0.3, 3), shear=20, border=border, fill=77)
    assert_native_is_close(affine.plan([shape], [(3, 1, 4)]).passes[0], image)


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
    one = T.Compose([]).plan([image.shape], [(0, 0, 0)], dtype=dtype).passes[0]
    one.rows["inverse"] = np.reshape(matrix, (3, 3))
    one.rows["interpolation"], one.rows["border"] = Interpolation.BILINEAR, border
    assert_native_is_close(one, image)


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
    assert_native_is_close(T.Resize(size).plan([image.shape], [(0, 0, 0)], dtype="float32").passes[0], image)


def test_dtypes_are_those_of_the_contract() -> None:
    assert {str(kind) for kind in DTYPES} == set(aug.DTYPES)
