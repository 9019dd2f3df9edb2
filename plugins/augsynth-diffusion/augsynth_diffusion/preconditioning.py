"""The preconditioning and the training objective of EDM.

Karras, Aittala, Aila & Laine, "Elucidating the design space of diffusion-based generative models", NeurIPS 2022,
table 1 and section 5. σ is the standard deviation of the noise, in the units of the images.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Preconditioning:
    """How a network F becomes a denoiser: D(x; σ) = c_skip·x + c_out·F(c_in·x; c_noise).

    The factors, `(B, 1, 1, 1)` like `sigma`, give F inputs and targets of variance 1 at every noise level, where the
    data have variance `sigma_data`².
    """

    c_skip: Tensor
    c_out: Tensor
    c_in: Tensor
    c_noise: Tensor
    """`(B,)`, what F is told of the noise level."""

    @classmethod
    def at(cls, sigma: Tensor, sigma_data: Tensor | float) -> Preconditioning:
        """The factors for noise levels `sigma`, `(B, 1, 1, 1)`, above 0."""
        variance = sigma.square() + sigma_data**2
        return cls(
            c_skip=sigma_data**2 / variance,
            c_out=sigma * sigma_data / variance.sqrt(),
            c_in=variance.rsqrt(),
            c_noise=sigma.flatten().log() / 4,
        )


def draw_sigma(normal: Tensor, mean: float, std: float) -> Tensor:
    """Log-normal noise levels `(B, 1, 1, 1)` from standard normal numbers `(B,)`: ln σ ~ N(mean, std²)."""
    return torch.exp(mean + std * normal).view(-1, 1, 1, 1)


def denoising_loss(denoised: Tensor, clean: Tensor, sigma: Tensor, sigma_data: Tensor | float) -> Tensor:
    """Mean squared error, weighted by 1 / c_out², so that every noise level starts with the same loss.

    An F that always answers 0 scores 1 at every noise level.
    """
    weight = (sigma.square() + sigma_data**2) / (sigma * sigma_data).square()
    return (weight * (denoised - clean).square()).mean()
