"""A small picture and the array that it is written to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from native_rows import picture


@pytest.fixture
def source() -> Any:
    return picture((4, 4, 3))


@pytest.fixture
def output() -> Any:
    return np.full((3, 4, 4), 7, np.uint8)
