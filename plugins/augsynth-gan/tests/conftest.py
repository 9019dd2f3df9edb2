"""Reproducible hypothesis examples without deadlines, and images of two classes that small GANs learn in a second."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from augsynth_gan import AdversarialGenerator
from hypothesis import settings
from torch.utils.data import TensorDataset

settings.register_profile("augsynth-gan", deadline=None, derandomize=True, max_examples=25)
settings.load_profile("augsynth-gan")


@pytest.fixture(scope="session")
def halves() -> Callable[..., TensorDataset]:
    """Make n images: class 0 is bright above and dark below, class 1 the other way round; brightness varies."""

    def make(n: int = 64, shape: tuple[int, int, int] = (1, 8, 8), seed: int = 0) -> TensorDataset:
        labels, half = torch.arange(n) % 2, shape[1] // 2
        rng = torch.Generator().manual_seed(seed)
        bright = torch.randint(120, 256, (n, 1, 1, 1), generator=rng, dtype=torch.uint8)
        images = torch.full((n, *shape), 20, dtype=torch.uint8)
        images[labels == 0, :, :half] = bright[labels == 0]
        images[labels == 1, :, half:] = bright[labels == 1]
        return TensorDataset(images, labels)

    return make


@pytest.fixture
def short_descents(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `encode` take 4 steps: the rules of the contract hold for any number of them."""
    monkeypatch.setattr(AdversarialGenerator, "inversion_steps", 4)
