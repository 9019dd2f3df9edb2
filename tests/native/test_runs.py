"""Pixels that lie side by side are moved many at a time; what comes out is what NumPy's indices pick."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from native_rows import make_rows, picture

from augsynth import _native
from augsynth._native.layout import Interpolation

PADDING = 5


@pytest.mark.parametrize("width", [1, 7, 8, 9, 31, 32, 33, 70, 300])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_runs_are_moved_as_single_pixels_would_be(
    isa: str, dtype: Any, mirrored: bool, channels: int, width: int
) -> None:
    picked = np.clip(np.arange(-PADDING, width + PADDING), 0, width - 1)
    inverse = np.eye(3)
    inverse[0, 2] = -PADDING
    if mirrored:
        inverse[0], picked = (-1, 0, width + PADDING), width - 1 - picked
    image = picture((3, width, channels))
    for source in (image, image[:, ::-1], np.broadcast_to(image[:1], image.shape)):
        output = np.zeros((channels, 3, width + 2 * PADDING), dtype)
        _native.run(make_rows(source, output, inverse=inverse, interpolation=Interpolation.NEAREST), [source], [output])
        np.testing.assert_array_equal(output, source[:, picked].transpose(2, 0, 1))
