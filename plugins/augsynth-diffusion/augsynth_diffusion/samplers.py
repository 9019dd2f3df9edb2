"""Samplers: from noise to an image or back, by the denoiser alone.

All models of this package share one space: an image at noise level σ is x = image + σ·noise, with standard normal
noise. The models differ in how their networks learn the denoiser D(x; σ), the expected clean image.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Protocol

import torch
from torch import Tensor

from augsynth.errors import ArgumentError, shown

Denoise = Callable[[Tensor, float], Tensor]
"""Function of noisy images (B, C, H, W) and their noise level. It returns the expected clean images."""

Slope = Callable[[Tensor, float], Tensor]
"""Function of a state (B, C, H, W) and a time. It returns the derivative of the state by the time."""

Solver = Callable[[Slope, Tensor, Sequence[float]], Tensor]
"""Function of a slope, the state at `times[0]`, and `times`. It returns the state at `times[-1]`."""


class NoiseLike(Protocol):
    """Source of standard normal numbers: `augsynth.generators.Noise`."""

    def normal(self, *shape: int) -> Tensor: ...


Sampler = Callable[[Denoise, Tensor, Sequence[float], NoiseLike], Tensor]
"""Function of a denoiser, images at noise level `sigmas[0]`, `sigmas`, and noise. It returns images at `sigmas[-1]`."""


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
    if steps == 1 or sigma_max <= sigma_min:
        return [sigma_max, 0.0]
    high, low = sigma_max ** (1 / rho), sigma_min ** (1 / rho)
    return [sigma_max, *((high + k / (steps - 1) * (low - high)) ** rho for k in range(1, steps)), 0.0]


# Solvers of ordinary differential equations ----------------------------------------------------------------------


def euler(slope: Slope, state: Tensor, times: Sequence[float]) -> Tensor:
    """Solve with Euler's method, of first order: one evaluation a step.

    Args:
        slope: derivative of the state.
        state: state at `times[0]`, (B, C, H, W).
        times: times of the steps, each above 0 except the last.
    """
    for now, then in pairwise(times):
        state = state + (then - now) * slope(state, now)
    return state


def midpoint(slope: Slope, state: Tensor, times: Sequence[float]) -> Tensor:
    """Solve with the midpoint method, of second order: two evaluations a step.

    Args:
        slope: derivative of the state.
        state: state at `times[0]`, (B, C, H, W).
        times: times of the steps, each above 0 except the last.
    """
    for now, then in pairwise(times):
        half = (then - now) / 2
        state = state + (then - now) * slope(state + half * slope(state, now), now + half)
    return state


def heun(slope: Slope, state: Tensor, times: Sequence[float]) -> Tensor:
    """Solve with Heun's method, of second order: two evaluations a step, and one in a step to time 0.

    Karras et al., NeurIPS 2022, algorithm 1, without churn.

    Args:
        slope: derivative of the state.
        state: state at `times[0]`, (B, C, H, W).
        times: times of the steps, each above 0 except the last.
    """
    for now, then in pairwise(times):
        first = slope(state, now)
        moved = state + (then - now) * first
        state = moved if then == 0 else state + (then - now) / 2 * (first + slope(moved, then))
    return state


# Samplers that run a solver --------------------------------------------------------------------------------------


def along_noise(solver: Solver) -> Sampler:
    """Make the sampler that solves dx/dσ = (x − D(x; σ)) / σ, the probability flow of EDM. It is deterministic.

    With `euler` it is DDIM, η = 0: Song, Meng & Ermon, "Denoising diffusion implicit models", ICLR 2021.

    Args:
        solver: the solver.
    """

    def sampler(denoise: Denoise, images: Tensor, sigmas: Sequence[float], noise: NoiseLike) -> Tensor:
        return solver(lambda x, sigma: (x - denoise(x, sigma)) / sigma, images, sigmas)

    return sampler


def along_line(solver: Solver) -> Sampler:
    """Make the sampler that solves dz/dt = E[noise − image | z] on the straight path z = (1 − t)·image + t·noise.

    Liu, Gong & Liu, "Flow straight and fast", ICLR 2023; Lipman et al., "Flow matching for generative modeling", ICLR
    2023. The time is t = σ / (1 + σ), and z = x / (1 + σ).

    Args:
        solver: the solver.
    """

    def sampler(denoise: Denoise, images: Tensor, sigmas: Sequence[float], noise: NoiseLike) -> Tensor:
        def slope(z: Tensor, t: float) -> Tensor:
            image = denoise(z / (1 - t), t / (1 - t))
            return (z - image) / t  # z = image + t·(noise − image)

        times = [sigma / (1 + sigma) for sigma in sigmas]
        return solver(slope, images / (1 + sigmas[0]), times) * (1 + sigmas[-1])

    return sampler


def with_fresh_noise(eta: float) -> Sampler:
    """Make the sampler that replaces a part of the noise at each step.

    Song, Meng & Ermon, ICLR 2021, equation 16. η = 0 is deterministic, and η = 1 is the ancestral sampling of Ho, Jain
    & Abbeel, "Denoising diffusion probabilistic models", NeurIPS 2020. A step from σ to τ keeps the direction of the
    noise at level √(τ² − u²) and adds fresh noise at level u = η·τ·√(1 − τ²/σ²).

    Args:
        eta: η, in [0, 1].
    """

    def sampler(denoise: Denoise, images: Tensor, sigmas: Sequence[float], noise: NoiseLike) -> Tensor:
        for now, then in pairwise(sigmas):
            fresh = eta * then * math.sqrt(max(0.0, 1 - (then / now) ** 2))
            kept = math.sqrt(then**2 - fresh**2)
            denoised = denoise(images, now)
            images = denoised + kept / now * (images - denoised)
            if fresh > 0:
                images = images + fresh * noise.normal(*images.shape[1:])
        return images

    return sampler


def leaping(denoise: Denoise, images: Tensor, sigmas: Sequence[float], noise: NoiseLike) -> Tensor:
    """Draw with a consistency function, which leaps from any noise level to the end of its path.

    Song, Dhariwal, Chen & Sutskever, "Consistency models", ICML 2023, algorithm 1: after each leap, fresh noise of the
    next level is added.

    Args:
        denoise: the consistency function.
        images: images at noise level `sigmas[0]`, (B, C, H, W).
        sigmas: noise levels of the leaps, and a final 0.
        noise: source of the fresh noise.
    """
    for now, then in pairwise(sigmas):
        images = denoise(images, now)
        if then > 0:
            images = images + then * noise.normal(*images.shape[1:])
    return images


# Guidance --------------------------------------------------------------------------------------------------------


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


def steered(denoise: Denoise, score: Callable[[Tensor], Tensor], strength: float, sigma_data: float) -> Denoise:
    """Make a denoiser whose results have a higher score.

    Classifier guidance (Dhariwal & Nichol, "Diffusion models beat GANs on image synthesis", NeurIPS 2021) adds the
    covariance of the clean image, given the noisy one, times the gradient of the score. Here the gradient is taken at
    the expected clean image, as in Bansal et al., "Universal guidance for diffusion models", 2023, and the covariance
    is that of Gaussian data: σ²·σ_data² / (σ² + σ_data²). The network is not differentiated.

    Args:
        denoise: the denoiser.
        score: differentiable function of clean images (B, C, H, W), which returns (B,).
        strength: factor of the gradient, at least 0.
        sigma_data: standard deviation of the images, above 0.
    """

    def steer(images: Tensor, sigma: float) -> Tensor:
        clean = denoise(images, sigma)
        variance = sigma**2 * sigma_data**2 / (sigma**2 + sigma_data**2)
        return clean + strength * variance * gradient(score, clean)

    return steer


def gradient(score: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """Compute the gradients of the score of each image.

    Args:
        score: differentiable function of images (B, C, H, W), which returns (B,).
        images: (B, C, H, W).
    """
    with torch.enable_grad():
        at = images.detach().requires_grad_()
        scores = score(at)
        if not isinstance(scores, Tensor) or scores.shape != (len(at),) or not scores.requires_grad:
            got = f"shape {tuple(scores.shape)}" if isinstance(scores, Tensor) else shown(scores)
            raise ArgumentError(
                f"score must return a differentiable tensor ({len(at)},) for {len(at)} images, got {got}"
            )
        (slope,) = torch.autograd.grad(scores.sum(), at)
    return slope
