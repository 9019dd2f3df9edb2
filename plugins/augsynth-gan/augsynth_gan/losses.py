"""Losses and penalties of generative adversarial networks. All of them take logits (B,)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def logistic_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Compute the discriminator's loss, mean softplus(−real) + mean softplus(fake): −log D(x) − log(1 − D(G(z))).

    D is the sigmoid of the logit. Goodfellow et al., "Generative adversarial nets", NIPS 2014.

    Args:
        real: logits of real images, (B,).
        fake: logits of generated images, (B,).

    >>> logistic_loss(torch.tensor([0.0]), torch.tensor([0.0]))  # undecided: 2 log 2
    tensor(1.3863)
    """
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def non_saturating_loss(fake: Tensor) -> Tensor:
    """Compute the generator's loss, mean softplus(−fake): −log D(G(z)).

    Its gradient does not vanish where the discriminator is sure, as that of log(1 − D(G(z))) does: Goodfellow et al.,
    "Generative adversarial nets", NIPS 2014, section 3.

    Args:
        fake: logits of generated images, (B,).

    >>> non_saturating_loss(torch.tensor([0.0]))
    tensor(0.6931)
    """
    return F.softplus(-fake).mean()


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
