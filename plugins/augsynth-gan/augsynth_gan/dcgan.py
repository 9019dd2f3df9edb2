"""The `dcgan` generator: strided convolutions and batch norm.

Radford, Metz & Chintala, "Unsupervised representation learning with deep convolutional generative adversarial
networks", ICLR 2016 (DCGAN), with classes as inputs of the generator and as a projection in the discriminator (Miyato &
Koyama, "cGANs with projection discriminator", ICLR 2018).

    discriminator:  E −log D(x|y) + E −log(1 − D(G(z|y)|y))
    generator:      E −log D(G(z|y)|y)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from augsynth.generators.toolkit import option
from augsynth_gan.adversarial import AdversarialGenerator, AdversarialOptions
from augsynth_gan.networks import batch_deviation, halvings, widths

NORMALISATIONS: dict[str, Callable[[int], nn.Module]] = {
    "batch": nn.BatchNorm2d,
    "layer": lambda channels: nn.GroupNorm(1, channels),
    "none": lambda channels: nn.Identity(),
}
"""Normalisations by the names that the option `normalisation` takes."""


@dataclass(frozen=True)
class DCGANConfig(AdversarialOptions):
    """Options of `create_generator("dcgan", …)`, beside those of `AdversarialOptions` and `TrainingOptions`.

    Args:
        channels: channels at the finest level, at least 1; default 24. Coarser levels have up to four times as many.
            Time and memory grow with its square.
        normalisation: "batch" (default), "layer" or "none", in both networks. The discriminator never sees real and
            generated images in one batch.
        spectral: True divides every layer of the discriminator by its spectral norm (Miyato, Kataoka, Koyama & Yoshida,
            "Spectral normalization for generative adversarial networks", ICLR 2018), which bounds how steep it is,
            instead of `normalisation`; default False.
        statistics: True shows the discriminator the deviation of its features over the batch (Karras et al.,
            "Progressive growing of GANs", ICLR 2018), which tells a generator that draws one image again and again;
            default False.
        dropout: share of the discriminator's last features that are dropped in a training step, in [0, 1); default 0.
    """

    betas = (0.5, 0.99)

    channels: int = option(24, at_least=1)
    normalisation: str = option("batch", one_of=tuple(NORMALISATIONS))
    spectral: bool = False
    statistics: bool = False
    dropout: float = option(0.0, at_least=0, below=1)


class DCGAN(AdversarialGenerator):
    """The GAN of Radford et al. (2016), with classes: convolutions that halve or double the sides.

    It is quick, and the base of much of the literature. Its balance is easily lost, and the options are the remedies.

    Args:
        config: options; None for the defaults.
    """

    name = "dcgan"
    api_version = 1
    Config = DCGANConfig
    config: DCGANConfig

    def players(self, image_shape: tuple[int, int, int], num_classes: int) -> tuple[nn.Module, nn.Module]:
        discriminator = StridedDiscriminator(image_shape, num_classes, self.config)
        return StridedGenerator(image_shape, num_classes, self.config), discriminator


class StridedGenerator(nn.Module):
    """Network from latent vectors (B, latent) and classes (B,) to images (B, C, H, W) in (−1, 1).

    Args:
        image_shape: (C, H, W).
        num_classes: number of classes, at least 1.
        config: options.
    """

    def __init__(self, image_shape: tuple[int, int, int], num_classes: int, config: DCGANConfig) -> None:
        super().__init__()
        self._sizes = halvings(*image_shape[1:], at_least=1)
        counts = [*widths(len(self._sizes) - 1, config.channels), image_shape[0]]
        normalise = NORMALISATIONS[config.normalisation]
        self._start = (counts[0], *self._sizes[0])
        self.classes = nn.Embedding(num_classes, config.latent)
        self.start = nn.Linear(2 * config.latent, counts[0] * self._sizes[0][0] * self._sizes[0][1])
        self.normalise = nn.ModuleList(normalise(count) for count in counts[:-1])
        self.enlarge = nn.ModuleList(nn.ConvTranspose2d(a, b, 4, stride=2, padding=1) for a, b in pairwise(counts))
        self.apply(_initialise)

    def forward(self, latents: Tensor, labels: Tensor) -> Tensor:
        x: Tensor = self.start(torch.cat([latents, self.classes(labels)], dim=1)).view(-1, *self._start)
        x = x.contiguous(memory_format=torch.channels_last)  # nearly twice as fast on a CPU
        for (height, width), normalise, enlarge in zip(self._sizes[1:], self.normalise, self.enlarge, strict=True):
            # Odd sides: twice the rounded half is one pixel too many.
            x = enlarge(F.relu(normalise(x)))[:, :, :height, :width]
        return x.tanh().float()


class StridedDiscriminator(nn.Module):
    """Network from images (B, C, H, W) and classes (B,) to logits (B,), higher for real images of the class.

    Args:
        image_shape: (C, H, W).
        num_classes: number of classes, at least 1.
        config: options.
    """

    def __init__(self, image_shape: tuple[int, int, int], num_classes: int, config: DCGANConfig) -> None:
        super().__init__()
        sizes = halvings(*image_shape[1:], at_least=1)[::-1]
        counts = [image_shape[0], *widths(len(sizes) - 1, config.channels)[::-1]]
        normalise = NORMALISATIONS["none" if config.spectral else config.normalisation]
        features = (counts[-1] + config.statistics) * sizes[-1][0] * sizes[-1][1]
        self._statistics = config.statistics
        self.shrink = nn.ModuleList(nn.Conv2d(a, b, 4, stride=2, padding=1) for a, b in pairwise(counts))
        # The first layer has none, as in the paper.
        self.normalise = nn.ModuleList(normalise(count) if i else nn.Identity() for i, count in enumerate(counts[1:]))
        self.dropout = nn.Dropout(config.dropout)
        self.logit = nn.Linear(features, 1)
        self.classes = nn.Embedding(num_classes, features)
        self.apply(_initialise)
        nn.init.normal_(self.classes.weight, std=features**-0.5)
        if config.spectral:
            for layer in [*self.shrink, self.logit, self.classes]:
                spectral_norm(layer)

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        x = images.contiguous(memory_format=torch.channels_last)
        for normalise, shrink in zip(self.normalise, self.shrink, strict=True):
            x = F.leaky_relu(normalise(shrink(_even(x))), 0.2)
        if self._statistics:
            x = torch.cat([x, batch_deviation(x)], dim=1)
        features = self.dropout(x.flatten(1)).float()
        logits: Tensor = self.logit(features).squeeze(1) + (features * self.classes(labels)).sum(dim=1)
        return logits


def _even(x: Tensor) -> Tensor:
    """Repeat the last row or column where the number of them is odd, so that strided convolutions round up."""
    height, width = x.shape[2:]
    return F.pad(x, (0, width % 2, 0, height % 2), mode="replicate") if height % 2 or width % 2 else x


def _initialise(layer: nn.Module) -> None:
    """Draw weights that keep the variance of rectified activations.

    The paper's deviation of 0.02 is far smaller for networks of this size. The latent vector then has so little
    influence at first that every class collapses into one image.
    """
    if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
        # A transposed convolution has its weights the other way round.
        nn.init.kaiming_normal_(layer.weight, mode="fan_out" if isinstance(layer, nn.ConvTranspose2d) else "fan_in")
        assert layer.bias is not None
        nn.init.zeros_(layer.bias)
