"""The `r3gan` generator: a class-conditional relativistic GAN.

Written from Huang, Gokaslan, Kuleshov & Tompkin, "The GAN is dead; long live the GAN! A modern GAN baseline",
NeurIPS 2024 (R3GAN). With logits D(x) of real images and D(G(z)) of generated ones, paired within a class:

    discriminator:  E softplus(D(G(z)) − D(x)) + γ/2 · (E ‖∇D(x)‖² + E ‖∇D(G(z))‖²)
    generator:      E softplus(D(x) − D(G(z)))
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from augsynth.generators.toolkit import option
from augsynth_gan.adversarial import LOSSES, AdversarialGenerator, AdversarialOptions
from augsynth_gan.networks import Discriminator, ImageGenerator


@dataclass(frozen=True)
class R3GANConfig(AdversarialOptions):
    """Options of `create_generator("r3gan", …)`, beside those of `AdversarialOptions` and `TrainingOptions`.

    The README shows what was measured with the defaults. Penalties and sampling are always float32. The paper computes
    penalties in every step, which makes a step three times as long.

    Args:
        loss: as in `AdversarialOptions`; default "relativistic".
        channels: channels at the finest level, at least 1; default 32. Coarser levels have up to four times as many.
            Time and memory grow with its square.
        blocks: residual blocks at each level of both networks, at least 1; default 1.
    """

    loss: str = option("relativistic", one_of=LOSSES)
    channels: int = option(32, at_least=1)
    blocks: int = option(1, at_least=1)


class R3GAN(AdversarialGenerator):
    """Class-conditional GAN with a relativistic loss, R1 and R2, and residual networks without normalisation.

    Its samples are sharp and recognisable. Rare shapes may be missing.

    Args:
        config: options; None for the defaults.
    """

    name = "r3gan"
    api_version = 1
    Config = R3GANConfig
    config: R3GANConfig

    def players(self, image_shape: tuple[int, int, int], num_classes: int) -> tuple[nn.Module, nn.Module]:
        channels, blocks = self.config.channels, self.config.blocks
        generator = ImageGenerator(
            image_shape, num_classes, latent=self.config.latent, channels=channels, blocks=blocks
        )
        return generator, Discriminator(image_shape, num_classes, channels=channels, blocks=blocks)
