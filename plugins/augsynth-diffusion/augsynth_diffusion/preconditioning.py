"""Preconditioning: how a denoiser is made of a network, and the weights of its training loss.

σ is the standard deviation of the noise, on the scale of the images.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Preconditioning:
    """Factors that make a denoiser of a network F: D(x; σ) = c_skip·x + c_out·F(c_in·x; c_noise).

    Karras, Aittala, Aila & Laine, "Elucidating the design space of diffusion-based generative models", NeurIPS 2022,
    table 1. A squared error of F is a squared error of D divided by c_out².

    Args:
        c_skip: factor of the noisy image, (B, 1, 1, 1).
        c_out: factor of the result of F, (B, 1, 1, 1).
        c_in: factor of the input of F, (B, 1, 1, 1).
    """

    c_skip: Tensor
    c_out: Tensor
    c_in: Tensor

    @classmethod
    def unit_variance(cls, sigma: Tensor, sigma_data: Tensor | float) -> Preconditioning:
        """Compute the factors of EDM: inputs and targets of F have variance 1 at every noise level.

        Args:
            sigma: noise levels, (B, 1, 1, 1), above 0.
            sigma_data: standard deviation of the images, above 0.
        """
        variance = sigma.square() + sigma_data**2
        return cls(
            c_skip=sigma_data**2 / variance,
            c_out=sigma * sigma_data / variance.sqrt(),
            c_in=variance.rsqrt(),
        )

    @classmethod
    def noise(cls, sigma: Tensor, sigma_data: Tensor | float) -> Preconditioning:
        """Compute the factors for a network that predicts the noise: x = D + σ·F.

        Ho, Jain & Abbeel, "Denoising diffusion probabilistic models", NeurIPS 2020.

        Args:
            sigma: noise levels, (B, 1, 1, 1), above 0.
            sigma_data: not used.
        """
        return cls(c_skip=torch.ones_like(sigma), c_out=-sigma, c_in=(1 + sigma.square()).rsqrt())

    @classmethod
    def velocity(cls, sigma: Tensor, sigma_data: Tensor | float) -> Preconditioning:
        """Compute the factors for a network that predicts v = √ᾱ·noise − √(1 − ᾱ)·image, where ᾱ = 1 / (1 + σ²).

        Salimans & Ho, "Progressive distillation for fast sampling of diffusion models", ICLR 2022.

        Args:
            sigma: noise levels, (B, 1, 1, 1), above 0.
            sigma_data: not used.
        """
        c_in = (1 + sigma.square()).rsqrt()
        return cls(c_skip=c_in.square(), c_out=-sigma * c_in, c_in=c_in)

    @classmethod
    def straight(cls, sigma: Tensor, sigma_data: Tensor | float) -> Preconditioning:
        """Compute the factors for a network that predicts noise − image, the velocity of a straight path.

        With t = σ / (1 + σ), its input is z = (1 − t)·image + t·noise, and the image is z − t·F. Lipman et al., "Flow
        matching for generative modeling", ICLR 2023.

        Args:
            sigma: noise levels, (B, 1, 1, 1), above 0.
            sigma_data: not used.
        """
        c_in = 1 / (1 + sigma)
        return cls(c_skip=c_in, c_out=-sigma * c_in, c_in=c_in)


Factors = Callable[[Tensor, "Tensor | float"], Preconditioning]
"""Function of noise levels (B, 1, 1, 1) and the standard deviation of the images."""


def draw_sigma(normal: Tensor, mean: float, std: float) -> Tensor:
    """Compute log-normal noise levels, (B, 1, 1, 1): ln σ ~ N(mean, std²).

    Args:
        normal: standard normal numbers, (B,).
        mean: mean of ln σ.
        std: standard deviation of ln σ, above 0.
    """
    return torch.exp(mean + std * normal).view(-1, 1, 1, 1)


def denoising_loss(denoised: Tensor, clean: Tensor, weight: Tensor) -> Tensor:
    """Compute the weighted mean squared error of a denoiser.

    Args:
        denoised: results of the denoiser, (B, C, H, W).
        clean: clean images, (B, C, H, W).
        weight: weight of each image, (B, 1, 1, 1).
    """
    return (weight * (denoised - clean).square()).mean()
