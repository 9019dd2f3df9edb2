"""The benchmark of gradients: both sides do the same work, backward too."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest
import torch


@pytest.fixture(scope="module")
def gradients(script: Callable[[str], ModuleType]) -> ModuleType:
    return script("gradients")


def test_ours_and_torchs_agree(gradients: ModuleType) -> None:
    images = (torch.rand(gradients.BATCH, 3, gradients.SIDE, gradients.SIDE) * 2 - 1).requires_grad_()
    for case, (ours, theirs) in gradients.works().items():
        pictures = ours(images), theirs(images)
        torch.testing.assert_close(*pictures, rtol=0, atol=1e-4, msg=case)
        weights = torch.randn(images.shape)
        slopes = [torch.autograd.grad(picture, images, weights)[0] for picture in pictures]
        torch.testing.assert_close(*slopes, rtol=0, atol=1e-3, msg=case)
