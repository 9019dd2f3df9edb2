"""Inversion: finding the latent vectors of images, for generators that have no encoder.

Zhu, Krähenbühl, Shechtman & Efros, "Generative visual manipulation on the natural image manifold", ECCV 2016.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor


def invert(
    decode: Callable[[Tensor], Tensor],
    images: Tensor,
    starts: Tensor,
    *,
    steps: int = 200,
    rate: float = 0.1,
    prior: float = 1e-3,
) -> Tensor:
    """Find codes z that minimise mean (G(z) − x)² + prior · mean z², each by itself, with Adam.

    The descent begins at that of several codes whose image is nearest. Its rate falls as half a cosine. The second term
    keeps codes where the generator has learned: the way between two of them is then one of images.

    Args:
        decode: differentiable function from codes (B, …) to images (B, C, H, W).
        images: images to find, (B, C, H, W) in [−1, 1].
        starts: k codes for each image to begin with, floating-point (k, B, …), at least one.
        steps: number of steps, at least 0; default 200.
        rate: rate of the first step, above 0; default 0.1.
        prior: weight of the second term, at least 0; default 0.001.

    Returns:
        Codes (B, …).
    """
    with torch.enable_grad():
        codes = _nearest(decode, images, starts).requires_grad_()
        optimizer = torch.optim.Adam([codes], rate)
        for index in range(steps):
            optimizer.param_groups[0]["lr"] = rate * (1 + math.cos(math.pi * index / steps)) / 2
            loss = _distances(decode(codes), images) + prior * codes.square().flatten(1).mean(1)
            # The sum: the gradient of a code depends on its own image alone.
            (codes.grad,) = torch.autograd.grad(loss.sum(), codes)
            optimizer.step()
    return codes.detach()


@torch.no_grad()
def _nearest(decode: Callable[[Tensor], Tensor], images: Tensor, starts: Tensor) -> Tensor:
    distances = torch.stack([_distances(decode(codes), images) for codes in starts])
    return starts[distances.argmin(0), torch.arange(len(images), device=images.device)]


def _distances(drawn: Tensor, images: Tensor) -> Tensor:
    return (drawn - images).square().flatten(1).mean(1)
