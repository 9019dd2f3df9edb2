"""Descriptions of a list of images in one call: the same as image by image, for images that a pass can read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from native_rows import DTYPES, picture

from augsynth import _native
from augsynth._native.layout import DType
from augsynth.core.images import DTYPES as READABLE
from augsynth.core.images import as_view
from augsynth.errors import AugsynthError
from augsynth.testing import strategies as aug


@given(images=st.lists(aug.images(), max_size=4))
def test_images_are_described_together_as_one_by_one(images: list[Any]) -> None:
    described = _native.describe(images)
    kinds = {READABLE[image.dtype] for image in images}
    if len(kinds) > 1:
        assert described is None
        return
    assert described is not None
    shapes, dtype = described
    np.testing.assert_array_equal(shapes, np.array([image.shape for image in images], np.int64).reshape(-1, 3))
    assert dtype == (kinds.pop() if kinds else DType.UINT8)


@pytest.mark.parametrize("dtype", DTYPES.values())
def test_subclasses_of_arrays_are_arrays(dtype: Any) -> None:
    described = _native.describe([picture((4, 5, 3), dtype).view(np.recarray)])
    assert described is not None
    assert described[0].tolist() == [[4, 5, 3]]


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 5), np.uint8),
        np.zeros((2, 4, 5, 3), np.uint8),
        np.zeros((4, 5, 17), np.uint8),
        np.zeros((4, 5, 0), np.uint8),
        np.zeros((0, 5, 3), np.uint8),
        np.zeros((4, 0, 3), np.uint8),
        np.zeros((4, 5, 3), np.float16),
        np.zeros((4, 5, 3), np.float64),
        np.zeros((4, 5, 3), np.int8),
        np.zeros((4, 5, 3), ">u2"),
        torch.zeros(3, 4, 5),
        [[[0]]],
        None,
    ],
    ids=str,
)
def test_what_is_no_array_that_a_pass_reads_is_left_to_others(image: Any) -> None:
    good = np.zeros((4, 5, 3), np.uint8)
    assert _native.describe([good]) is not None
    for images in ([image], [good, image], [image, good]):
        assert _native.describe(images) is None
    try:
        view = as_view(image)
    except AugsynthError:
        return
    assert _native.describe([view]) is not None
