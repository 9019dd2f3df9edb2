"""Losses and the gradient penalty, against what they are on paper."""

from __future__ import annotations

import math

import torch
from augsynth_gan.losses import gradient_penalty, logistic_loss, non_saturating_loss, relativistic_loss
from hypothesis import given
from hypothesis import strategies as st

seeds = st.integers(0, 2**32 - 1)


def _random(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@given(seeds, st.floats(-100, 100))
def test_loss_sees_differences_only(seed: int, shift: float) -> None:
    real, fake = _random(seed, 2, 7)
    moved = relativistic_loss(real + shift, fake + shift)
    torch.testing.assert_close(moved, relativistic_loss(real, fake))


@given(seeds)
def test_losses_of_the_two_players_mirror_each_other(seed: int) -> None:
    """softplus(t) − softplus(−t) = t, so the two losses differ by the mean difference of the logits."""
    real, fake = _random(seed, 2, 7)
    gap = relativistic_loss(fake, real) - relativistic_loss(real, fake)
    torch.testing.assert_close(gap, (real - fake).mean())


def test_undecided_players_lose_log_two() -> None:
    logits = torch.randn(5, generator=torch.Generator().manual_seed(0))
    assert math.isclose(relativistic_loss(logits, logits).item(), math.log(2), rel_tol=1e-6)


def test_loss_is_lower_when_the_preferred_is_above() -> None:
    high, low = torch.full((3,), 4.0), torch.zeros(3)
    assert relativistic_loss(high, low) < 0.02
    assert relativistic_loss(low, high) > 4.0


@given(seeds)
def test_losses_of_2014_are_those_of_probabilities(seed: int) -> None:
    real, fake = _random(seed, 2, 7)
    d_real, d_fake = real.sigmoid(), fake.sigmoid()
    torch.testing.assert_close(logistic_loss(real, fake), (-d_real.log()).mean() + (-(1 - d_fake).log()).mean())
    torch.testing.assert_close(non_saturating_loss(fake), (-d_fake.log()).mean())


def test_non_saturating_loss_has_a_gradient_where_the_discriminator_is_sure() -> None:
    fake = torch.tensor([-20.0], requires_grad=True)
    (slope,) = torch.autograd.grad(non_saturating_loss(fake), fake)
    assert slope.item() < -0.99


@given(seeds, st.integers(1, 5), st.integers(1, 3))
def test_penalty_of_a_linear_function_is_its_squared_norm(seed: int, batch: int, channels: int) -> None:
    weights = _random(seed, channels, 4, 3)
    images = _random(seed + 1, batch, channels, 4, 3).requires_grad_()
    penalty = gradient_penalty((images * weights).sum(dim=(1, 2, 3)), images)
    torch.testing.assert_close(penalty, weights.square().sum())


@given(seeds)
def test_penalty_of_a_quadratic_function_can_be_trained(seed: int) -> None:
    """For a·‖x‖²/2 the penalty is a²·mean‖x‖², and its derivative in a is 2a·mean‖x‖²."""
    scale = torch.tensor(1.5, dtype=torch.float64, requires_grad=True)
    images = _random(seed, 6, 2, 3, 3).requires_grad_()
    squares = images.square().sum(dim=(1, 2, 3))
    penalty = gradient_penalty(scale * squares / 2, images)
    torch.testing.assert_close(penalty, scale**2 * squares.mean())
    (slope,) = torch.autograd.grad(penalty, scale)
    torch.testing.assert_close(slope, 2 * scale.detach() * squares.mean().detach())
