"""The `stylegan2` generator: a class-conditional GAN whose layers are controlled by styles.

Written from Karras, Laine, Aittala, Hellsten, Lehtinen & Aila, "Analyzing and improving the image quality of StyleGAN",
CVPR 2020. With a latent vector z, a class c, a style w = mapping(z, c), an image G(w) and a logit D(x, c), the losses
are

    discriminator:  softplus(D(G(w), c)) + softplus(−D(x, c)) + γ/2 · ‖∂D(x, c)/∂x‖²
    generator:      softplus(−D(G(w), c)) + λ · (‖Jᵀy‖ − a)²

J is the derivative of G(w) in w, y is normal noise in place of an image, and a is the running mean of ‖Jᵀy‖: the image
changes as much for a small step in any direction of w. Both regularisers are computed in few steps, and count as many
times there as steps lie between them ("lazy regularisation").
"""

from __future__ import annotations

from collections.abc import Mapping as Map
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from augsynth.generators import NetworkGenerator, Noise, Step
from augsynth.generators.toolkit import TrainingOptions, WarmupCosine, autocast, option
from augsynth_gan.losses import gradient_penalty
from augsynth_gan.networks import Discriminator
from augsynth_gan.styles import Mapping, Synthesis, mixed, path_lengths

_MEAN_DECAY = 0.99


@dataclass(frozen=True)
class StyleGAN2Config(TrainingOptions):
    """Options of `create_generator("stylegan2", …)`, beside those of `TrainingOptions`.

    Args:
        latent: length of the Gaussian vector from which a style is computed, at least 1; default 64.
        style: length of a style, at least 1; default 128.
        mapping_layers: layers between latent vector and style, at least 1; default 4. The paper has 8.
        channels: channels at the finest level, at least 1; default 32. Coarser levels have up to four times as many.
            Time and memory grow with its square.
        blocks: residual blocks at each level of the discriminator, at least 1; default 1.
        mixing: share of the training images whose later layers get another style, in [0, 1]; default 0.9. Layers then
            learn not to rely on each other.
        truncation: distance of a sample's style from the mean style of its class, times this, at least 0; default 1.
            Below 1, samples are more typical and less varied; at 0, all samples of a class have its mean style.
        penalty: γ, at least 0; default 1.
        penalty_every: steps between two penalties, at least 1; default 16.
        path: λ, at least 0; default 2.
        path_every: steps between two regularisations of path lengths, at least 1; default 8. They are computed for half
            of a batch.
        search_steps: steps of the search for the style of an image, at least 1; default 100.
        learning_rate: learning rate of all networks at the peak of the schedule, above 0; default 0.001.
        max_norm: as in `TrainingOptions`; default None, because the penalty bounds the gradients.
    """

    schedule = WarmupCosine(steps=50, share=0.05, end=0.05)
    betas = (0.0, 0.99)

    latent: int = option(64, at_least=1)
    style: int = option(128, at_least=1)
    mapping_layers: int = option(4, at_least=1)
    channels: int = option(32, at_least=1)
    blocks: int = option(1, at_least=1)
    mixing: float = option(0.9, at_least=0, at_most=1)
    truncation: float = option(1.0, at_least=0)
    penalty: float = option(1.0, at_least=0)
    penalty_every: int = option(16, at_least=1)
    path: float = option(2.0, at_least=0)
    path_every: int = option(8, at_least=1)
    search_steps: int = option(100, at_least=1)
    learning_rate: float = option(1e-3, above=0)
    max_norm: float | None = option(None, above=0)


class StyleGAN2(NetworkGenerator):
    """Class-conditional GAN with a style for each layer: coarse layers decide the shape, fine layers the texture.

    Args:
        config: options; None for the defaults.
    """

    name = "stylegan2"
    api_version = 1
    capabilities = frozenset({"conditional"})
    Config = StyleGAN2Config
    config: StyleGAN2Config

    def build(self, image_shape: tuple[int, int, int], num_classes: int | None) -> dict[str, nn.Module]:
        c = self.config
        assert num_classes is not None
        return {
            "mapping": Mapping(num_classes, latent=c.latent, width=c.style, layers=c.mapping_layers),
            "synthesis": Synthesis(image_shape, width=c.style, channels=c.channels),
            "discriminator": Discriminator(
                image_shape, num_classes, channels=c.channels, blocks=c.blocks, deviation=True
            ),
        }

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        drawing = [*self.networks["mapping"].parameters(), *self.networks["synthesis"].parameters()]
        return {
            "generator": self.config.make_optimizer(drawing),
            "discriminator": self.config.make_optimizer(self.networks["discriminator"].parameters()),
        }

    def averages(self) -> dict[str, float]:
        return {"mapping": self.config.decay, "synthesis": self.config.decay}

    def training_step(self, images: Tensor, labels: Tensor | None, step: Step) -> Map[str, Tensor | float]:
        assert labels is not None
        with autocast(step.device, self.config.precision):
            fakes = self._synthesise(self._styles(labels, step), step)
        discriminator_loss = self._train_discriminator(images, fakes.detach(), labels, step)
        generator_loss = self._train_generator(fakes, labels, step)
        return {"discriminator": discriminator_loss.detach(), "generator": generator_loss.detach()}

    def generate(self, noise: Noise, labels: Tensor | None, guidance: float | None) -> Tensor:
        style = self._mapping(noise.normal(self.config.latent), labels)
        styles = self._mapping.means[labels].lerp(style, self.config.truncation)
        images: Tensor = self._synthesis(self._for_layers(styles), noise.normal(self._synthesis.noise_size))
        return images

    @property
    def _mapping(self) -> Mapping:
        return cast(Mapping, self.networks["mapping"])

    @property
    def _synthesis(self) -> Synthesis:
        return cast(Synthesis, self.networks["synthesis"])

    def _for_layers(self, styles: Tensor) -> Tensor:
        return styles[:, None].expand(-1, self._synthesis.layers, -1)

    # Training ----------------------------------------------------------------------------------------------------

    def _styles(self, labels: Tensor, step: Step) -> Tensor:
        """Draw styles (B, layers, style), a share `mixing` of them mixed from two, and track the means of classes."""
        mapping, layers = self._mapping, self._synthesis.layers
        first, second = (mapping(step.normal(len(labels), self.config.latent), labels) for _ in range(2))
        mapping.track(first.detach(), labels, min(_MEAN_DECAY, (1 + step.index) / (10 + step.index)))
        chance, position = step.uniform(2, len(labels))
        start = torch.where(chance < self.config.mixing, (position * layers).long(), layers)
        return mixed(first, second, start, layers)

    def _synthesise(self, styles: Tensor, step: Step) -> Tensor:
        images: Tensor = self._synthesis(styles, step.normal(len(styles), self._synthesis.noise_size))
        return images

    def _train_discriminator(self, images: Tensor, fakes: Tensor, labels: Tensor, step: Step) -> Tensor:
        """Raise the logits of real images above those of fakes, and return the loss without its penalty."""
        config, discriminator = self.config, self.networks["discriminator"]
        penalised = config.penalty > 0 and step.index % config.penalty_every == 0
        with autocast(step.device, "float32" if penalised else config.precision):
            real = discriminator(images.requires_grad_(penalised), labels)
            fake = discriminator(fakes, labels)
        loss = F.softplus(fake).mean() + F.softplus(-real).mean()
        total = loss
        if penalised:
            total = loss + config.penalty_every * config.penalty / 2 * gradient_penalty(real, images)
        config.descend(step, "discriminator", total)
        return loss

    def _train_generator(self, fakes: Tensor, labels: Tensor, step: Step) -> Tensor:
        """Raise the logits of fakes, keep path lengths alike, and return the loss without its regulariser."""
        config, discriminator = self.config, self.networks["discriminator"].requires_grad_(False)
        with autocast(step.device, config.precision):
            loss = F.softplus(-discriminator(fakes, labels)).mean()
        total = loss
        if config.path > 0 and step.index % config.path_every == 0:
            total = loss + config.path_every * config.path * self._path_loss(labels, step)
        config.descend(step, "generator", total)
        discriminator.requires_grad_(True)
        return loss

    def _path_loss(self, labels: Tensor, step: Step) -> Tensor:
        """Return the mean of (‖Jᵀy‖ − a)² over half a batch, in float32."""
        mean = self._synthesis.path_mean
        styles = self._styles(labels[: -(-len(labels) // 2)], step)
        images = self._synthesise(styles, step)
        lengths = path_lengths(images, styles, step.normal(*images.shape))
        mean.lerp_(lengths.detach().mean(), 0.01 if step.index else 1.0)
        return (lengths - mean).square().mean()
