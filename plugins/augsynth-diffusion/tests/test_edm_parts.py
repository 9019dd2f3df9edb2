"""Preconditioning, samplers and guidance on data whose denoiser is known in closed form."""

from __future__ import annotations

import math

import pytest
import torch
from augsynth_diffusion.preconditioning import Preconditioning, denoising_loss, draw_sigma
from augsynth_diffusion.samplers import SAMPLERS, Denoiser, guided, heun, karras_sigmas
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

SPREAD = 0.6


def of_one_image(image: float) -> Denoiser:
    """The exact denoiser where all data are one image: its paths are straight lines."""
    return lambda noisy, sigma: torch.full_like(noisy, image)


def of_gaussian_data(noisy: Tensor, sigma: float) -> Tensor:
    """The exact denoiser of data N(0, SPREAD²): x goes as sqrt(SPREAD² + σ²)."""
    return noisy * SPREAD**2 / (SPREAD**2 + sigma**2)


def noise(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


@given(st.floats(0.002, 80), st.floats(0.1, 2))
def test_network_sees_and_answers_with_unit_variance(sigma: float, spread: float) -> None:
    factors = Preconditioning.at(torch.tensor(sigma).view(1, 1, 1, 1), spread)
    c_in, c_skip, c_out = factors.c_in.item(), factors.c_skip.item(), factors.c_out.item()
    assert c_in**2 * (spread**2 + sigma**2) == pytest.approx(1.0, rel=1e-4)
    # The target is ((1 − c_skip)·clean − c_skip·σ·noise) / c_out.
    variance = ((1 - c_skip) ** 2 * spread**2 + (c_skip * sigma) ** 2) / c_out**2
    assert variance == pytest.approx(1.0, rel=1e-2)
    assert factors.c_noise.item() == pytest.approx(math.log(sigma) / 4, abs=1e-5)


@pytest.mark.parametrize("sigma", [0.01, 0.5, 20.0])
def test_an_untrained_network_scores_one_at_every_noise_level(sigma: float) -> None:
    draws = noise(2, 40_000, 1, 1, 1)
    clean, level = SPREAD * draws[0], torch.full((40_000, 1, 1, 1), sigma)
    noisy = clean + level * draws[1]
    denoised = Preconditioning.at(level, SPREAD).c_skip * noisy
    # The mean of 40,000 squared normal numbers: five standard errors are 0.035.
    assert denoising_loss(denoised, clean, level, SPREAD).item() == pytest.approx(1.0, abs=0.035)


def test_noise_levels_are_log_normal() -> None:
    logs = draw_sigma(noise(40_000), -1.2, 1.2).flatten().log()
    assert logs.mean().item() == pytest.approx(-1.2, abs=5 * 1.2 / 200)
    assert logs.std().item() == pytest.approx(1.2, abs=5 * 1.2 / math.sqrt(80_000))


@given(st.integers(2, 50))
def test_karras_levels_fall_from_end_to_end(steps: int) -> None:
    sigmas = karras_sigmas(steps, 0.002, 80.0)
    assert len(sigmas) == steps + 1
    assert sigmas[0] == pytest.approx(80.0)
    assert sigmas[-2] == pytest.approx(0.002)
    assert sigmas[-1] == 0.0
    assert sigmas == sorted(sigmas, reverse=True)


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("steps", [1, 2, 9])
def test_straight_paths_are_followed_exactly(name: str, steps: int) -> None:
    start = 80 * noise(5, 1, 2, 2)
    found = SAMPLERS[name](of_one_image(0.3), start, karras_sigmas(steps, 0.002, 80.0))
    torch.testing.assert_close(found, torch.full_like(start, 0.3), rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", SAMPLERS)
def test_straight_paths_are_left_where_asked(name: str) -> None:
    start = 0.3 + 8 * noise(5, 1, 2, 2)
    found = SAMPLERS[name](of_one_image(0.3), start, [8.0, 3.0, 2.0])
    torch.testing.assert_close(found, 0.3 + (start - 0.3) / 4, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("name", "order"), [("heun", 2), ("ddim", 1)])
def test_error_falls_with_the_order_of_the_method(name: str, order: int) -> None:
    start = torch.ones(1, 1, 1, 1, dtype=torch.float64)
    exact = math.sqrt((SPREAD**2 + 0.1**2) / (SPREAD**2 + 10.0**2))
    errors = []
    for steps in (64, 128):
        sigmas = karras_sigmas(steps, 0.1, 10.0)[:-1]
        errors.append(abs(SAMPLERS[name](of_gaussian_data, start, sigmas).item() - exact))
    assert math.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.2)


def test_samples_of_gaussian_data_have_its_spread() -> None:
    start = math.sqrt(80.0**2 + SPREAD**2) * noise(20_000, 1, 1, 1)
    found = heun(of_gaussian_data, start, karras_sigmas(40, 0.002, 80.0))
    assert found.std().item() == pytest.approx(SPREAD, rel=0.03)


@pytest.mark.parametrize("name", SAMPLERS)
def test_going_back_to_noise_and_forth_returns(name: str) -> None:
    image, sigmas = noise(4, 1, 2, 2), karras_sigmas(200, 0.002, 80.0)
    latent = SAMPLERS[name](of_gaussian_data, image, sigmas[-2::-1])
    torch.testing.assert_close(SAMPLERS[name](of_gaussian_data, latent, sigmas), image, rtol=0.05, atol=0.02)


def test_guidance_one_is_conditional_and_zero_unconditional() -> None:
    conditional, unconditional = noise(2, 3, 1, 2, 2)
    assert torch.equal(guided(conditional, unconditional, 1.0), conditional)
    assert torch.equal(guided(conditional, unconditional, 0.0), unconditional)
    beyond = guided(conditional, unconditional, 3.0)
    torch.testing.assert_close(beyond - conditional, 2 * (conditional - unconditional))
