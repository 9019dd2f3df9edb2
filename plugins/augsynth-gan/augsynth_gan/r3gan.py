"""The `r3gan` generator: a class-conditional relativistic GAN.

Written from Huang, Gokaslan, Kuleshov & Tompkin, "The GAN is dead; long live the GAN! A modern GAN baseline",
NeurIPS 2024 (R3GAN).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from augsynth.generators import NetworkGenerator, Noise, Step
from augsynth.generators.toolkit import TrainingOptions, WarmupCosine, autocast, option
from augsynth.transforms import DiffAugment
from augsynth_gan.losses import gradient_penalty, relativistic_loss
from augsynth_gan.networks import Discriminator, ImageGenerator


@dataclass(frozen=True)
class R3GANConfig(TrainingOptions):
    """Options of `create_generator("r3gan", …)`, beside those of `TrainingOptions`.

    The README shows what was measured with the defaults. Penalties and sampling are always float32.

    Args:
        latent: length of the Gaussian vector from which an image is drawn, at least 1; default 64.
        channels: channels at the finest level, at least 1; default 32. Coarser levels have up to four times as many.
            Time and memory grow with its square.
        blocks: residual blocks at each level of both networks, at least 1; default 1.
        penalty: gamma of the paper, at least 0; default 1. Half of it weighs R1 + R2. Useful from 0.1 to 10: training
            is steadier with a higher one, and images become sharp later.
        penalty_every: steps between two penalties, at least 1; default 8. Each counts that many times: "lazy
            regularisation" of Karras et al., StyleGAN2, CVPR 2020. R3GAN itself has 1, which makes a step three times
            as long.
        augment: strength of the distortions that the discriminator sees (the `affine` of
            `augsynth.transforms.DiffAugment`), in [0, 1]; default 0, none. In a long fit it keeps the discriminator
            from learning few images by heart. Variety grows more slowly with it; 1 is far too much for a short fit.
        learning_rate: learning rate of both networks at the peak of the schedule, above 0; default 0.0005.
        max_norm: as in `TrainingOptions`; default None, because the penalties bound the gradients.
    """

    schedule = WarmupCosine(steps=50, share=0.05, end=0.05)
    betas = (0.0, 0.99)

    latent: int = option(64, at_least=1)
    channels: int = option(32, at_least=1)
    blocks: int = option(1, at_least=1)
    penalty: float = option(1.0, at_least=0)
    penalty_every: int = option(8, at_least=1)
    augment: float = option(0.0, at_least=0, at_most=1)
    learning_rate: float = option(5e-4, above=0)
    max_norm: float | None = option(None, above=0)


class R3GAN(NetworkGenerator):
    """Class-conditional GAN: one network draws images, and the other tells them from real images of their class.

    Its samples are sharp and recognisable. Rare shapes may be missing.

    Args:
        config: options; None for the defaults.
    """

    name = "r3gan"
    api_version = 1
    capabilities = frozenset({"conditional"})
    Config = R3GANConfig
    config: R3GANConfig

    def build(self, image_shape: tuple[int, int, int], num_classes: int | None) -> dict[str, nn.Module]:
        assert num_classes is not None
        channels, blocks = self.config.channels, self.config.blocks
        return {
            "generator": ImageGenerator(
                image_shape, num_classes, latent=self.config.latent, channels=channels, blocks=blocks
            ),
            "discriminator": Discriminator(image_shape, num_classes, channels=channels, blocks=blocks),
        }

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {name: self.config.make_optimizer(network.parameters()) for name, network in self.networks.items()}

    def averages(self) -> dict[str, float]:
        return {"generator": self.config.decay}

    def training_step(self, images: Tensor, labels: Tensor | None, step: Step) -> Mapping[str, Tensor | float]:
        # Both networks learn from one batch of fakes, which saves a pass through the generator.
        with autocast(step.device, self.config.precision):
            fakes = self.networks["generator"](step.normal(len(images), self.config.latent), labels)
        real_logits, discriminator_loss = self._train_discriminator(images, fakes.detach(), labels, step)
        generator_loss = self._train_generator(real_logits, fakes, labels, step)
        return {"discriminator": discriminator_loss.detach(), "generator": generator_loss.detach()}

    def generate(self, noise: Noise, labels: Tensor | None, guidance: float | None) -> Tensor:
        images: Tensor = self.networks["generator"](noise.normal(self.config.latent), labels)
        return images

    def _train_discriminator(
        self, images: Tensor, fakes: Tensor, labels: Tensor | None, step: Step
    ) -> tuple[Tensor, Tensor]:
        """Raise real above fake logits; return the logits of the real images and the relativistic loss."""
        config, discriminator = self.config, self.networks["discriminator"]
        assert labels is not None
        both, twice = self._augment(torch.cat([images, fakes]), step), torch.cat([labels, labels])
        penalised = config.penalty > 0 and step.index % config.penalty_every == 0
        with autocast(step.device, "float32" if penalised else config.precision):
            logits = discriminator(both.requires_grad_(penalised), twice)
        real, fake = logits.chunk(2)
        loss = relativistic_loss(real, fake)
        total = loss
        if penalised:
            # γ/2 · (R1 + R2) is γ times the mean over real and fake images together.
            total = loss + config.penalty * config.penalty_every * gradient_penalty(logits, both)
        config.descend(step, "discriminator", total)
        return real.detach(), loss

    def _train_generator(self, real: Tensor, fakes: Tensor, labels: Tensor | None, step: Step) -> Tensor:
        """Raise fake above real logits, and return the loss."""
        discriminator = self.networks["discriminator"].requires_grad_(False)
        with autocast(step.device, self.config.precision):
            fake = discriminator(self._augment(fakes, step), labels)
        loss = relativistic_loss(fake, real)
        self.config.descend(step, "generator", loss)
        discriminator.requires_grad_(True)
        return loss

    def _augment(self, images: Tensor, step: Step) -> Tensor:
        if self.config.augment == 0:
            return images
        augment = DiffAugment(("affine",), self.config.augment, border="replicate")
        distorted: Tensor = augment(images, uniform=step.uniform(len(images), augment.numbers))
        return distorted
