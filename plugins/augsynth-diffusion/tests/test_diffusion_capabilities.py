"""What the capabilities of the diffusion models mean: variations, steering."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from augsynth_diffusion import Diffusion
from diffusion_checks import share_of_class
from torch import Tensor
from torch.utils.data import TensorDataset

from augsynth.errors import ArgumentError


def test_strength_sets_how_far_variations_go(fitted: Diffusion, bars: TensorDataset) -> None:
    images, labels = (tensor[:32] for tensor in bars.tensors)
    least = fitted.vary(images, 1e-4, labels).images
    assert (least.int() - images.int()).abs().max() <= 2
    changes = []
    for strength in (0.05, 0.3, 0.31, 0.6, 1.0):
        varied = fitted.vary(images, strength, labels)
        assert varied.labels is not None
        assert torch.equal(varied.labels, labels)
        changes.append((varied.images.float() - images.float()).abs().mean().item())
    assert changes == sorted(set(changes))
    assert not torch.equal(fitted.vary(images, 0.6, labels, seed=1).images, fitted.vary(images, 0.6, labels).images)


def test_agreement_with_the_class_of_the_image_falls_with_strength(fitted: Diffusion, bars: TensorDataset) -> None:
    images, labels = (tensor[:64] for tensor in bars.tensors)
    shares = [share_of_class(fitted.vary(images, strength).images, labels) for strength in (0.05, 0.6, 1.0)]
    assert shares[0] > 0.95
    assert shares[0] >= shares[1] >= shares[2] - 0.1
    assert shares[2] < 0.8


def test_sigma_is_another_word_for_strength(fitted: Diffusion, bars: TensorDataset) -> None:
    images, labels = (tensor[:8] for tensor in bars.tensors)
    sigma = 2.5 * fitted.denoiser.sigma_data.item()
    by_sigma = fitted.vary(images, labels=labels, sigma=sigma).images
    assert torch.equal(by_sigma, fitted.vary(images, 0.5, labels).images)
    assert not torch.equal(by_sigma, fitted.vary(images, 0.5, labels, guidance=3.0).images)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"strength": 0.5, "sigma": 1.0},
        {"strength": 0.0},
        {"strength": 1.5},
        {"strength": float("nan")},
        {"strength": "much"},
        {"sigma": 0.0},
        {"sigma": 1e9},
    ],
)
def test_variations_need_one_strength(fitted: Diffusion, wrong: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match=r"strength|sigma"):
        fitted.vary(torch.zeros(1, 1, 8, 8, dtype=torch.uint8), **wrong)


def test_steering_raises_the_score(fitted: Diffusion) -> None:
    def top(images: Tensor, labels: Tensor | None) -> Tensor:
        return images[:, :, :4].mean((1, 2, 3)) - images[:, :, 4:].mean((1, 2, 3))

    plain = fitted.sample(48, seed=3)
    same = fitted.steer(48, top, 0.0, seed=3)
    steered = fitted.steer(48, top, 60.0, labels=0, seed=3)
    assert torch.equal(same.images, plain.images)
    assert same.labels is not None
    assert steered.labels is not None
    assert torch.equal(same.labels, torch.arange(48) % 2)
    assert steered.labels.tolist() == [0] * 48
    of_rows = fitted.sample(48, labels=0, seed=3)
    before, after = ((top(drawn.images.float(), None) > 0).float().mean() for drawn in (of_rows, steered))
    assert after > before + 0.2
    assert share_of_class(steered.images, steered.labels) > 0.8


def test_steering_refuses_a_negative_strength(fitted: Diffusion) -> None:
    with pytest.raises(ArgumentError, match="strength"):
        fitted.steer(2, lambda images, labels: images.mean((1, 2, 3)), -1.0)
