"""Consistency tuning: its levels, its loss, and what a tuned generator does."""

from __future__ import annotations

import copy
import dataclasses
import math
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from augsynth_diffusion import EDM
from augsynth_diffusion.consistency import STAGES, consistency_loss, nearer_level
from augsynth_diffusion.denoiser import Denoiser
from diffusion_checks import rows_of, share_of_class
from torch import Tensor
from torch.utils.data import TensorDataset

from augsynth.errors import ArgumentError
from augsynth.generators import load_generator


@pytest.fixture(scope="module")
def tuned(fitted_models: dict[str, EDM], bars: TensorDataset) -> EDM:
    """The fitted `edm`, tuned."""
    generator = copy.deepcopy(fitted_models["edm"])
    generator.tune(bars, steps=150, progress=False)
    return generator


def test_both_levels_approach_each_other() -> None:
    t = torch.tensor([0.01, 0.5, 2.0, 40.0])
    levels = [nearer_level(t, stage / STAGES) for stage in range(STAGES)]
    assert (levels[0] <= t / 2).all()
    assert levels[0][0] == 0
    for earlier, later in pairwise(levels):
        assert (earlier <= later).all()
    assert (levels[-1] < t).all()
    # The factor n(t) is at most 5.
    assert (levels[-1] >= t * (1 - 5 / 2**STAGES)).all()


def test_a_consistent_function_has_no_loss() -> None:
    clean, noise = torch.randn(2, 6, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    t = torch.full((6, 1, 1, 1), 2.0)
    right = consistency_loss(lambda noisy, sigma: noisy - sigma * noise, clean, noise, t, t / 2)
    denoising = consistency_loss(lambda noisy, sigma: torch.zeros_like(noisy), clean, noise, t, 0 * t)
    assert right.item() == pytest.approx(math.sqrt(1e-6) / 1, abs=1e-5)
    # With r = 0 the target is the clean image itself.
    assert denoising.item() == pytest.approx((clean.square().mean((1, 2, 3)).sqrt() / 2).mean().item(), abs=1e-5)


def test_a_tuned_generator_draws_its_classes_in_two_evaluations(tuned: EDM, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = tuned.sample(64)
    assert samples.labels is not None
    assert share_of_class(samples.images, samples.labels) > 0.85
    assert rows_of(samples) >= 4
    calls: list[int] = []
    forward = Denoiser.forward

    def counted(self: Denoiser, noisy: Tensor, *arguments: Tensor) -> Tensor:
        calls.append(len(noisy))
        return forward(self, noisy, *arguments)

    monkeypatch.setattr(Denoiser, "forward", counted)
    tuned.sample(64)
    assert calls == [64, 64]


def test_tuning_keeps_the_denoiser_and_brings_samples_nearer_to_it(tuned: EDM, fitted_models: dict[str, EDM]) -> None:
    before = fitted_models["edm"]
    assert before.config.leaps == 0
    as_before = copy.copy(tuned)
    as_before.config = dataclasses.replace(tuned.config, leaps=0)
    assert torch.equal(as_before.sample(16).images, before.sample(16).images)
    images = before.sample(16).images
    assert torch.equal(tuned.encode(images, labels=0), before.encode(images, labels=0))


def test_save_and_load_keep_the_tuning(tuned: EDM, tmp_path: Path) -> None:
    tuned.save(tmp_path)
    loaded = load_generator(tmp_path)
    assert torch.equal(loaded.sample(8).images, tuned.sample(8).images)


def test_variations_of_a_tuned_generator_are_as_strong_as_asked(tuned: EDM, bars: TensorDataset) -> None:
    images, labels = (tensor[:32] for tensor in bars.tensors)
    least = tuned.vary(images, 1e-4, labels).images
    assert (least.int() - images.int()).abs().max() <= 2
    near, far = (tuned.vary(images, strength, labels).images.float() for strength in (0.2, 0.9))
    assert (near - images).abs().mean() < (far - images).abs().mean()


def test_levels_of_leaps_fall() -> None:
    for leaps in (1, 2, 4):
        generator = EDM.configure(width=4, leaps=leaps)
        generator.prepare((1, 8, 8), 2, torch.device("cpu"))
        levels = generator.leaps(80.0)
        assert len(levels) == leaps + 1
        assert levels == sorted(set(levels), reverse=True)
        assert levels[0] == 80
        assert levels[-1] == 0
        assert generator.leaps(0.1) == [0.1, 0.0]


def test_a_tuned_generator_is_neither_fitted_nor_tuned_again(tuned: EDM, bars: TensorDataset) -> None:
    with pytest.raises(ArgumentError, match="tuned before"):
        tuned.tune(bars, steps=1)
    with pytest.raises(ArgumentError, match="leaps must be 0"):
        EDM.configure(width=4, leaps=2).fit(bars, steps=1, progress=False)
