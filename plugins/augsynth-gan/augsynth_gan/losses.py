"""The relativistic loss and the gradient penalty of R3GAN.

Huang, Gokaslan, Kuleshov & Tompkin, "The GAN is dead; long live the GAN! A modern GAN baseline", NeurIPS 2024.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def relativistic_loss(preferred: Tensor, other: Tensor) -> Tensor:
    """Compute the mean of softplus(other − preferred) over pairs of logits.

    The discriminator prefers the real image of a pair, and the generator prefers the fake one. A generator that draws
    only some kinds of images loses, because every real image has its own counterpart. Jolicoeur-Martineau, "The
    relativistic discriminator", ICLR 2019.

    Args:
        preferred: logits of the preferred images, (B,).
        other: logits of the other images, (B,).

    >>> relativistic_loss(torch.tensor([0.0]), torch.tensor([0.0]))  # undecided: log 2
    tensor(0.6931)
    """
    return F.softplus(other - preferred).mean()


def gradient_penalty(logits: Tensor, images: Tensor) -> Tensor:
    """Compute the mean of ‖∂ logits[i] / ∂ images[i]‖² over the batch. It can be differentiated.

    It is R1 on real images, and R2 on fake ones: Mescheder, Geiger & Nowozin, "Which training methods for GANs do
    actually converge?", ICML 2018.

    Args:
        logits: logits of the images, (B,).
        images: (B, C, H, W), with `requires_grad`.

    >>> images = torch.zeros(4, 1, 2, 2, requires_grad=True)
    >>> gradient_penalty(images.sum(dim=(1, 2, 3)), images).item()
    4.0
    """
    (gradients,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradients.square().flatten(1).sum(1).mean()
