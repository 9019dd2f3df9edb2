"""The `nvae` generator: a deep hierarchical variational autoencoder, sized for a CPU.

Vahdat & Kautz, "NVAE: a deep hierarchical variational autoencoder", NeurIPS 2020.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from augsynth.generators import Noise, Step
from augsynth.generators.toolkit import autocast, option
from augsynth_vae.bound import gaussian_kl, gaussian_log_density, ramp
from augsynth_vae.coding import CodingGenerator, CodingOptions
from augsynth_vae.hierarchy import BottomUp, Conv, Descent, Plan, TopDown
from augsynth_vae.likelihood import LIKELIHOODS, Likelihood, make_likelihood
from augsynth_vae.networks import NORMALIZATIONS, Grid


@dataclass(frozen=True)
class NVAEOptions(CodingOptions):
    """Options of `create_generator("nvae", …)`, beside those of `CodingOptions`.

    Args:
        latent: channels of a latent group, at least 1; default 4.
        groups: latent groups at each level that has them, at least 1; default 2.
        levels: number of the coarsest levels that have latent groups, at least 1; default 2: 4 x 4 and 7 x 7 for images
            of 28 x 28.
        width: channels at the finest level, at least 1; default 16. Time and memory grow with its square.
        expansion: channels of a depthwise convolution, in multiples of its cell's channels, at least 1; default 3.
        likelihood: "mixture" (default; of three logistic densities), "logistic", or "bernoulli" for images that are
            nearly black and white.
        beta: weight of the KL terms, above 0; default 1, with which the loss is the evidence lower bound.
        free_bits: nats of each latent group without a cost, at least 0; default 1. Without them, a short fit leaves the
            groups unused.
        balance: True (default) balances the KL terms of the groups while their weight rises, so that none is unused.
        spectral: weight of the largest singular values of all convolutions, at least 0; default 0.01. A higher weight
            keeps the KL terms from jumping.
        normalization: "batch" (default), "group" or "none": normalisation in the cells.
        learning_rate: as in `TrainingOptions`; default 0.005.
    """

    latent: int = option(4, at_least=1)
    groups: int = option(2, at_least=1)
    levels: int = option(2, at_least=1)
    width: int = option(16, at_least=1)
    expansion: int = option(3, at_least=1)
    likelihood: str = option("mixture", one_of=LIKELIHOODS)
    beta: float = option(1.0, above=0)
    free_bits: float = option(1.0, at_least=0)
    balance: bool = True
    spectral: float = option(0.01, at_least=0)
    normalization: str = option("batch", one_of=NORMALIZATIONS)
    learning_rate: float = option(5e-3, above=0)


class NVAE(CodingGenerator):
    """Class-conditional hierarchical autoencoder, whose latent groups z₁ … z_L go from coarse to fine.

    Prior and posterior of a group are normal. The posterior is relative to the prior ("residual normal"), so that it
    moves with it:

        p(z_l | z_<l) = N(μ, σ),   q(z_l | z_<l, x) = N(μ + Δμ, σ · Δσ)
        KL_l = ½ Σ (Δμ² / σ² + Δσ² − log Δσ² − 1)
        loss = E_q[−log p(x | z)] + β · Σ γ_l max(KL_l, free bits) + λ Σ_k s_k

    While β rises, γ_l is the group's mean KL for each of its values, divided by the mean over the groups. s_k is the
    largest singular value of convolution k, and λ is `spectral`. A code holds the numbers (z_l − μ) / σ of all groups.

    Args:
        config: options; None for the defaults.
    """

    name = "nvae"
    api_version = 1
    capabilities = frozenset(
        {"conditional", "edit", "interpolate", "invert", "likelihood", "refine", "translate", "vary"}
    )
    Config = NVAEOptions
    config: NVAEOptions

    def build(self, image_shape: tuple[int, int, int], num_classes: int | None) -> dict[str, nn.Module]:
        assert num_classes is not None
        c = self.config
        plan = Plan(
            grid=Grid.of(image_shape),
            num_classes=num_classes,
            width=c.width,
            latent=c.latent,
            groups=c.groups,
            levels=c.levels,
            expansion=c.expansion,
            normalization=c.normalization,
            dropout=c.dropout,
        )
        likelihood = make_likelihood(c.likelihood, image_shape[0])
        return {"encoder": BottomUp(plan), "decoder": TopDown(plan, likelihood)}

    def training_step(self, images: Tensor, labels: Tensor | None, step: Step) -> Mapping[str, Tensor | float]:
        c = self.config
        descent = self._autoencode(images, self.required(labels), step.normal(len(images), self.code_length))
        reconstruction = self.likelihood.negative_log(descent.output, images).mean()
        kl = torch.stack([gaussian_kl(r.mean, 2 * r.log_deviation).flatten(1).sum(1).mean() for r in descent.residuals])
        weight = ramp(step.index, c.warmup * step.total)
        costs = kl.clamp(min=c.free_bits)
        balanced = self._balance(kl.detach()) * costs if c.balance and weight < 1 else costs
        loss = reconstruction + c.beta * weight * balanced.sum() + c.spectral * self._singular_values()
        values = math.prod(self.image_shape)
        c.descend(step, "main", loss / values)
        bound = (reconstruction + kl.sum()).detach()
        bits = {"bits/dim": bound / (values * math.log(2))} if c.likelihood != "bernoulli" else {}
        return {"reconstruction": reconstruction.detach(), "kl": kl.detach().sum(), **bits}

    def encode_tile(self, images: Tensor, labels: Tensor | None, noise: Noise) -> Tensor:
        middle = torch.zeros(len(images), self.code_length, device=images.device)
        return _flat(self._autoencode(images, self.required(labels), middle).codes)

    def decode_tile(self, codes: Tensor, labels: Tensor | None) -> Tensor:
        with autocast(codes.device, self.config.precision):
            descent = self._decoder(self.required(labels), None, iter(self._split(codes)))
        return self.likelihood.mean(descent.output)

    def log_weight(self, images: Tensor, labels: Tensor | None, noise: Noise) -> Tensor:
        descent = self._autoencode(images, self.required(labels), noise.normal(self.code_length))
        codes, zeros = _flat(descent.codes), torch.zeros(1, 1, device=images.device)
        means = _flat([residual.mean for residual in descent.residuals])
        log_variances = 2 * _flat([residual.log_deviation for residual in descent.residuals])
        # The map from codes to z is the same under p and q, so its determinant cancels.
        ratio = gaussian_log_density(codes, zeros, zeros.expand_as(codes)) - gaussian_log_density(
            codes, means, log_variances
        )
        return ratio - self.likelihood.negative_log_levels(descent.output, images)

    @property
    def code_length(self) -> int:
        return sum(map(math.prod, self._decoder.plan.group_shapes))

    @property
    def likelihood(self) -> Likelihood:
        return self._decoder.likelihood

    @property
    def _decoder(self) -> TopDown:
        return cast("TopDown", self.networks["decoder"])

    def _autoencode(self, images: Tensor, labels: Tensor, noise: Tensor) -> Descent:
        with autocast(images.device, self.config.precision):
            descent: Descent = self._decoder(labels, self.networks["encoder"](images), iter(self._split(noise)))
        return descent

    def _split(self, codes: Tensor) -> list[Tensor]:
        """Split codes (B, code_length) into those of the groups, (B, latent, rows, columns)."""
        shapes = self._decoder.plan.group_shapes
        parts = torch.split(codes, [math.prod(shape) for shape in shapes], dim=1)
        return [part.reshape(-1, *shape) for part, shape in zip(parts, shapes, strict=True)]

    def _balance(self, kl: Tensor) -> Tensor:
        sizes = [math.prod(shape) for shape in self._decoder.plan.group_shapes]
        # A small number keeps a group with no KL at all in the loss.
        rates = kl / torch.tensor(sizes, device=kl.device) + 1e-3
        return rates / rates.mean()

    def _singular_values(self) -> Tensor:
        convolutions = [module for module in self.networks.modules() if isinstance(module, Conv)]
        return torch.stack([convolution.singular_value() for convolution in convolutions]).sum()


def _flat(parts: list[Tensor]) -> Tensor:
    return torch.cat([part.flatten(1) for part in parts], dim=1)
