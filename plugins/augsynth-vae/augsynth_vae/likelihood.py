"""The two terms of the evidence lower bound: the likelihood of the image, and the cost of the latent code.

Images are floating-point (B, C, H, W) in [−1, 1]. All results are in nats.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LEVELS = 255
"""Number of steps from the darkest to the brightest value of a uint8 image."""


class Bernoulli(nn.Module):
    """Cross-entropy with the brightness as a probability. The decoder's output is logits.

    For images that are nearly black and white. Kingma & Welling, "Auto-encoding variational Bayes", ICLR 2014.
    """

    def negative_log(self, output: Tensor, images: Tensor) -> Tensor:
        """Compute −log p(images | output), summed over the values of an image: (B,).

        Args:
            output: output of the decoder, (B, C, H, W).
            images: (B, C, H, W) in [−1, 1].
        """
        brightness = (images + 1) / 2
        return F.binary_cross_entropy_with_logits(output, brightness, reduction="none").sum((1, 2, 3))

    def mean(self, output: Tensor) -> Tensor:
        """Compute the expected image, in [−1, 1].

        Args:
            output: output of the decoder, (B, C, H, W).
        """
        return 2 * torch.sigmoid(output) - 1


class DiscretizedLogistic(nn.Module):
    """Logistic density around the decoder's output, integrated over each of the 256 levels of a uint8 image.

    One scale for each channel is learned with the networks. It balances reconstruction and latent code. Kingma et al.,
    "Improving variational inference with inverse autoregressive flow", NeurIPS 2016.

    Args:
        channels: channels of the images, at least 1.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.full((channels, 1, 1), -1.5))

    def negative_log(self, output: Tensor, images: Tensor) -> Tensor:
        """Compute −log p(images | output), summed over the values of an image: (B,).

        Args:
            output: output of the decoder, (B, C, H, W).
            images: (B, C, H, W) in [−1, 1].
        """
        sharpness = torch.exp(-self.log_scale)
        upper = sharpness * (images - output + 1 / LEVELS)
        lower = sharpness * (images - output - 1 / LEVELS)
        # sigmoid(u) − sigmoid(l) = sigmoid(u)·sigmoid(−l)·(1 − e^(l−u)), which is exact far from the centre.
        inside = F.logsigmoid(upper) + F.logsigmoid(-lower) + torch.log(-torch.expm1(lower - upper))
        # The outermost levels also have the probability of all values outside.
        darkest = images < -1 + 1 / LEVELS
        brightest = images > 1 - 1 / LEVELS
        log_p = torch.where(darkest, F.logsigmoid(upper), torch.where(brightest, F.logsigmoid(-lower), inside))
        return -log_p.sum((1, 2, 3))

    def mean(self, output: Tensor) -> Tensor:
        """Compute the expected image, in [−1, 1].

        Args:
            output: output of the decoder, (B, C, H, W).
        """
        return output.clamp(-1, 1)


Likelihood = Bernoulli | DiscretizedLogistic
"""Likelihood of an image under the decoder's output."""


def gaussian_kl(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Compute KL(N(mean, e^log_variance) ‖ N(0, 1)) of every latent dimension.

    Kingma & Welling, ICLR 2014, appendix B.

    Args:
        mean: means, of any shape.
        log_variance: logarithms of variances, of the same shape.

    >>> gaussian_kl(torch.zeros(1), torch.zeros(1))
    tensor([0.])
    """
    return (mean.square() + log_variance.exp() - 1 - log_variance) / 2


def free_bits(kl: Tensor, floor: float) -> Tensor:
    """Sum the batch mean of the KL terms over latent dimensions. No dimension counts less than `floor`.

    A dimension below the floor has no gradient, so that it is not switched off before the decoder uses it. Kingma et
    al., NeurIPS 2016, section C.8, where `floor` is λ.

    Args:
        kl: KL terms, (B, latent), in nats.
        floor: smallest term of a dimension, in nats, at least 0.

    >>> free_bits(torch.tensor([[0.01, 2.0]]), floor=0.05)
    tensor(2.0500)
    """
    return kl.mean(0).clamp(min=floor).sum()
