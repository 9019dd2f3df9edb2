"""The terms of the evidence lower bound (ELBO) that concern the latent code, in nats.

log p(x) ≥ E_q(z|x)[log p(x | z)] − KL(q(z | x) ‖ p(z))
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def gaussian_kl(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Compute KL(N(mean, e^log_variance) ‖ N(0, 1)) of every latent dimension.

    Kingma & Welling, "Auto-encoding variational Bayes", ICLR 2014, appendix B.

    Args:
        mean: means, of any shape.
        log_variance: logarithms of variances, of the same shape.

    >>> gaussian_kl(torch.zeros(1), torch.zeros(1))
    tensor([0.])
    """
    return (mean.square() + log_variance.exp() - 1 - log_variance) / 2


def gaussian_log_density(values: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """Compute log N(values; mean, e^log_variance), summed over all dimensions except the first: (B,).

    Args:
        values: (B, …).
        mean: means, of the same shape or one that broadcasts.
        log_variance: logarithms of variances, likewise.
    """
    squares = (values - mean).square() * torch.exp(-log_variance)
    return -(squares + log_variance + math.log(2 * math.pi)).flatten(1).sum(1) / 2


def free_bits(kl: Tensor, floor: float) -> Tensor:
    """Sum the batch mean of the KL terms over latent dimensions. No dimension counts less than `floor`.

    A dimension below the floor has no gradient, so that it is not switched off before the decoder uses it. Kingma et
    al., "Improving variational inference with inverse autoregressive flow", NeurIPS 2016, section C.8, where `floor` is
    λ.

    Args:
        kl: KL terms, (B, latent), in nats.
        floor: smallest term of a dimension, in nats, at least 0.

    >>> free_bits(torch.tensor([[0.01, 2.0]]), floor=0.05)
    tensor(2.0500)
    """
    return kl.mean(0).clamp(min=floor).sum()


def ramp(index: int, length: float) -> float:
    """Compute a factor that rises linearly from 0 at step 0 to 1 at step `length`, and stays there.

    The decoder learns to use the code before the code is taxed. Bowman et al., "Generating sentences from a continuous
    space", CoNLL 2016.

    Args:
        index: number of the step, at least 0.
        length: number of steps of the rise, at least 0.

    >>> ramp(5, 20), ramp(30, 20), ramp(0, 0)
    (0.25, 1.0, 1.0)
    """
    return min(1.0, index / length) if length > 0 else 1.0


def importance_bound(log_weights: Tensor) -> Tensor:
    """Compute the importance-weighted bound of log p(x) from k draws of the code: (B,).

    It is log (1/k Σ w), w = p(x, z) / q(z | x) with z from q(z | x). One draw gives the ELBO; more draws give a tighter
    bound. Burda, Grosse & Salakhutdinov, "Importance weighted autoencoders", ICLR 2016.

    Args:
        log_weights: log w of each draw, (k, B).
    """
    return torch.logsumexp(log_weights, dim=0) - math.log(len(log_weights))


def bits_per_value(nats: Tensor, image_shape: tuple[int, int, int]) -> Tensor:
    """Convert a negative log-likelihood of images to bits for each value.

    Args:
        nats: (B,).
        image_shape: (C, H, W) of the images.
    """
    return nats / (math.prod(image_shape) * math.log(2))
