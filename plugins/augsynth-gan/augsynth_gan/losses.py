"""The relativistic loss and the gradient penalty of R3GAN.

Huang, Gokaslan, Kuleshov & Tompkin, "The GAN is dead; long live the GAN! A modern GAN baseline", NeurIPS 2024.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def relativistic_loss(preferred: Tensor, other: Tensor) -> Tensor:
    """Mean of softplus(other − preferred) over pairs of logits, `(B,)` each: 0 once `preferred` is far above.

    The discriminator prefers the real image of a pair, the generator the fake one; a collapsed generator loses, since
    every real image has its own counterpart. Jolicoeur-Martineau, "The relativistic discriminator", ICLR 2019.

    >>> relativistic_loss(torch.tensor([0.0]), torch.tensor([0.0]))  # undecided: log 2
    tensor(0.6931)
    """
    return F.softplus(other - preferred).mean()


def gradient_penalty(logits: Tensor, images: Tensor) -> Tensor:
    """Mean over the batch of ‖∂ logits[i] / ∂ images[i]‖², differentiable once more.

    `logits` is `(B,)`, computed from `images` `(B, C, H, W)`, which require a gradient. On real images it is R1, on
    fake ones R2: Mescheder, Geiger & Nowozin, "Which training methods for GANs do actually converge?", ICML 2018.

    >>> images = torch.zeros(4, 1, 2, 2, requires_grad=True)
    >>> gradient_penalty(images.sum(dim=(1, 2, 3)), images).item()
    4.0
    """
    (gradients,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradients.square().flatten(1).sum(1).mean()
