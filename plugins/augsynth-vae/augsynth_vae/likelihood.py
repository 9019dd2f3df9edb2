"""The two halves of the evidence lower bound: how well an image is described, and what the description costs.

Images are float `(B, C, H, W)` in [−1, 1]; all results are in nats.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LEVELS = 255
"""Steps between the darkest and the brightest value of a uint8 image."""


class Bernoulli(nn.Module):
    """Cross-entropy with the brightness as a probability; `output` holds logits.

    For images that are nearly black and white; Kingma & Welling, "Auto-encoding variational Bayes", ICLR 2014.
    """

    def negative_log(self, output: Tensor, images: Tensor) -> Tensor:
        """−log p(images | output), summed over the values of an image: `(B,)`."""
        brightness = (images + 1) / 2
        return F.binary_cross_entropy_with_logits(output, brightness, reduction="none").sum((1, 2, 3))

    def mean(self, output: Tensor) -> Tensor:
        """The expected image, in [−1, 1]."""
        return 2 * torch.sigmoid(output) - 1


class DiscretizedLogistic(nn.Module):
    """A logistic density around `output`, integrated over each of the 256 levels of a uint8 image.

    One scale per channel is learned with the networks, so that the weight of reconstruction against the latent code
    finds itself. Kingma et al., "Improving variational inference with inverse autoregressive flow", NeurIPS 2016.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.full((channels, 1, 1), -1.5))

    def negative_log(self, output: Tensor, images: Tensor) -> Tensor:
        """−log p(images | output), summed over the values of an image: `(B,)`."""
        sharpness = torch.exp(-self.log_scale)
        upper = sharpness * (images - output + 1 / LEVELS)
        lower = sharpness * (images - output - 1 / LEVELS)
        # sigmoid(u) − sigmoid(l) = sigmoid(u)·sigmoid(−l)·(1 − e^(l−u)), which does not cancel far from the centre.
        inside = F.logsigmoid(upper) + F.logsigmoid(-lower) + torch.log(-torch.expm1(lower - upper))
        # The outermost levels hold all that lies beyond them.
        darkest = images < -1 + 1 / LEVELS
        brightest = images > 1 - 1 / LEVELS
        log_p = torch.where(darkest, F.logsigmoid(upper), torch.where(brightest, F.logsigmoid(-lower), inside))
        return -log_p.sum((1, 2, 3))

    def mean(self, output: Tensor) -> Tensor:
        """The expected image, in [−1, 1]."""
        return output.clamp(-1, 1)


Likelihood = Bernoulli | DiscretizedLogistic
"""What the decoder's output says of an image."""


def gaussian_kl(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, e^log_variance) ‖ N(0, 1)) of every latent dimension, of the same shape.

    Kingma & Welling, ICLR 2014, appendix B.

    >>> gaussian_kl(torch.zeros(1), torch.zeros(1))
    tensor([0.])
    """
    return (mean.square() + log_variance.exp() - 1 - log_variance) / 2


def free_bits(kl: Tensor, floor: float) -> Tensor:
    """Sum over latent dimensions of the batch mean of `kl` `(B, Z)`, where no dimension counts less than `floor`.

    Below the floor a dimension gets no gradient, so that it is not switched off before the decoder has found a use
    for it. Kingma et al., NeurIPS 2016, section C.8; `floor` is their λ.

    >>> free_bits(torch.tensor([[0.01, 2.0]]), floor=0.05)
    tensor(2.0500)
    """
    return kl.mean(0).clamp(min=floor).sum()
