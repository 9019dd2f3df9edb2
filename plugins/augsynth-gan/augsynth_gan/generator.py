"""The `r3gan` generator: a class-conditional relativistic GAN.

Written from Huang, Gokaslan, Kuleshov & Tompkin, "The GAN is dead; long live the GAN! A modern GAN baseline",
NeurIPS 2024 (R3GAN).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from augsynth.errors import ArgumentError
from augsynth.generators import PRECISIONS, NetworkGenerator, Noise, Step, autocast
from augsynth.transforms import DiffAugment
from augsynth_gan.losses import gradient_penalty, relativistic_loss
from augsynth_gan.networks import Discriminator, ImageGenerator


@dataclass(frozen=True)
class R3GANConfig:
    """Options of `create_generator("r3gan", …)`. The defaults are those that were measured, see the README."""

    latent: int = 64
    """Length of the Gaussian vector that an image is made from."""
    channels: int = 32
    """Channels at the finest level, up to four times as many below; time and memory grow with the square."""
    blocks: int = 1
    """Residual blocks at each level of both networks."""
    penalty: float = 1.0
    """Gamma of the paper: half of it weighs R1 + R2. Useful from 0.1 to 10; higher is steadier, and slow to sharpen."""
    penalty_every: int = 8
    """Steps between two penalties, each taken that many times as strongly: "lazy regularisation" of Karras et al.,
    StyleGAN2, CVPR 2020. 1 is R3GAN's own, and makes a step three times as long."""
    augment: float = 0.0
    """Strength of the distortions that the discriminator sees (the `affine` of `augsynth.transforms.DiffAugment`), 0
    (none) to 1. They keep it from learning few images by heart in a long fit, and slow down the growth of variety: 1 is
    far too much for a short one."""
    learning_rate: float = 5e-4
    """Of both networks, at the peak of the schedule."""
    decay: float = 0.999
    """Of the moving average of the weights that are sampled from, [0, 1)."""
    precision: str = "auto"
    """"float32", "bfloat16", or "auto": bfloat16 where the hardware multiplies matrices of it. Penalties and sampling
    are always float32."""

    def __post_init__(self) -> None:
        rules = [
            ("latent", self.latent >= 1, "at least 1"),
            ("channels", self.channels >= 1, "at least 1"),
            ("blocks", self.blocks >= 1, "at least 1"),
            ("penalty", 0 <= self.penalty < math.inf, "at least 0"),
            ("penalty_every", self.penalty_every >= 1, "at least 1"),
            ("augment", 0 <= self.augment <= 1, "from 0 to 1"),
            ("learning_rate", 0 < self.learning_rate < math.inf, "above 0"),
            ("decay", 0 <= self.decay < 1, "in [0, 1)"),
            ("precision", self.precision in PRECISIONS, f"one of {', '.join(PRECISIONS)}"),
        ]
        for option, holds, expected in rules:
            if not holds:
                raise ArgumentError(f"{option} must be {expected}, got {getattr(self, option)!r}")


class R3GAN(NetworkGenerator):
    """Two networks play against each other: one draws images, the other tells them from real ones of their class.

    Its samples are sharp and recognisable; rare shapes may be missing from them.
    """

    name = "r3gan"
    api_version = 1
    capabilities = frozenset({"conditional"})
    Config = R3GANConfig
    config: R3GANConfig

    def build(self, image_shape: tuple[int, int, int], num_classes: int | None) -> dict[str, nn.Module]:
        assert num_classes is not None
        size = {"channels": self.config.channels, "blocks": self.config.blocks}
        return {
            "generator": ImageGenerator(image_shape, num_classes, latent=self.config.latent, **size),
            "discriminator": Discriminator(image_shape, num_classes, **size),
        }

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {
            name: torch.optim.Adam(network.parameters(), self.config.learning_rate, betas=(0.0, 0.99))
            for name, network in self.networks.items()
        }

    def averages(self) -> dict[str, float]:
        return {"generator": self.config.decay}

    def training_step(self, images: Tensor, labels: Tensor | None, step: Step) -> Mapping[str, Tensor | float]:
        for optimizer in step.optimizers.values():
            optimizer.param_groups[0]["lr"] = self.config.learning_rate * schedule(step.index, step.total)
        # One batch of fakes serves both networks, which saves a pass through the generator.
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
        """Take a step towards real above fake; return the logits of the real images and the relativistic loss."""
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
        _descend(step.optimizers["discriminator"], total)
        return real.detach(), loss

    def _train_generator(self, real: Tensor, fakes: Tensor, labels: Tensor | None, step: Step) -> Tensor:
        """Take a step towards fake above real, and return the loss."""
        discriminator = self.networks["discriminator"].requires_grad_(False)
        with autocast(step.device, self.config.precision):
            fake = discriminator(self._augment(fakes, step), labels)
        loss = relativistic_loss(fake, real)
        _descend(step.optimizers["generator"], loss)
        discriminator.requires_grad_(True)
        return loss

    def _augment(self, images: Tensor, step: Step) -> Tensor:
        if self.config.augment == 0:
            return images
        augment = DiffAugment(("affine",), self.config.augment, border="replicate")
        distorted: Tensor = augment(images, uniform=step.uniform(len(images), augment.numbers))
        return distorted


def schedule(index: int, total: int) -> float:
    """A learning-rate factor: up over the first 50 steps or twentieth of the run, then half a cosine down to 1/20."""
    rise = min(1.0, (index + 1) / min(50, 1 + total // 20))
    return rise * (0.05 + 0.95 * (1 + math.cos(math.pi * index / total)) / 2)


def _descend(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    optimizer.step()
