"""The game that the generators of this package play: options, and one training step of both players."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, cast

import torch
from torch import Tensor, nn

from augsynth.errors import ArgumentError
from augsynth.generators import LatentMethods, NetworkGenerator, Noise, Step
from augsynth.generators.toolkit import TrainingOptions, WarmupCosine, autocast, option
from augsynth.transforms import DiffAugment
from augsynth_gan.augmentation import Augmentation
from augsynth_gan.inversion import invert
from augsynth_gan.losses import gradient_penalty, logistic_loss, non_saturating_loss, relativistic_loss

PLAYERS = ("generator", "discriminator")
"""Networks that are trained."""

LOSSES = ("non-saturating", "relativistic")
"""Losses by the names that the option `loss` takes."""

_STARTS = 16


@dataclass(frozen=True)
class AdversarialOptions(TrainingOptions):
    """Options of every GAN of this package, beside those of `TrainingOptions`. They are for both networks.

    Args:
        loss: "non-saturating" (default), or "relativistic", which compares each image with one of the other kind. A
            generator that draws one image of a class again and again loses with it.
        latent: length of the Gaussian vector from which an image is drawn, at least 1; default 64.
        penalty: γ, at least 0; default 1. The discriminator's loss grows by γ/2 · (R1 + R2). Useful from 0.1 to 10:
            training is steadier with a higher one, and images become sharp later. 0 saves the time.
        penalty_every: steps between two penalties, at least 1; default 8. Each counts that many times: "lazy
            regularisation" of Karras et al., "Analyzing and improving the image quality of StyleGAN", CVPR 2020.
        augment: strength of the distortions that the discriminator sees, in [0, 1]; default 0, none. In a long fit it
            keeps the discriminator from learning few images by heart. Variety grows more slowly with it.
        policy: names of these distortions, of `augsynth.transforms.DiffAugment`; default ("affine",).
        target: None (default) distorts all images that the discriminator sees (DiffAugment); a number in (0, 1), 0.6
            in the paper, adapts the probability of a distortion to the overfitting (ADA). It needs `augment`.
        learning_rate: learning rate of both networks at the peak of the schedule, above 0; default 0.0005.
        max_norm: as in `TrainingOptions`; default None.
    """

    schedule = WarmupCosine(steps=50, share=0.05, end=0.05)
    betas = (0.0, 0.99)

    loss: str = option("non-saturating", one_of=LOSSES)
    latent: int = option(64, at_least=1)
    penalty: float = option(1.0, at_least=0)
    penalty_every: int = option(8, at_least=1)
    augment: float = option(0.0, at_least=0, at_most=1)
    policy: tuple[str, ...] = ("affine",)
    target: float | None = option(None, above=0, below=1)
    learning_rate: float = option(5e-4, above=0)
    max_norm: float | None = option(None, above=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        DiffAugment(self.policy)  # refuses unknown names
        if self.target is not None and self.augment == 0:
            raise ArgumentError(f"target={self.target} adapts distortions, and augment=0 has none; try augment=1")


class AdversarialGenerator(LatentMethods, NetworkGenerator):
    """Class-conditional GAN: one network draws images, and the other tells them from real images of their class.

    A subclass makes the two networks. By default they play the game of Goodfellow et al., "Generative adversarial
    nets", NIPS 2014, with the non-saturating loss; `loss` chooses another game. Codes of images are latent vectors,
    which a descent finds.

    Args:
        config: options; None for the defaults.
    """

    api_version = 1
    capabilities = frozenset({"conditional", "edit", "interpolate", "invert", "refine", "translate"})
    Config = AdversarialOptions
    config: AdversarialOptions
    inversion_steps: ClassVar[int] = 200
    """Number of steps in which `encode` finds a latent vector."""
    penalises_fakes: ClassVar[bool] = True
    """False leaves R2 out of the penalty, which is then R1 alone."""

    @abstractmethod
    def players(self, image_shape: tuple[int, int, int], num_classes: int) -> tuple[nn.Module, nn.Module]:
        """Make both networks.

        Args:
            image_shape: (C, H, W).
            num_classes: number of classes, at least 1.

        Returns:
            The generator, from latent vectors (B, latent) and classes (B,) to images (B, C, H, W), and the
            discriminator, from images and classes to logits (B,), which are higher for real images.
        """

    def discriminator_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        """Compute the loss of the discriminator from logits of real and of generated images, both (B,)."""
        return relativistic_loss(real, fake) if self._relativistic else logistic_loss(real, fake)

    def generator_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        """Compute the loss of the generator. `real` has no gradients."""
        return relativistic_loss(fake, real) if self._relativistic else non_saturating_loss(fake)

    def sureness(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return numbers (B,) that are above 0 where the discriminator takes a real image for real, for ADA."""
        return real - fake if self._relativistic else real  # only differences of relativistic logits have a meaning

    @property
    def _relativistic(self) -> bool:
        return self.config.loss == "relativistic"

    def draw(self, labels: Tensor | None, step: Step) -> Tensor:
        """Draw images (B, C, H, W) of classes (B,) for a training step."""
        assert labels is not None
        images: Tensor = self.networks["generator"](step.normal(len(labels), self.config.latent), labels)
        return images

    def generator_penalty(self, labels: Tensor | None, step: Step) -> Tensor | float:
        """Compute a term that is added to the generator's loss, in float32; 0 by default."""
        return 0.0

    @property
    def augmentation(self) -> Augmentation:
        """Distortion of the discriminator's images."""
        return cast(Augmentation, self.networks["augmentation"])

    def build(self, image_shape: tuple[int, int, int], num_classes: int | None) -> dict[str, nn.Module]:
        assert num_classes is not None
        config = self.config
        networks = dict(zip(PLAYERS, self.players(image_shape, num_classes), strict=True))
        return {**networks, "augmentation": Augmentation(config.policy, config.augment, config.target)}

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {name: self.config.make_optimizer(self.networks[name].parameters()) for name in PLAYERS}

    def averages(self) -> dict[str, float]:
        return {"generator": self.config.decay}

    def training_step(self, images: Tensor, labels: Tensor | None, step: Step) -> Mapping[str, Tensor | float]:
        # Both networks learn from one batch of fakes, which saves a pass through the generator.
        with autocast(step.device, self.config.precision):
            fakes = self.draw(labels, step)
        real, discriminator_loss = self._train_discriminator(images, fakes.detach(), labels, step)
        generator_loss = self._train_generator(real, fakes, labels, step)
        losses = {"discriminator": discriminator_loss.detach(), "generator": generator_loss.detach()}
        if self.config.target is not None:
            losses["probability"] = self.augmentation.probability.clone()
        return losses

    def generate(self, noise: Noise, labels: Tensor | None, guidance: float | None) -> Tensor:
        images: Tensor = self.networks["generator"](noise.normal(self.config.latent), labels)
        return images

    def encode_tile(self, images: Tensor, labels: Tensor | None, noise: Noise) -> Tensor:
        # All images begin at the same codes, so that the code of an image does not depend on its position.
        starts = Noise(0, range(_STARTS), self.device).normal(self.config.latent)
        starts = starts[:, None].expand(-1, len(images), -1)
        return invert(lambda codes: self.decode_tile(codes, labels), images, starts, steps=self.inversion_steps)

    def decode_tile(self, codes: Tensor, labels: Tensor | None) -> Tensor:
        images: Tensor = self.networks["generator"](codes, self.required(labels))
        return images

    def _train_discriminator(
        self, images: Tensor, fakes: Tensor, labels: Tensor | None, step: Step
    ) -> tuple[Tensor, Tensor]:
        """Raise real above fake logits; return the logits of the real images and the loss without the penalty."""
        config, augmentation, discriminator = self.config, self.augmentation, self.networks["discriminator"]
        penalised = config.penalty > 0 and step.index % config.penalty_every == 0
        real_view = augmentation(images, step).detach().requires_grad_(penalised)
        fake_view = augmentation(fakes, step).detach().requires_grad_(penalised and self.penalises_fakes)
        with autocast(step.device, "float32" if penalised else config.precision):
            # Apart, because batch norm and minibatch statistics shall see only one kind of images at a time.
            real, fake = discriminator(real_view, labels), discriminator(fake_view, labels)
        loss = total = self.discriminator_loss(real, fake)
        for logits, view in ((real, real_view), (fake, fake_view)):
            if view.requires_grad:
                total = total + config.penalty_every * config.penalty / 2 * gradient_penalty(logits, view)
        config.descend(step, "discriminator", total)
        augmentation.adapt(self.sureness(real, fake))
        return real.detach(), loss

    def _train_generator(self, real: Tensor, fakes: Tensor, labels: Tensor | None, step: Step) -> Tensor:
        """Raise fake logits, and return the loss."""
        discriminator = self.networks["discriminator"].requires_grad_(False)
        with autocast(step.device, self.config.precision):
            fake = discriminator(self.augmentation(fakes, step), labels)
        loss = self.generator_loss(real, fake)
        self.config.descend(step, "generator", loss + self.generator_penalty(labels, step))
        discriminator.requires_grad_(True)
        return loss
