"""Preconditioning, schedules, samplers and guidance on data whose denoiser is known in closed form."""

from __future__ import annotations

import math

import pytest
import torch
from augsynth_diffusion.preconditioning import Factors, Preconditioning, denoising_loss, draw_sigma
from augsynth_diffusion.samplers import (
    Denoise,
    Sampler,
    along_line,
    along_noise,
    euler,
    guided,
    heun,
    karras_sigmas,
    leaping,
    midpoint,
    steered,
    with_fresh_noise,
)
from augsynth_diffusion.schedules import SCHEDULES
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from augsynth.generators import Noise

SPREAD = 0.6
FIRST_ORDER: dict[str, Sampler] = {
    "ddim": along_noise(euler),
    "straight euler": along_line(euler),
    "no fresh noise": with_fresh_noise(0.0),
}
SECOND_ORDER: dict[str, Sampler] = {
    "heun": along_noise(heun),
    "straight heun": along_line(heun),
    "straight midpoint": along_line(midpoint),
}
SAMPLERS = FIRST_ORDER | SECOND_ORDER
PREDICTIONS: dict[str, Factors] = {
    "noise": Preconditioning.noise,
    "velocity": Preconditioning.velocity,
    "straight": Preconditioning.straight,
}


def of_one_image(image: float) -> Denoise:
    """The exact denoiser where all data are one image: its paths are straight lines."""
    return lambda noisy, sigma: torch.full_like(noisy, image)


def of_gaussian_data(noisy: Tensor, sigma: float) -> Tensor:
    """The exact denoiser of data N(0, SPREAD²): x goes as sqrt(SPREAD² + σ²)."""
    return noisy * SPREAD**2 / (SPREAD**2 + sigma**2)


def noise(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def source(count: int) -> Noise:
    return Noise(0, range(count), "cpu")


@given(st.floats(0.002, 80), st.floats(0.1, 2))
def test_network_of_edm_sees_and_answers_with_unit_variance(sigma: float, spread: float) -> None:
    factors = Preconditioning.unit_variance(torch.tensor(sigma).view(1, 1, 1, 1), spread)
    c_in, c_skip, c_out = factors.c_in.item(), factors.c_skip.item(), factors.c_out.item()
    assert c_in**2 * (spread**2 + sigma**2) == pytest.approx(1.0, rel=1e-4)
    # The target is ((1 − c_skip)·clean − c_skip·σ·noise) / c_out.
    variance = ((1 - c_skip) ** 2 * spread**2 + (c_skip * sigma) ** 2) / c_out**2
    assert variance == pytest.approx(1.0, rel=1e-2)


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("sigma", [0.05, 1.0, 20.0])
def test_a_right_answer_of_the_network_gives_the_clean_image(prediction: str, sigma: float) -> None:
    clean, drawn = noise(2, 4, 1, 3, 3)
    share = 1 / (1 + sigma**2)
    answer = {
        "noise": drawn,
        "velocity": math.sqrt(share) * drawn - math.sqrt(1 - share) * clean,
        "straight": drawn - clean,
    }[prediction]
    factors = PREDICTIONS[prediction](torch.full((4, 1, 1, 1), sigma), SPREAD)
    found = factors.c_skip * (clean + sigma * drawn) + factors.c_out * answer
    torch.testing.assert_close(found, clean, rtol=0, atol=1e-5)


@pytest.mark.parametrize("sigma", [0.01, 0.5, 20.0])
def test_an_untrained_network_scores_one_at_every_noise_level(sigma: float) -> None:
    draws = noise(2, 40_000, 1, 1, 1)
    clean, level = SPREAD * draws[0], torch.full((40_000, 1, 1, 1), sigma)
    noisy = clean + level * draws[1]
    factors = Preconditioning.unit_variance(level, SPREAD)
    # The mean of 40,000 squared normal numbers: five standard errors are 0.035.
    loss = denoising_loss(factors.c_skip * noisy, clean, factors.c_out**-2)
    assert loss.item() == pytest.approx(1.0, abs=0.035)


def test_noise_levels_are_log_normal() -> None:
    logs = draw_sigma(noise(40_000), -1.2, 1.2).flatten().log()
    assert logs.mean().item() == pytest.approx(-1.2, abs=5 * 1.2 / 200)
    assert logs.std().item() == pytest.approx(1.2, abs=5 * 1.2 / math.sqrt(80_000))


@given(st.integers(2, 50))
def test_karras_levels_fall_from_end_to_end(steps: int) -> None:
    sigmas = karras_sigmas(steps, 0.002, 80.0)
    assert len(sigmas) == steps + 1
    assert sigmas[0] == 80.0
    assert sigmas[-2] == pytest.approx(0.002)
    assert sigmas[-1] == 0.0
    assert sigmas == sorted(sigmas, reverse=True)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("times", [2, 50, 1000])
def test_schedules_rise_from_an_image_to_noise(name: str, times: int) -> None:
    sigmas = SCHEDULES[name](times)
    assert len(sigmas) == times + 1
    assert sigmas[0] == 0.0
    assert sigmas == sorted(set(sigmas))
    assert sigmas[-1] > 20


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("steps", [1, 2, 9])
def test_straight_paths_are_followed_exactly(name: str, steps: int) -> None:
    start = 80 * noise(5, 1, 2, 2)
    found = SAMPLERS[name](of_one_image(0.3), start, karras_sigmas(steps, 0.002, 80.0), source(5))
    torch.testing.assert_close(found, torch.full_like(start, 0.3), rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", SAMPLERS)
def test_straight_paths_are_left_where_asked(name: str) -> None:
    start = 0.3 + 8 * noise(5, 1, 2, 2)
    found = SAMPLERS[name](of_one_image(0.3), start, [8.0, 3.0, 2.0], source(5))
    torch.testing.assert_close(found, 0.3 + (start - 0.3) / 4, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", SAMPLERS)
def test_error_falls_with_the_order_of_the_method(name: str) -> None:
    start = torch.ones(1, 1, 1, 1, dtype=torch.float64)
    exact = math.sqrt((SPREAD**2 + 0.1**2) / (SPREAD**2 + 10.0**2))
    errors = []
    for steps in (64, 128):
        sigmas = karras_sigmas(steps, 0.1, 10.0)[:-1]
        errors.append(abs(SAMPLERS[name](of_gaussian_data, start, sigmas, source(1)).item() - exact))
    # On these data the midpoint method is even of third order.
    assert math.log2(errors[0] / errors[1]) > (1.8 if name in SECOND_ORDER else 0.8)


@pytest.mark.parametrize(("sampler", "steps"), [(along_noise(heun), 40), (with_fresh_noise(1.0), 400)])
def test_samples_of_gaussian_data_have_its_spread(sampler: Sampler, steps: int) -> None:
    start = math.sqrt(80.0**2 + SPREAD**2) * noise(100, 1, 14, 14)
    found = sampler(of_gaussian_data, start, karras_sigmas(steps, 0.002, 80.0), source(100))
    assert found.std().item() == pytest.approx(SPREAD, rel=0.03)


def test_fresh_noise_changes_samples_and_keeps_their_noise_level() -> None:
    start, sigmas = 80 * noise(500, 1, 6, 6), [80.0, 20.0, 5.0]
    kept, fresh = (with_fresh_noise(eta)(of_one_image(0.0), start, sigmas, source(500)) for eta in (0.0, 1.0))
    assert kept.std().item() == pytest.approx(5.0, rel=0.03)
    assert fresh.std().item() == pytest.approx(5.0, rel=0.03)
    assert abs(torch.corrcoef(torch.stack([kept.flatten(), fresh.flatten()]))[0, 1].item()) < 0.2


def test_a_consistency_function_leaps_once_a_level() -> None:
    levels: list[float] = []

    def function(noisy: Tensor, sigma: float) -> Tensor:
        levels.append(sigma)
        return torch.full_like(noisy, 0.3)

    found = leaping(function, 80 * noise(5, 1, 2, 2), [80.0, 0.8, 0.0], source(5))
    assert levels == [80.0, 0.8]
    torch.testing.assert_close(found, torch.full_like(found, 0.3))


@pytest.mark.parametrize("name", SAMPLERS)
def test_going_back_to_noise_and_forth_returns(name: str) -> None:
    image, sigmas = noise(4, 1, 2, 2), karras_sigmas(200, 0.002, 80.0)
    latent = SAMPLERS[name](of_gaussian_data, image, sigmas[-2::-1], source(4))
    found = SAMPLERS[name](of_gaussian_data, latent, sigmas, source(4))
    torch.testing.assert_close(found, image, rtol=0.05, atol=0.02)


def test_guidance_one_is_conditional_and_zero_unconditional() -> None:
    conditional, unconditional = noise(2, 3, 1, 2, 2)
    assert torch.equal(guided(conditional, unconditional, 1.0), conditional)
    assert torch.equal(guided(conditional, unconditional, 0.0), unconditional)
    beyond = guided(conditional, unconditional, 3.0)
    torch.testing.assert_close(beyond - conditional, 2 * (conditional - unconditional))


def test_steering_of_gaussian_data_is_exact() -> None:
    # Data N(0, s²) times exp(k·x) are data N(k·s², s²).
    k = 0.7
    steer = steered(of_gaussian_data, lambda clean: k * clean.sum((1, 2, 3)), 1.0, SPREAD)
    start = math.sqrt(80.0**2 + SPREAD**2) * noise(500, 1, 6, 6)
    found = along_noise(heun)(steer, start, karras_sigmas(40, 0.002, 80.0), source(500))
    assert found.mean().item() == pytest.approx(k * SPREAD**2, abs=0.03)
    assert found.std().item() == pytest.approx(SPREAD, rel=0.03)
