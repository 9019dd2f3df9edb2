"""Likelihoods of an image under the output of a decoder.

Images are floating-point (B, C, H, W) in [−1, 1]. All results are in nats.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LEVELS = 255
"""Number of steps from the darkest to the brightest value of a uint8 image."""

LOG_SCALES = (-6.0, 2.0)
"""Limits of the mixture's log scales: far below the width of a level, and far above that of all levels."""


class Likelihood(nn.Module):
    """Base of the likelihoods.

    A decoder gives `outputs` numbers for each value of an image: (B, outputs · C, H, W).
    """

    outputs: ClassVar[int] = 1
    """Number of the decoder's outputs for each value of an image."""

    def negative_log(self, output: Tensor, images: Tensor) -> Tensor:
        """Compute −log p(images | output), summed over the values of an image: (B,).

        Args:
            output: output of the decoder, (B, outputs · C, H, W).
            images: (B, C, H, W) in [−1, 1].
        """
        raise NotImplementedError

    def mean(self, output: Tensor) -> Tensor:
        """Compute the expected image, (B, C, H, W) in [−1, 1].

        Args:
            output: output of the decoder, (B, outputs · C, H, W).
        """
        raise NotImplementedError

    def negative_log_levels(self, output: Tensor, images: Tensor) -> Tensor:
        """Compute −log P(images | output), (B,), where P is a probability of the 256 levels of a uint8 value.

        Args:
            output: output of the decoder, (B, outputs · C, H, W).
            images: (B, C, H, W) in [−1, 1].
        """
        return self.negative_log(output, images)


class Bernoulli(Likelihood):
    """Cross-entropy with the brightness as a probability. The decoder's output is logits.

    For images that are nearly black and white. Kingma & Welling, "Auto-encoding variational Bayes", ICLR 2014.

    Cross-entropy is no probability of grey tones. Among the 256 levels, P(k) is proportional to exp(logit · k / 255),
    as in Loaiza-Ganem & Cunningham, "The continuous Bernoulli", NeurIPS 2019. The fit does not see this
    normalisation, so that bits/dim are far higher than those of the other likelihoods.
    """

    def negative_log(self, output: Tensor, images: Tensor) -> Tensor:
        brightness = (images + 1) / 2
        return F.binary_cross_entropy_with_logits(output, brightness, reduction="none").sum((1, 2, 3))

    def negative_log_levels(self, output: Tensor, images: Tensor) -> Tensor:
        # With darkness in place of brightness for logits above 0, all exponents are at most 0.
        size = output.abs()
        distance = (1 - output.sign() * images) / 2
        step = (size / LEVELS).clamp(min=1e-6)
        # The sum of the geometric series Σ exp(−step · k), k = 0 … 255.
        log_sum = torch.log(torch.expm1(-(LEVELS + 1) * step) / torch.expm1(-step))
        return (size * distance + log_sum).sum((1, 2, 3))

    def mean(self, output: Tensor) -> Tensor:
        return 2 * torch.sigmoid(output) - 1


class DiscretizedLogistic(Likelihood):
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
        return -log_level_probability(images, output, self.log_scale).sum((1, 2, 3))

    def mean(self, output: Tensor) -> Tensor:
        return output.clamp(-1, 1)


class LogisticMixture(Likelihood):
    """Mixture of discretised logistic densities for each value. Weights, centres and scales are the decoder's outputs.

    A dark background costs almost nothing, because its scale can be narrow where strokes have a wide one. Salimans et
    al., "PixelCNN++", ICLR 2017, without the dependence between channels.
    """

    components: ClassVar[int] = 3
    outputs = 3 * components

    def negative_log(self, output: Tensor, images: Tensor) -> Tensor:
        logits, centers, log_scales = self._components(output)
        each = log_level_probability(images[:, None], centers, log_scales)
        return -torch.logsumexp(F.log_softmax(logits, dim=1) + each, dim=1).sum((1, 2, 3))

    def mean(self, output: Tensor) -> Tensor:
        logits, centers, _ = self._components(output)
        return (F.softmax(logits, dim=1) * centers.clamp(-1, 1)).sum(1)

    def _components(self, output: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Split an output into logits, centres and log scales, each (B, components, C, H, W)."""
        batch, _, height, width = output.shape
        shape = (batch, self.components, -1, height, width)
        logits, centers, log_scales = (part.reshape(shape) for part in output.chunk(3, dim=1))
        # Fixed offsets let the components start apart; else all of them would stay equal.
        apart = torch.linspace(-1, 1, self.components, device=output.device)[:, None, None, None]
        return (
            logits,
            centers + apart,
            (log_scales - 2).clamp(*LOG_SCALES),
        )


def log_level_probability(images: Tensor, center: Tensor, log_scale: Tensor) -> Tensor:
    """Compute the log probability of the level of each value under a logistic density. Arguments are broadcast.

    The two outermost levels also have the probability of all values outside.

    Args:
        images: values in [−1, 1].
        center: centres of the densities.
        log_scale: logarithms of their scales.
    """
    sharpness = torch.exp(-log_scale)
    upper = sharpness * (images - center + 1 / LEVELS)
    lower = sharpness * (images - center - 1 / LEVELS)
    # sigmoid(u) − sigmoid(l) = sigmoid(u)·sigmoid(−l)·(1 − e^(l−u)), which is exact far from the centre.
    inside = F.logsigmoid(upper) + F.logsigmoid(-lower) + torch.log(-torch.expm1(lower - upper))
    darkest, brightest = images < -1 + 1 / LEVELS, images > 1 - 1 / LEVELS
    return torch.where(darkest, F.logsigmoid(upper), torch.where(brightest, F.logsigmoid(-lower), inside))


LIKELIHOODS = ("bernoulli", "logistic", "mixture")
"""Values of the option `likelihood`."""


def make_likelihood(name: str, channels: int) -> Likelihood:
    """Make a likelihood.

    Args:
        name: one of `LIKELIHOODS`.
        channels: channels of the images, at least 1.
    """
    if name == "bernoulli":
        return Bernoulli()
    return DiscretizedLogistic(channels) if name == "logistic" else LogisticMixture()
