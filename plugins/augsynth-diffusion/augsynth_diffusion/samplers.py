"""Solvers of the probability-flow equation dx/dσ = (x − D(x; σ)) / σ, from noise to an image or back.

Both solvers are deterministic. All randomness is in the x that they start from.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

Denoiser = Callable[[Tensor, float], Tensor]
"""Function of noisy images (B, C, H, W) and their noise level. It returns the expected clean images."""

Solver = Callable[[Denoiser, Tensor, "list[float]"], Tensor]
"""Function of a denoiser, images at noise level `sigmas[0]`, and `sigmas`. It returns images at `sigmas[-1]`."""


def karras_sigmas(steps: int, sigma_min: float, sigma_max: float, rho: float = 7.0) -> list[float]:
    """Return noise levels from `sigma_max` down to `sigma_min`, evenly spaced in σ^(1/ρ), and a final 0.

    Karras et al., NeurIPS 2022, equation 5.

    Args:
        steps: number of noise levels above 0, at least 1.
        sigma_min: last noise level above 0.
        sigma_max: first noise level.
        rho: exponent ρ, above 0; default 7. A larger one gives more steps at low noise.

    >>> [round(sigma, 3) for sigma in karras_sigmas(3, 0.002, 80.0)]
    [80.0, 2.515, 0.002, 0.0]
    """
    if steps == 1:
        return [sigma_max, 0.0]
    high, low = sigma_max ** (1 / rho), sigma_min ** (1 / rho)
    return [(high + k / (steps - 1) * (low - high)) ** rho for k in range(steps)] + [0.0]


def heun(denoise: Denoiser, images: Tensor, sigmas: list[float]) -> Tensor:
    """Solve with Heun's method, of second order: two evaluations a step, and one in a step to σ = 0.

    Karras et al., NeurIPS 2022, algorithm 1, without churn.

    Args:
        denoise: the denoiser.
        images: images at noise level `sigmas[0]`, (B, C, H, W).
        sigmas: noise levels of the steps.
    """
    for sigma, following in pairwise(sigmas):
        slope = (images - denoise(images, sigma)) / sigma
        moved = images + (following - sigma) * slope
        if following > 0:
            slope = (slope + (moved - denoise(moved, following)) / following) / 2
        images = images + (following - sigma) * slope
    return images


def ddim(denoise: Denoiser, images: Tensor, sigmas: list[float]) -> Tensor:
    """Solve with DDIM, η = 0: one evaluation a step.

    Song, Meng & Ermon, "Denoising diffusion implicit models", ICLR 2021. Here noise is added and the signal is not
    scaled, so that its update is Euler's step.

    Args:
        denoise: the denoiser.
        images: images at noise level `sigmas[0]`, (B, C, H, W).
        sigmas: noise levels of the steps.
    """
    for sigma, following in pairwise(sigmas):
        denoised = denoise(images, sigma)
        images = denoised + following / sigma * (images - denoised)
    return images


SAMPLERS: dict[str, Solver] = {"heun": heun, "ddim": ddim}


def guided(conditional: Tensor, unconditional: Tensor, guidance: float) -> Tensor:
    """Combine two results by classifier-free guidance.

    Ho & Salimans, "Classifier-free diffusion guidance", 2022, where guidance is written 1 + w.

    Args:
        conditional: clean images expected for the class, (B, C, H, W).
        unconditional: clean images expected without a class, (B, C, H, W).
        guidance: 0 is unconditional, and 1 is plain conditional. Above 1, images are more typical of the class and less
            varied.
    """
    return torch.lerp(unconditional, conditional, guidance)
