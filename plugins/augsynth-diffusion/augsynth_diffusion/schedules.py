"""Schedules of noise levels for discrete times 0…T. ᾱ is the share of the image in the variance: σ² = (1 − ᾱ) / ᾱ."""

from __future__ import annotations

import math
from collections.abc import Callable


def linear_sigmas(times: int) -> list[float]:
    """Return the noise levels at the times 0…T for betas that rise evenly.

    Ho, Jain & Abbeel, "Denoising diffusion probabilistic models", NeurIPS 2020, section 4: β from 0.0001 to 0.02 for T
    = 1000. For another T, the betas are divided by T / 1000, up to 0.999.

    Args:
        times: T, at least 1.

    >>> sigmas = linear_sigmas(1000)
    >>> [round(sigmas[t], 3) for t in (0, 1, 500, 1000)]
    [0.0, 0.01, 3.435, 157.407]
    """
    scale = 1000 / times
    return _sigmas([min(0.999, scale * (1e-4 + (2e-2 - 1e-4) * k / max(1, times - 1))) for k in range(times)])


def cosine_sigmas(times: int) -> list[float]:
    """Return the noise levels at the times 0…T for ᾱ that follows a squared cosine.

    Nichol & Dhariwal, "Improved denoising diffusion probabilistic models", ICML 2021, equation 17: s = 0.008, and betas
    are at most 0.999.

    Args:
        times: T, at least 1.

    >>> sigmas = cosine_sigmas(1000)
    >>> [round(sigmas[t], 3) for t in (0, 1, 500)]
    [0.0, 0.006, 1.013]
    """

    def share(k: int) -> float:
        return math.cos((k / times + 0.008) / 1.008 * math.pi / 2) ** 2

    return _sigmas([min(0.999, 1 - share(k + 1) / share(k)) for k in range(times)])


def _sigmas(betas: list[float]) -> list[float]:
    sigmas, share = [0.0], 1.0
    for beta in betas:
        share *= 1 - beta
        sigmas.append(math.sqrt((1 - share) / share))
    return sigmas


SCHEDULES: dict[str, Callable[[int], list[float]]] = {"cosine": cosine_sigmas, "linear": linear_sigmas}
"""Schedules by the names that the option `noise_schedule` takes."""
