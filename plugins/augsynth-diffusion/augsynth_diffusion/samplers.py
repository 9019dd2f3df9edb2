"""Solving the probability-flow equation dx/dσ = (x − D(x; σ)) / σ from noise to an image, or back.

Both samplers are deterministic: all randomness is in the x they start from.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

Denoiser = Callable[[Tensor, float], Tensor]
"""Gives the expected clean images for noisy ones `(B, C, H, W)` at a noise level."""

Sampler = Callable[[Denoiser, Tensor, "list[float]"], Tensor]
"""Carries images at noise level `sigmas[0]` to `sigmas[-1]`."""


def karras_sigmas(steps: int, sigma_min: float, sigma_max: float, rho: float = 7.0) -> list[float]:
    """`steps` noise levels from `sigma_max` down to `sigma_min`, evenly spaced in σ^(1/ρ), and a final 0.

    Karras et al., NeurIPS 2022, equation 5.

    >>> [round(sigma, 3) for sigma in karras_sigmas(3, 0.002, 80.0)]
    [80.0, 2.515, 0.002, 0.0]
    """
    if steps == 1:
        return [sigma_max, 0.0]
    high, low = sigma_max ** (1 / rho), sigma_min ** (1 / rho)
    return [(high + k / (steps - 1) * (low - high)) ** rho for k in range(steps)] + [0.0]


def heun(denoise: Denoiser, images: Tensor, sigmas: list[float]) -> Tensor:
    """Heun's method, of second order: two evaluations a step, one in a step to σ = 0.

    Karras et al., NeurIPS 2022, algorithm 1, without churn.
    """
    for sigma, following in pairwise(sigmas):
        slope = (images - denoise(images, sigma)) / sigma
        moved = images + (following - sigma) * slope
        if following > 0:
            slope = (slope + (moved - denoise(moved, following)) / following) / 2
        images = images + (following - sigma) * slope
    return images


def ddim(denoise: Denoiser, images: Tensor, sigmas: list[float]) -> Tensor:
    """DDIM with η = 0: one evaluation a step.

    Song, Meng & Ermon, "Denoising diffusion implicit models", ICLR 2021. With images scaled as here, where noise is
    added and the signal stays as it is, its update is Euler's step.
    """
    for sigma, following in pairwise(sigmas):
        denoised = denoise(images, sigma)
        images = denoised + following / sigma * (images - denoised)
    return images


SAMPLERS: dict[str, Sampler] = {"heun": heun, "ddim": ddim}


def guided(conditional: Tensor, unconditional: Tensor, guidance: float) -> Tensor:
    """Classifier-free guidance: the conditional answer, pushed away from the unconditional one.

    `guidance` 0 is unconditional, 1 plain conditional, above 1 more typical of the class and less varied. Ho &
    Salimans, "Classifier-free diffusion guidance", 2022, where it is written 1 + w.
    """
    return torch.lerp(unconditional, conditional, guidance)
