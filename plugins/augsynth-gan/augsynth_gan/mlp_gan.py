"""The `mlp-gan` generator: the first GAN, of layers that read every pixel. It is for teaching.

Goodfellow, Pouget-Abadie, Mirza, Xu, Warde-Farley, Ozair, Courville & Bengio, "Generative adversarial nets", NIPS 2014,
with classes as further inputs of both networks: Mirza & Osindero, "Conditional generative adversarial nets", 2014.

    discriminator:  E −log D(x|y) + E −log(1 − D(G(z|y)|y))
    generator:      E −log D(G(z|y)|y)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from augsynth.generators.toolkit import option
from augsynth_gan.adversarial import AdversarialGenerator, AdversarialOptions

_PIECES = 2


@dataclass(frozen=True)
class MLPGANConfig(AdversarialOptions):
    """Options of `create_generator("mlp-gan", …)`, beside those of `AdversarialOptions` and `TrainingOptions`.

    Args:
        width: units of a layer, at least 1; default 256. Time and memory grow with its square.
        dropout: share of the discriminator's units that are dropped in a training step, in [0, 1); default 0.3, as the
            paper drops some. 0 drops none.
    """

    width: int = option(256, at_least=1)
    dropout: float = option(0.3, at_least=0, below=1)


class MLPGAN(AdversarialGenerator):
    """The GAN of Goodfellow et al. (2014), with classes: both networks have three layers.

    It learns digits in minutes, and shows what later GANs mend: soft or speckled images, and few kinds of them.

    Args:
        config: options; None for the defaults.
    """

    name = "mlp-gan"
    api_version = 1
    Config = MLPGANConfig
    config: MLPGANConfig

    def players(self, image_shape: tuple[int, int, int], num_classes: int) -> tuple[nn.Module, nn.Module]:
        config = self.config
        generator = VectorGenerator(image_shape, num_classes, latent=config.latent, width=config.width)
        return generator, VectorDiscriminator(image_shape, num_classes, width=config.width, dropout=config.dropout)


class VectorGenerator(nn.Module):
    """Network from latent vectors (B, latent) and classes (B,) to images (B, C, H, W) in (−1, 1).

    Args:
        image_shape: (C, H, W).
        num_classes: number of classes, at least 1.
        latent: length of the latent vectors, at least 1.
        width: units of a hidden layer, at least 1.
    """

    def __init__(self, image_shape: tuple[int, int, int], num_classes: int, *, latent: int, width: int) -> None:
        super().__init__()
        self.classes = nn.Embedding(num_classes, latent)
        self.layers = nn.Sequential(
            nn.Linear(2 * latent, width),
            nn.ReLU(),
            nn.Linear(width, 2 * width),
            nn.ReLU(),
            nn.Linear(2 * width, math.prod(image_shape)),
            nn.Tanh(),
            nn.Unflatten(1, image_shape),
        )
        for layer in self.layers:
            if isinstance(layer, nn.Linear):
                # torch's smaller weights let the latent vector fade, and every class collapses into one image.
                nn.init.kaiming_normal_(layer.weight)

    def forward(self, latents: Tensor, labels: Tensor) -> Tensor:
        images: Tensor = self.layers(torch.cat([latents, self.classes(labels)], dim=1))
        return images.float()


class VectorDiscriminator(nn.Module):
    """Network from images (B, C, H, W) and classes (B,) to logits (B,), higher for real images of the class.

    Args:
        image_shape: (C, H, W).
        num_classes: number of classes, at least 1.
        width: units of a hidden layer, at least 1.
        dropout: share of units that are dropped in training, in [0, 1).
    """

    def __init__(self, image_shape: tuple[int, int, int], num_classes: int, *, width: int, dropout: float) -> None:
        super().__init__()
        self.classes = nn.Embedding(num_classes, width // 4 + 1)
        inputs = math.prod(image_shape) + width // 4 + 1
        self.layers = nn.Sequential(
            Maxout(inputs, width), nn.Dropout(dropout), Maxout(width, width), nn.Dropout(dropout), nn.Linear(width, 1)
        )

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        logits: Tensor = self.layers(torch.cat([images.flatten(1), self.classes(labels)], dim=1))
        return logits.float().squeeze(1)


class Maxout(nn.Module):
    """The largest of two linear functions, for each unit: (B, before) → (B, after).

    Goodfellow et al., "Maxout networks", ICML 2013.

    Args:
        before: number of inputs, at least 1.
        after: number of units, at least 1.
    """

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.pieces = nn.Linear(before, _PIECES * after)

    def forward(self, x: Tensor) -> Tensor:
        largest: Tensor = self.pieces(x).unflatten(1, (-1, _PIECES)).amax(2)
        return largest
