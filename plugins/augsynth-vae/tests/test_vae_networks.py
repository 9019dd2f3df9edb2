"""Parts of the networks: the flow, spectral norms, latent groups."""

from __future__ import annotations

import pytest
import torch
from augsynth_vae.flow import Flow
from augsynth_vae.hierarchy import BottomUp, Conv, Plan, TopDown
from augsynth_vae.likelihood import Bernoulli
from augsynth_vae.networks import Classes, Decoder, Encoder, Grid, Shape
from torch import nn


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("latent", [1, 5])
@pytest.mark.parametrize("classes", [None, 3])
def test_a_flow_is_inverted_and_knows_its_determinant(latent: int, classes: int | None) -> None:
    flow = Flow(latent, classes, layers=4)
    for weights in flow.parameters():
        nn.init.normal_(weights, std=0.3)
    codes = torch.randn(2, latent)
    labels = None if classes is None else torch.tensor([0, 2])
    numbers, log_determinant = flow(codes, labels)
    assert not torch.allclose(numbers, codes)
    torch.testing.assert_close(flow.inverse(numbers, labels), codes, atol=1e-3, rtol=1e-3)
    jacobian = torch.autograd.functional.jacobian(lambda z: flow(z, labels)[0], codes)  # type: ignore[no-untyped-call]
    expected = torch.stack([torch.linalg.slogdet(jacobian[k, :, k]).logabsdet for k in range(2)])
    torch.testing.assert_close(log_determinant, expected, atol=1e-4, rtol=1e-3)


def test_a_new_flow_is_the_identity() -> None:
    codes = torch.randn(3, 4)
    numbers, log_determinant = Flow(4, 2, layers=3)(codes, torch.tensor([0, 1, 0]))
    assert torch.equal(numbers, codes)
    assert not log_determinant.any()


def test_power_iteration_finds_the_largest_singular_value() -> None:
    layer = Conv(3, 5, 3)
    for _ in range(100):
        found = layer.singular_value()
    expected = torch.linalg.matrix_norm(layer.weight.flatten(1), ord=2)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)
    found.backward()  # type: ignore[no-untyped-call]
    assert layer.weight.grad is not None
    assert layer.weight.grad.norm().item() == pytest.approx(1.0, abs=1e-2)  # of u vᵀ, the gradient of the value


def test_a_layer_that_starts_at_zero_finds_its_direction_later() -> None:
    layer = Conv(3, 5, 3, gain=0)
    assert layer.singular_value() == 0
    nn.init.normal_(layer.weight)
    for _ in range(100):
        found = layer.singular_value()
    torch.testing.assert_close(found, torch.linalg.matrix_norm(layer.weight.flatten(1), ord=2), rtol=1e-3, atol=1e-4)


def test_latent_groups_go_from_coarse_to_fine() -> None:
    plan = Plan(Grid.of((1, 28, 28)), 2, 4, 3, groups=2, levels=2, expansion=2, normalization="none", dropout=0.0)
    assert plan.group_shapes == [(3, 4, 4), (3, 4, 4), (3, 7, 7), (3, 7, 7)]
    found = BottomUp(plan)(torch.randn(5, 1, 28, 28))
    assert [part.shape[2] for part in found] == [4, 4, 7, 7]
    numbers = [torch.randn(5, *shape) for shape in plan.group_shapes]
    descent = TopDown(plan, Bernoulli())(torch.zeros(5, dtype=torch.int64), found, iter(numbers))
    assert descent.output.shape == (5, 1, 28, 28)
    assert len(descent.residuals) == 4


def test_codes_of_the_posterior_decode_to_what_it_saw() -> None:
    plan = Plan(Grid.of((1, 8, 8)), 2, 4, 3, groups=2, levels=1, expansion=2, normalization="none", dropout=0.0)
    way_up, way_down = BottomUp(plan), TopDown(plan, Bernoulli())
    labels = torch.tensor([0, 1])
    numbers = [torch.randn(2, *shape) for shape in plan.group_shapes]
    seen = way_down(labels, way_up(torch.randn(2, 1, 8, 8)), iter(numbers))
    again = way_down(labels, None, iter(seen.codes))
    torch.testing.assert_close(again.output, seen.output, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("normalization", ["none", "group", "batch"])
def test_signals_keep_their_size(normalization: str) -> None:
    shape = Shape(Grid.of((1, 28, 28)), None, width=16, latent=8, normalization=normalization)
    code = torch.randn(32, 8)
    spread = Decoder(shape, Bernoulli())(code, None).std(0).mean()
    assert 0.15 < spread < 3  # the code reaches the image at once
    mean, _ = Encoder(shape)(torch.randn(32, 1, 28, 28), None)
    assert 0.02 < mean.std(0).mean() < 1


def test_networks_without_classes_have_one_vector() -> None:
    vectors = Classes(None).of(None, rows=3)
    assert vectors.shape[0] == 3
    assert torch.equal(vectors[0], vectors[2])
