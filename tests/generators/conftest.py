"""Fixtures for the tests of generators."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch.utils.data import TensorDataset


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """Tiny networks run faster on one thread, and far faster beside other busy processes."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def images() -> TensorDataset:
    """30 images of 1x8x8 in 3 classes, of different brightness."""
    labels = torch.arange(30) % 3
    noise = torch.randint(0, 100, (30, 1, 8, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    return TensorDataset(noise + (70 * labels).to(torch.uint8)[:, None, None, None], labels)
