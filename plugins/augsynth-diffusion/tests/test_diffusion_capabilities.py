"""Meaning of the capabilities of diffusion models: variations, steering, codes, refinement."""

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
    for strength in (0.05, 0.3, 0.4, 0.6, 1.0):
        varied = fitted.vary(images, strength, labels)
        assert varied.labels is not None
        assert torch.equal(varied.labels, labels)
        changes.append((varied.images.float() - images.float()).abs().mean().item())
    assert changes == sorted(set(changes))
    assert not torch.equal(fitted.vary(images, 0.3, labels).images, fitted.vary(images, 0.31, labels).images)
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


def test_codes_are_noise_and_give_the_images_back(fitted: Diffusion, bars: TensorDataset) -> None:
    images, labels = (tensor[:32] for tensor in bars.tensors)
    codes = fitted.encode(images, labels=labels)
    assert codes.shape == images.shape
    assert codes.std().item() == pytest.approx(1, abs=0.3)
    back = fitted.decode(codes, labels=labels).images
    assert (back.int() - images.int()).abs().float().mean() < 12


def test_the_ends_of_a_way_are_the_images(fitted: Diffusion, bars: TensorDataset) -> None:
    images, labels = bars.tensors[0][:24:2], bars.tensors[1][:24:2]
    way = fitted.interpolate(images, images.flip(0), 3, labels=labels)
    assert torch.equal(way[:, 0], fitted.decode(fitted.encode(images, labels=labels), labels=labels).images)
    assert share_of_class(way[:, 1], labels) > 0.7


def test_translations_show_the_other_class(fitted: Diffusion, bars: TensorDataset) -> None:
    images, labels = (tensor[:48] for tensor in bars.tensors)
    translated = fitted.translate(images, 1 - labels, labels=labels)
    assert translated.labels is not None
    assert torch.equal(translated.labels, 1 - labels)
    assert share_of_class(translated.images, translated.labels) > 0.8


def test_edits_change_the_attribute_and_keep_the_class(fitted: Diffusion, bars: TensorDataset) -> None:
    images, labels = bars.tensors

    def in_first_half(images: Tensor, labels: Tensor) -> Tensor:
        pictures = torch.where((labels == 1)[:, None, None, None], images.transpose(2, 3), images).float()
        return pictures[:, :, :4].mean((1, 2, 3)) > pictures[:, :, 4:].mean((1, 2, 3))

    first = in_first_half(images, labels)
    fitted.learn_attribute("first half", images, first.numpy(), labels=labels)
    shares = []
    for strength in (0.0, 1.0, 3.0):
        edited = fitted.edit(images[~first], "first half", strength, labels=labels[~first])
        assert edited.labels is not None
        assert share_of_class(edited.images, edited.labels) > 0.75
        shares.append(in_first_half(edited.images, edited.labels).float().mean().item())
    assert shares[0] < 0.1
    assert shares == sorted(set(shares))
    assert shares[2] > 0.4


def test_refinement_raises_the_score_and_keeps_the_class(fitted: Diffusion, bars: TensorDataset) -> None:
    images, labels = (tensor[:48] for tensor in bars.tensors)

    def top(images: Tensor) -> Tensor:
        return images[:, :, :4].float().mean((1, 2, 3)) - images[:, :, 4:].float().mean((1, 2, 3))

    refined = fitted.refine(images, top, 6, labels=labels)
    assert refined.labels is not None
    gain = top(refined.images) - top(images)
    assert gain.min() >= -1  # a rounding to uint8
    assert (gain[labels == 0] > 10).float().mean() > 0.15
    assert share_of_class(refined.images, labels) > 0.8


@pytest.mark.parametrize("score", [lambda images: images.mean(), lambda images: images.detach().mean((1, 2, 3))])
def test_a_score_without_a_gradient_for_each_image_is_refused(fitted: Diffusion, score: Any) -> None:
    with pytest.raises(ArgumentError, match="score must return"):
        fitted.refine(torch.zeros(1, 1, 8, 8, dtype=torch.uint8), score, 1)
    with pytest.raises(ArgumentError, match="score must return"):
        fitted.steer(1, lambda images, labels: score(images), 1.0)
