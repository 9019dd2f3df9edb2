"""Augmentation that the network is told about."""

from __future__ import annotations

import pytest
import torch
from augsynth_diffusion import EDM
from augsynth_diffusion.augmenting import Augmentation
from augsynth_diffusion.denoiser import Denoiser
from torch import Tensor
from torch.utils.data import TensorDataset

from augsynth.generators import Step


def step() -> Step:
    return Step(0, 1, {}, torch.device("cpu"), torch.Generator().manual_seed(0))


def test_the_stated_share_is_distorted_and_its_parameters_are_told() -> None:
    images = torch.rand(600, 1, 8, 8, generator=torch.Generator().manual_seed(1)) * 2 - 1
    augmentation = Augmentation(0.25, ("affine",))
    distorted, told = augmentation(images, step())
    assert told is not None
    assert told.shape == (600, augmentation.numbers)
    changed = (distorted != images).flatten(1).any(1)
    # Five standard errors of a share of 0.25 among 600.
    assert changed.float().mean().item() == pytest.approx(0.25, abs=0.09)
    assert torch.equal(told[:, 0] == 1, changed)
    assert (told[~changed] == 0).all()
    assert torch.equal(distorted[~changed], images[~changed])


def test_equal_parameters_mean_equal_distortions() -> None:
    images = torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(1)).expand(50, -1, -1, -1)
    (first, told), (second, again) = (Augmentation(1.0, ("affine", "color"))(images, step()) for _ in range(2))
    assert told is not None
    assert again is not None
    assert torch.equal(told, again)
    assert torch.equal(first, second)
    assert len(told.unique(dim=0)) == 50


def test_without_augmentation_nothing_is_drawn_or_told() -> None:
    images, one = torch.zeros(4, 1, 8, 8), step()
    same, told = Augmentation(0.0, ("affine",))(images, one)
    assert same is images
    assert told is None
    assert torch.equal(one.uniform(3), step().uniform(3))


def test_the_network_is_told_in_training_and_not_in_sampling(
    bars: TensorDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Tensor | None] = []
    forward = Denoiser.forward

    def noted(self: Denoiser, noisy: Tensor, sigma: Tensor, labels: Tensor, distortion: Tensor | None = None) -> Tensor:
        told.append(distortion)
        return forward(self, noisy, sigma, labels, distortion)

    monkeypatch.setattr(Denoiser, "forward", noted)
    generator = EDM.configure(width=4, sampling_steps=2, augment=0.5, dropout=0.1)
    generator.fit(bars, steps=8, batch_size=16, device="cpu", progress=False)
    assert all(parameters is not None for parameters in told)
    weight = generator.denoiser.network.condition.distortion.weight
    assert weight.shape[1] == Augmentation(0.5, ("affine",)).numbers
    told.clear()
    generator.sample(4)
    assert told == [None] * 3


def test_what_is_told_changes_the_result(bars: TensorDataset) -> None:
    generator = EDM.configure(width=4, augment=0.5)
    generator.fit(bars, steps=8, batch_size=16, device="cpu", progress=False)
    noisy, sigma, labels = torch.zeros(2, 1, 8, 8), torch.ones(2, 1, 1, 1), torch.zeros(2, dtype=torch.int64)
    parameters = torch.zeros(2, 14)
    with torch.no_grad():
        plain = generator.denoiser(noisy, sigma, labels)
        assert torch.equal(generator.denoiser(noisy, sigma, labels, parameters), plain)
        assert not torch.equal(generator.denoiser(noisy, sigma, labels, parameters + 1), plain)


def test_dropout_acts_in_training_alone() -> None:
    generator = EDM.configure(width=8, dropout=0.5)
    generator.prepare((1, 8, 8), 2, torch.device("cpu"))
    block = generator.denoiser.network.middle
    torch.nn.init.normal_(block.second.weight)
    features, embedding = torch.randn(1, block.first.in_channels, 4, 4), torch.zeros(1, 128)
    block.train()
    assert not torch.equal(block(features, embedding), block(features, embedding))
    block.eval()
    assert torch.equal(block(features, embedding), block(features, embedding))
