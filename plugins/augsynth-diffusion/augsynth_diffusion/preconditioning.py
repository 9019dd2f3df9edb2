"""The preconditioning and the training objective of EDM.

Karras, Aittala, Aila & Laine, "Elucidating the design space of diffusion-based generative models", NeurIPS 2022,
table 1 and section 5. σ is the standard deviation of the noise, on the scale of the images.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Preconditioning:
    """Factors that make a denoiser of a network F: D(x; σ) = c_skip·x + c_out·F(c_in·x; c_noise).

    For data of variance `sigma_data`², inputs and targets of F have variance 1 at every noise level.

    Args:
        c_skip: factor of the noisy image, (B, 1, 1, 1).
        c_out: factor of the result of F, (B, 1, 1, 1).
        c_in: factor of the input of F, (B, 1, 1, 1).
        c_noise: noise level as an input of F, (B,).
    """

    c_skip: Tensor
    c_out: Tensor
    c_in: Tensor
    c_noise: Tensor

    @classmethod
    def at(cls, sigma: Tensor, sigma_data: Tensor | float) -> Preconditioning:
        """Compute the factors.

        Args:
            sigma: noise levels, (B, 1, 1, 1), above 0.
            sigma_data: standard deviation of the images, above 0.
        """
        variance = sigma.square() + sigma_data**2
        return cls(
            c_skip=sigma_data**2 / variance,
            c_out=sigma * sigma_data / variance.sqrt(),
            c_in=variance.rsqrt(),
            c_noise=sigma.flatten().log() / 4,
        )


def draw_sigma(normal: Tensor, mean: float, std: float) -> Tensor:
    """Compute log-normal noise levels, (B, 1, 1, 1): ln σ ~ N(mean, std²).

    Args:
        normal: standard normal numbers, (B,).
        mean: mean of ln σ.
        std: standard deviation of ln σ, above 0.
    """
    return torch.exp(mean + std * normal).view(-1, 1, 1, 1)


def denoising_loss(denoised: Tensor, clean: Tensor, sigma: Tensor, sigma_data: Tensor | float) -> Tensor:
    """Compute the mean squared error, weighted by 1 / c_out².

    At the start, every noise level has the same loss: it is 1 if F is 0.

    Args:
        denoised: results of the denoiser, (B, C, H, W).
        clean: clean images, (B, C, H, W).
        sigma: noise levels, (B, 1, 1, 1), above 0.
        sigma_data: standard deviation of the images, above 0.
    """
    weight = (sigma.square() + sigma_data**2) / (sigma * sigma_data).square()
    return (weight * (denoised - clean).square()).mean()
