"""`bits_per_dim` against evidence that is known, and against numbers computed by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from augsynth_vae import NVAE, VAE, ConditionalVAE
from augsynth_vae.likelihood import DiscretizedLogistic, Likelihood
from torch import Tensor, nn
from torch.utils.data import TensorDataset

SHAPE = (1, 8, 8)


@pytest.fixture
def fitted() -> VAE:
    """A model whose networks the tests replace."""
    generator = VAE.configure(width=2, latent=3, likelihood="logistic")
    generator.fit(
        TensorDataset(torch.randint(0, 256, (2, *SHAPE), dtype=torch.uint8)), steps=1, device="cpu", progress=False
    )
    return generator


@pytest.fixture
def images() -> Tensor:
    return torch.randint(0, 256, (5, *SHAPE), generator=torch.Generator().manual_seed(0)).to(torch.uint8)


class Constant(nn.Module):
    """Decoder that ignores the code: every value is logistic around 0.2, with scale 0.1."""

    def __init__(self) -> None:
        super().__init__()
        self.likelihood = DiscretizedLogistic(1)
        nn.init.constant_(self.likelihood.log_scale, math.log(0.1))

    def forward(self, latent: Tensor, labels: Tensor | None) -> Tensor:
        return torch.full((len(latent), *SHAPE), 0.2)


class Standard(nn.Module):
    """Encoder whose posterior is the prior."""

    def forward(self, images: Tensor, labels: Tensor | None) -> tuple[Tensor, Tensor]:
        return torch.zeros(len(images), 3), torch.zeros(len(images), 3)


def test_a_constant_decoder_has_the_bits_of_its_logistic_density(fitted: VAE, images: Tensor) -> None:
    fitted.networks["encoder"], fitted.networks["decoder"] = Standard(), Constant()

    def below(level: int) -> float:
        """Probability of all levels up to this one: the logistic distribution at the upper edge of the level."""
        edge = (level + 0.5) / 127.5 - 1
        return 0.0 if level < 0 else 1.0 if level == 255 else 1 / (1 + math.exp(-(edge - 0.2) / 0.1))

    expected = [sum(-math.log2(below(v) - below(v - 1)) for v in image.flatten().tolist()) / 64 for image in images]
    torch.testing.assert_close(fitted.bits_per_dim(images), torch.tensor(expected), rtol=1e-3, atol=1e-3)


class Normal(Likelihood):
    """Normal density of variance 1 around the output: with a linear decoder, the evidence is known."""

    def negative_log(self, output: Tensor, images: Tensor) -> Tensor:
        return ((images - output).square() + math.log(2 * math.pi)).sum((1, 2, 3)) / 2


class LinearDecoder(nn.Module):
    """x = W z + noise."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.likelihood, self.weight = Normal(), nn.Parameter(weight)

    def forward(self, latent: Tensor, labels: Tensor | None) -> Tensor:
        return (latent @ self.weight.T).view(-1, *SHAPE)


class LinearEncoder(nn.Module):
    """Posterior of the linear model, whose mean is off by `error`. The columns of W are orthogonal.

    Bishop, "Pattern recognition and machine learning", 2006, section 12.2.
    """

    def __init__(self, weight: Tensor, error: float) -> None:
        super().__init__()
        self.weight, self.error = nn.Parameter(weight), error
        self.precision = nn.Parameter(1 + weight.square().sum(0))

    def forward(self, images: Tensor, labels: Tensor | None) -> tuple[Tensor, Tensor]:
        mean = images.flatten(1) @ self.weight / self.precision
        return mean + self.error, -self.precision.log().expand_as(mean)


def test_a_linear_model_has_its_known_evidence(fitted: VAE, images: Tensor) -> None:
    weight = torch.linalg.qr(torch.randn(64, 3, generator=torch.Generator().manual_seed(1)))[0] * torch.tensor(
        [2.0, 1, 0.5]
    )
    evidence = torch.distributions.MultivariateNormal(torch.zeros(64), weight @ weight.T + torch.eye(64))
    expected = -evidence.log_prob((images.float() / 127.5 - 1).flatten(1)) / (64 * math.log(2))

    def bits(error: float, draws: int) -> Tensor:
        fitted.networks["encoder"] = LinearEncoder(weight, error)
        fitted.networks["decoder"] = LinearDecoder(weight)
        fitted.bound_draws = draws  # type: ignore[misc]
        return fitted.bits_per_dim(images)

    # With the exact posterior, each single draw gives the evidence.
    torch.testing.assert_close(bits(error=0.0, draws=1), expected, rtol=1e-4, atol=1e-4)
    # Another posterior gives a bound, which draws tighten.
    loose, tight = bits(error=0.5, draws=1).mean(), bits(error=0.5, draws=200).mean()
    assert loose > tight + 1e-3
    assert tight == pytest.approx(expected.mean().item(), abs=0.3 * (loose - expected.mean()).item())


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (ConditionalVAE, {"latent": 2, "flow": 2, "width": 4}),
        (NVAE, {"latent": 1, "groups": 1, "levels": 1, "width": 4, "expansion": 1}),
    ],
)
def test_familiar_images_have_fewer_bits(
    kind: type[Any], options: dict[str, Any], bars: TensorDataset, images: Tensor
) -> None:
    generator = kind.configure(likelihood="logistic", decay=0.9, **options)
    generator.fit(bars, steps=80, batch_size=32, device="cpu", progress=False)
    familiar = generator.bits_per_dim(bars.tensors[0][:6], labels=bars.tensors[1][:6])
    assert familiar.shape == (6,)
    assert familiar.max() < 8 < generator.bits_per_dim(images, labels=0).min()
    assert torch.equal(familiar, generator.bits_per_dim(bars.tensors[0][:6], labels=bars.tensors[1][:6]))
