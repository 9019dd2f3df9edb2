"""The terms of the evidence lower bound against sampling, enumeration and torch's own distributions."""

from __future__ import annotations

import math

import pytest
import torch
from augsynth_vae.bound import free_bits, gaussian_kl, gaussian_log_density, importance_bound, ramp
from augsynth_vae.likelihood import Bernoulli, DiscretizedLogistic, LogisticMixture
from hypothesis import given
from hypothesis import strategies as st

LEVELS = torch.arange(256) / 127.5 - 1


@given(st.floats(-3, 3), st.floats(-3, 3))
def test_kl_agrees_with_torch(mean: float, log_variance: float) -> None:
    coded = torch.distributions.Normal(mean, math.exp(log_variance / 2))
    expected = torch.distributions.kl_divergence(coded, torch.distributions.Normal(0.0, 1.0))
    found = gaussian_kl(torch.tensor(mean), torch.tensor(log_variance))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_kl_agrees_with_a_monte_carlo_estimate() -> None:
    mean, log_variance = torch.tensor(0.7), torch.tensor(-1.0)
    coded, prior = torch.distributions.Normal(mean, math.exp(-0.5)), torch.distributions.Normal(0.0, 1.0)
    draws = mean + math.exp(-0.5) * torch.randn(200_000, generator=torch.Generator().manual_seed(0))
    ratios = coded.log_prob(draws) - prior.log_prob(draws)
    # Five standard errors: a false alarm less than once in a million.
    tolerance = 5 * ratios.std().item() / math.sqrt(200_000)
    assert gaussian_kl(mean, log_variance).item() == pytest.approx(ratios.mean().item(), abs=tolerance)


@given(st.lists(st.floats(0, 4), min_size=2, max_size=6), st.floats(0, 2))
def test_free_bits_raise_each_dimension_to_the_floor(costs: list[float], floor: float) -> None:
    # Two images whose mean cost of each dimension is `costs`: the floor holds for the mean, not for each image.
    spread = torch.tensor(costs) * torch.tensor([[0.5], [1.5]])
    assert free_bits(spread, floor).item() == pytest.approx(sum(max(cost, floor) for cost in costs), abs=1e-4)


def test_a_dimension_below_the_floor_gets_no_gradient() -> None:
    kl = torch.tensor([[0.01, 2.0]], requires_grad=True)
    free_bits(kl, 0.05).backward()
    assert kl.grad is not None
    assert kl.grad.tolist() == [[0.0, 1.0]]


@given(st.floats(-1.5, 1.5), st.floats(-5, 1))
def test_discretized_logistic_sums_to_one_over_all_levels(center: float, log_scale: float) -> None:
    likelihood = DiscretizedLogistic(1)
    torch.nn.init.constant_(likelihood.log_scale, log_scale)
    images = LEVELS.view(256, 1, 1, 1)
    log_p = -likelihood.negative_log(torch.full_like(images, center), images)
    assert log_p.exp().sum().item() == pytest.approx(1.0, abs=1e-3)


def test_discretized_logistic_is_finite_far_from_its_center() -> None:
    likelihood = DiscretizedLogistic(1)
    torch.nn.init.constant_(likelihood.log_scale, -8.0)
    output = torch.full((256, 1, 1, 1), 1.0, requires_grad=True)
    loss = likelihood.negative_log(output, LEVELS.view(256, 1, 1, 1)).sum()
    loss.backward()
    assert torch.isfinite(loss)
    assert output.grad is not None
    assert torch.isfinite(output.grad).all()


def test_discretized_logistic_learns_the_spread_of_the_data() -> None:
    spread = 0.2
    uniform = torch.rand(5_000, generator=torch.Generator().manual_seed(0)).clamp(1e-4, 1 - 1e-4)
    images = (spread * torch.logit(uniform)).clamp(-1, 1).view(-1, 1, 1, 1)
    images = (images * 127.5).round() / 127.5
    likelihood = DiscretizedLogistic(1)
    optimizer = torch.optim.Adam(likelihood.parameters(), 0.1)
    for _ in range(60):
        optimizer.zero_grad()
        likelihood.negative_log(torch.zeros_like(images), images).mean().backward()
        optimizer.step()
    assert likelihood.log_scale.exp().item() == pytest.approx(spread, rel=0.05)


def test_bernoulli_is_least_where_the_output_is_the_image() -> None:
    image = torch.full((1, 1, 1, 1), 0.2)
    brightness = torch.linspace(0.05, 0.95, 91).view(-1, 1, 1, 1)
    costs = Bernoulli().negative_log(torch.logit(brightness), image.expand(91, 1, 1, 1))
    assert Bernoulli().mean(torch.logit(brightness))[costs.argmin()].item() == pytest.approx(0.2, abs=1e-5)


def test_the_mixture_sums_to_one_over_all_levels() -> None:
    output = torch.randn(1, 9, 1, 1, generator=torch.Generator().manual_seed(0)).expand(256, -1, -1, -1)
    log_p = -LogisticMixture().negative_log(output, LEVELS.view(256, 1, 1, 1))
    assert log_p.exp().sum().item() == pytest.approx(1.0, abs=1e-3)


def test_a_mixture_of_equal_parts_is_one_logistic_density() -> None:
    likelihood = DiscretizedLogistic(1)
    torch.nn.init.constant_(likelihood.log_scale, -2.0)
    images = LEVELS.view(256, 1, 1, 1)
    apart = torch.tensor([-1.0, 0.0, 1.0])
    # Logits, then centres that undo the fixed offsets, then log scales above −2.
    output = torch.cat([torch.zeros(3), 0.3 - apart, torch.zeros(3)]).view(1, 9, 1, 1).expand(256, -1, -1, -1)
    found = LogisticMixture().negative_log(output, images)
    torch.testing.assert_close(found, likelihood.negative_log(torch.full_like(images, 0.3), images))
    torch.testing.assert_close(LogisticMixture().mean(output), torch.full((256, 1, 1, 1), 0.3))


def test_log_density_agrees_with_torch() -> None:
    values, mean, log_variance = torch.randn(3, 5, 4, generator=torch.Generator().manual_seed(0))
    expected = torch.distributions.Normal(mean, torch.exp(log_variance / 2)).log_prob(values).sum(1)
    torch.testing.assert_close(gaussian_log_density(values, mean, log_variance), expected)


def test_the_importance_bound_is_the_log_of_the_mean_weight() -> None:
    weights = torch.tensor([[1.0, 4.0], [3.0, 4.0]])
    torch.testing.assert_close(importance_bound(weights.log()), torch.tensor([2.0, 4.0]).log())


def test_the_weight_of_the_kl_term_rises() -> None:
    assert [ramp(k, 10) for k in (0, 5, 10, 99)] == [0.0, 0.5, 1.0, 1.0]


@given(st.floats(-30, 30))
def test_bernoulli_levels_sum_to_one_and_follow_the_logit(logit: float) -> None:
    images = LEVELS.view(256, 1, 1, 1)
    log_p = -Bernoulli().negative_log_levels(torch.full_like(images, logit), images)
    assert log_p.exp().sum().item() == pytest.approx(1.0, abs=1e-3)
    assert (log_p[-1] - log_p[0]).item() == pytest.approx(logit, abs=1e-3)
