from __future__ import annotations

import pytest
import torch

from augsynth.engine import checked_device, numbered
from augsynth.errors import NativeError


@pytest.fixture(scope="session")
def gpu() -> torch.device:
    """The CUDA device, for tests that are marked `gpu`."""
    try:
        return numbered(checked_device("cuda"))
    except NativeError as error:
        pytest.skip(f"needs a CUDA device: {error}")
