"""`flow`: the contract, its options, and that it learns."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import pytest
import torch
from augsynth_diffusion import Diffusion, Flow, FlowConfig
from diffusion_checks import rows_of, share_of_class

from augsynth.errors import ArgumentError
from augsynth.generators import Step
from augsynth.testing import check_generator


def test_it_keeps_the_contract() -> None:
    check_generator(lambda: Flow.configure(width=4, sampling_steps=1), spawn=False)


@pytest.mark.parametrize("sampler", ["heun", "midpoint", "euler"])
def test_samples_show_their_class_and_differ(sampler: str, fitted_models: dict[str, Diffusion]) -> None:
    generator = copy.copy(fitted_models["flow"])
    generator.config = dataclasses.replace(generator.config, sampler=sampler)
    samples = generator.sample(64)
    assert samples.labels is not None
    assert share_of_class(samples.images, samples.labels) > 0.9
    assert rows_of(samples) >= 4


def test_loss_is_that_of_the_velocity() -> None:
    generator = Flow.configure(width=4)
    generator.prepare((1, 8, 8), 2, torch.device("cpu"))
    sigma = torch.tensor([0.1, 1.0, 10.0]).view(-1, 1, 1, 1)
    # The image is z − t·v, so an error of v is t times as large in the image.
    t = sigma / (1 + sigma)
    torch.testing.assert_close(generator.weight(sigma), t**-2)


@pytest.mark.parametrize(("options", "quartile"), [({"times": "uniform"}, 0.25), ({}, 0.3375)])
def test_times_follow_their_distribution(options: dict[str, Any], quartile: float) -> None:
    step = Step(0, 1, {}, torch.device("cpu"), torch.Generator().manual_seed(0))
    sigma = Flow.configure(**options).draw_sigma(20_000, step).flatten()
    t = sigma / (1 + sigma)
    assert t.quantile(0.5).item() == pytest.approx(0.5, abs=0.02)
    # The logistic function of the lower quartile of a standard normal number, −0.6745.
    assert t.quantile(0.25).item() == pytest.approx(quartile, abs=0.02)


def test_levels_are_evenly_spaced_times() -> None:
    generator = Flow.configure()
    for start in (generator.sigma_max, 3.3, 0.001):
        levels = generator.levels(start, 10)
        assert levels[0] == start
        times = torch.tensor([sigma / (1 + sigma) for sigma in levels])
        torch.testing.assert_close(times.diff(), torch.full((10,), -times[0].item() / 10), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("wrong", [{"times": "cosine"}, {"times_std": 0.0}, {"sampler": "ddim"}])
def test_a_wrong_option_of_flow_is_named(wrong: dict[str, Any]) -> None:
    (option,) = wrong
    with pytest.raises(ArgumentError, match=f"{option} must be"):
        FlowConfig(**wrong)
