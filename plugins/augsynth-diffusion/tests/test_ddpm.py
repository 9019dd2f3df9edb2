"""`ddpm`: the contract, its options, that it learns, and that its samplers agree."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import pytest
import torch
from augsynth_diffusion import DDPM, DDPMConfig, Diffusion
from diffusion_checks import rows_of, share_of_class
from torch.utils.data import TensorDataset

from augsynth.errors import ArgumentError
from augsynth.generators import Step
from augsynth.testing import check_generator


def test_it_keeps_the_contract() -> None:
    check_generator(lambda: DDPM.configure(width=4, sampling_steps=2, times=20, sampler="ancestral"), spawn=False)


def require_learned(generator: Diffusion) -> None:
    samples = generator.sample(64)
    assert samples.labels is not None
    assert share_of_class(samples.images, samples.labels) > 0.9
    assert rows_of(samples) >= 4


@pytest.mark.parametrize("changes", [{"eta": 0.0}, {"eta": 0.5}, {"sampler": "ancestral", "sampling_steps": 40}])
def test_samples_show_their_class_and_differ(changes: dict[str, Any], fitted_models: dict[str, Diffusion]) -> None:
    generator = copy.copy(fitted_models["ddpm"])
    generator.config = dataclasses.replace(generator.config, **changes)
    require_learned(generator)


def test_it_learns_the_velocity_with_weights_too(bars: TensorDataset) -> None:
    generator = DDPM.configure(
        width=16, decay=0.99, prediction="velocity", min_snr=5.0, noise_schedule="linear", sampling_steps=20
    )
    generator.fit(bars, steps=200, batch_size=24, device="cpu", progress=False)
    require_learned(generator)


def test_loss_of_the_noise_is_weighted_as_stated() -> None:
    sigma = torch.tensor([0.1, 1.0, 10.0]).view(-1, 1, 1, 1)
    plain, capped = (DDPM.configure(width=4, min_snr=gamma) for gamma in (None, 5.0))
    for generator in (plain, capped):
        generator.prepare((1, 8, 8), 2, torch.device("cpu"))
    snr = sigma**-2
    torch.testing.assert_close(plain.weight(sigma) * sigma**2, torch.ones_like(sigma))
    torch.testing.assert_close(capped.weight(sigma) * sigma**2, snr.clamp(max=5) / snr)


def test_times_of_training_are_uniform() -> None:
    generator = DDPM.configure(times=4)
    step = Step(0, 1, {}, torch.device("cpu"), torch.Generator().manual_seed(0))
    _, counts = generator.draw_sigma(4000, step).unique(return_counts=True)
    # Five standard errors of a count of 1,000 among 4,000.
    assert counts.tolist() == pytest.approx([1000] * 4, abs=5 * 27.4)


def test_levels_start_where_asked_and_fall_to_zero() -> None:
    generator = DDPM.configure()
    for start in (generator.sigma_max, 3.3, 0.001):
        levels = generator.levels(start, 10)
        assert levels[0] == start
        assert levels[-1] == 0
        assert levels == sorted(set(levels), reverse=True)
    assert len(generator.levels(generator.sigma_max, 10)) == 11


@pytest.mark.parametrize(
    "wrong",
    [{"times": 1}, {"noise_schedule": "square"}, {"prediction": "image"}, {"min_snr": 0.0}, {"sampler": "heun"},
     {"eta": 1.5}],
)  # fmt: skip
def test_a_wrong_option_of_ddpm_is_named(wrong: dict[str, Any]) -> None:
    (option,) = wrong
    with pytest.raises(ArgumentError, match=f"{option} must be"):
        DDPMConfig(**wrong)
