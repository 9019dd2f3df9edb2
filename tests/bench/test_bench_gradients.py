"""The benchmark of gradients: both sides do the same work, backward too."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

BENCH = Path(__file__).parents[2] / "bench"


@pytest.fixture(scope="module")
def gradients() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench_gradients", BENCH / "gradients.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(BENCH), *sys.path])
        spec.loader.exec_module(module)
    return module


def test_ours_and_torchs_agree(gradients: ModuleType) -> None:
    images = (torch.rand(gradients.BATCH, 3, gradients.SIDE, gradients.SIDE) * 2 - 1).requires_grad_()
    for case, (ours, theirs) in gradients.works().items():
        pictures = ours(images), theirs(images)
        torch.testing.assert_close(*pictures, rtol=0, atol=1e-4, msg=case)
        weights = torch.randn(images.shape)
        slopes = [torch.autograd.grad(picture, images, weights)[0] for picture in pictures]
        torch.testing.assert_close(*slopes, rtol=0, atol=1e-3, msg=case)
