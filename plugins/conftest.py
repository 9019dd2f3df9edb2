"""For the tests of all plugins: one thread, and images of two classes that small networks learn quickly."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch.utils.data import TensorDataset


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """Small networks are slower on two threads, and far slower where other processes share the cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def bars() -> TensorDataset:
    """64 images 1x8x8 of two classes: a bar along some row, or along some column."""
    labels = torch.arange(64) % 2
    images = torch.zeros(64, 1, 8, 8, dtype=torch.uint8)
    for k in range(64):
        images[k, 0, (k // 2) % 8] = 255
    images[labels == 1] = images[labels == 1].transpose(2, 3)
    return TensorDataset(images, labels)
