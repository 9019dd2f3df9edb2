"""Consistency tuning: a denoiser becomes a function that leaps from any noise level to the end of its path.

Geng, Pokle, Luo, Lin & Kolter, "Consistency models made easy", ICLR 2025 (ECT). The loss compares the results at two
noise levels t > r of the same image and the same noise:

    E[w(t, r)·‖f(x + t·n; t) − sg f(x + r·n; r)‖], with f(x; 0) = x and w = 1 / (t − r).

At first r is 0 for most t, which is denoising, so that tuning starts from a denoiser. Then r approaches t.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

STAGES = 8
"""Number of times that the distance between both noise levels is halved."""


def nearer_level(t: Tensor, progress: float) -> Tensor:
    """Compute the noise level r below t: r = t·(1 − n(t) / 2^a) in stage a = 1, 2, …, with n(t) = 1 + 8·sigmoid(−t).

    The factor n(t) makes the distance relatively larger at low noise. Negative levels become 0.

    Args:
        t: noise levels, above 0.
        progress: share of the tuning that is done, in [0, 1).

    >>> [[round(level, 2) for level in nearer_level(torch.tensor([0.5, 4.0]), share).tolist()] for share in (0, 0.5)]
    [[0.0, 1.71], [0.44, 3.86]]
    """
    stage = 1 + int(STAGES * progress)
    nearer: Tensor = t * (1 - (1 + 8 * torch.sigmoid(-t)) / 2**stage)
    return nearer.clamp(min=0)


def consistency_loss(
    function: Callable[[Tensor, Tensor], Tensor], clean: Tensor, noise: Tensor, t: Tensor, r: Tensor
) -> Tensor:
    """Compute the loss of consistency: the distance between the results at two noise levels, divided by t − r.

    Args:
        function: the consistency function of noisy images and their noise levels.
        clean: clean images, (B, C, H, W).
        noise: standard normal noise, (B, C, H, W).
        t: noise levels, (B, 1, 1, 1), above 0.
        r: lower noise levels, (B, 1, 1, 1), at least 0.
    """
    with torch.no_grad():
        nearer = function(clean + r * noise, r.clamp(min=1e-4))
        target = torch.where(r > 0, nearer, clean)
    found = function(clean + t * noise, t)
    # A root is robust: Song & Dhariwal, "Improved techniques for training consistency models", ICLR 2024.
    distance = ((found - target).square().mean((1, 2, 3)) + 1e-6).sqrt()
    return (distance / (t - r).flatten()).mean()
