"""Copies of images with the small changes that a generator, or someone who hides a copy, makes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F


def digits() -> Tensor:
    """1,797 images 1x8x8 of scikit-learn, in a random order."""
    images = pytest.importorskip("sklearn.datasets").load_digits().images
    return _shuffled(torch.from_numpy((images * 15.9).astype(np.uint8))[:, None])


def mnist(folder: Path) -> Tensor:
    """10,000 images 1x28x28, in a random order."""
    return _shuffled(torch.from_numpy(np.load(folder / "mnist10k.npz")["images"])[:, None])


def near_copies(images: Tensor, seed: int = 0) -> Tensor:
    """Shift by up to 2 pixels, mirror half of them, change brightness and contrast, and add noise of 10 levels."""
    rng = torch.Generator().manual_seed(seed)
    return torch.stack([_near_copy(image.float(), rng) for image in images])


def _near_copy(image: Tensor, rng: torch.Generator) -> Tensor:
    height, width = image.shape[1:]
    down, right, mirrored = (int(torch.randint(n, (), generator=rng)) for n in (5, 5, 2))
    moved = F.pad(image[None], (2, 2, 2, 2), mode="replicate")[0, :, down : down + height, right : right + width]
    contrast, brightness = torch.rand(2, generator=rng).tolist()
    seen = (moved.flip(2) if mirrored else moved) * (0.8 + 0.4 * contrast) + 30 * brightness - 15
    noisy = seen + 10 * torch.randn(seen.shape, generator=rng)
    return noisy.clamp(0, 255).round().to(torch.uint8)


def _shuffled(images: Tensor) -> Tensor:
    return images[torch.randperm(len(images), generator=torch.Generator().manual_seed(0))]
