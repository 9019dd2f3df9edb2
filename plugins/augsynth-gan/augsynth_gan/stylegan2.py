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

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from augsynth.core.checks import check_integer
from augsynth.generators import Noise, Samples, Step
from augsynth.generators.contract.capabilities import Labels
from augsynth.generators.toolkit import option
from augsynth_gan.adversarial import AdversarialGenerator, AdversarialOptions
from augsynth_gan.inversion import invert
from augsynth_gan.networks import Discriminator
from augsynth_gan.styles import StyledGenerator, mixed, path_lengths

_PATH_DECAY = 0.99


@dataclass(frozen=True)
class StyleGAN2Config(AdversarialOptions):
    """Options of `create_generator("stylegan2", …)`, beside those of `AdversarialOptions` and `TrainingOptions`.

    Args:
        style: length of a style, at least 1; default 128.
        mapping_layers: layers between latent vector and style, at least 1; default 4. The paper has 8.
        channels: channels at the finest level, at least 1; default 32. Coarser levels have up to four times as many.
            Time and memory grow with its square.
        blocks: residual blocks at each level of the discriminator, at least 1; default 1.
        mixing: share of the training images whose later layers get another style, in [0, 1]; default 0.9. Layers then
            learn not to rely on each other.
        truncation: distance of a sample's style from the mean style of its class, times this, above 0; default 1.
            Below 1, samples are more typical and less varied; near 0, all samples of a class have its mean style.
        path: λ, at least 0; default 2.
        path_every: steps between two regularisations of path lengths, at least 1; default 8. They are computed for half
            of a batch.
        penalty: γ, at least 0; default 1. It weighs R1 alone.
        penalty_every: steps between two penalties, at least 1; default 16.
        learning_rate: learning rate of both networks at the peak of the schedule, above 0; default 0.001.
    """

    style: int = option(128, at_least=1)
    mapping_layers: int = option(4, at_least=1)
    channels: int = option(32, at_least=1)
    blocks: int = option(1, at_least=1)
    mixing: float = option(0.9, at_least=0, at_most=1)
    truncation: float = option(1.0, above=0)
    path: float = option(2.0, at_least=0)
    path_every: int = option(8, at_least=1)
    penalty_every: int = option(16, at_least=1)
    learning_rate: float = option(1e-3, above=0)


class StyleGAN2(AdversarialGenerator):
    """Class-conditional GAN with a style for each layer: coarse layers decide the shape, fine layers the texture.

    The code of an image has a style for each layer, as its difference from the mean style of the image's class. An
    image therefore changes its class by another mean. Without a class, it is the difference from the mean of all
    classes.

    Args:
        config: options; None for the defaults.
    """

    name = "stylegan2"
    api_version = 1
    Config = StyleGAN2Config
    config: StyleGAN2Config
    penalises_fakes = False

    def players(self, image_shape: tuple[int, int, int], num_classes: int) -> tuple[nn.Module, nn.Module]:
        c = self.config
        size = {"latent": c.latent, "style": c.style, "mapping_layers": c.mapping_layers, "channels": c.channels}
        generator = StyledGenerator(image_shape, num_classes, **size)
        judge = Discriminator(image_shape, num_classes, channels=c.channels, blocks=c.blocks, deviation=True)
        return generator, judge

    def draw(self, labels: Tensor | None, step: Step) -> Tensor:
        return self._synthesise(self._styles(labels, step), step)

    def generator_penalty(self, labels: Tensor | None, step: Step) -> Tensor | float:
        """Compute λ times the mean of (‖Jᵀy‖ − a)² over half a batch."""
        if self.config.path == 0 or step.index % self.config.path_every:
            return 0.0
        assert labels is not None
        styles = self._styles(labels[: -(-len(labels) // 2)], step)
        images = self._synthesise(styles, step)
        lengths = path_lengths(images, styles, step.normal(*images.shape))
        mean = self._generator.synthesis.path_mean
        mean.lerp_(lengths.detach().mean(), 1 - _PATH_DECAY if step.index else 1.0)
        return self.config.path_every * self.config.path * (lengths - mean).square().mean()

    def generate(self, noise: Noise, labels: Tensor | None, guidance: float | None) -> Tensor:
        network = self._generator
        latents, values = noise.normal(self.config.latent), noise.normal(network.synthesis.noise_size)
        images: Tensor = network(latents, labels, values, self.config.truncation)
        return images

    def encode_tile(self, images: Tensor, labels: Tensor | None, noise: Noise) -> Tensor:
        starts = torch.zeros(1, len(images), self._generator.synthesis.layers, self.config.style, device=images.device)
        return invert(lambda codes: self.decode_tile(codes, labels), images, starts, steps=self.inversion_steps)

    def decode_tile(self, codes: Tensor, labels: Tensor | None) -> Tensor:
        means, synthesis = self._generator.mapping.means, self._generator.synthesis
        origin = means.mean(0) if labels is None else means[labels][:, None]
        images: Tensor = synthesis(origin + codes, codes.new_zeros(len(codes), synthesis.noise_size))
        return images

    def translate(self, images: Tensor, to: int | Sequence[int] | Tensor, *, labels: Labels = None) -> Samples:
        if labels is None:  # without it, codes hold the class as well
            self.required(labels)
        return super().translate(images, to, labels=labels)

    def mix_styles(self, coarse: Tensor, fine: Tensor, layer: int, *, labels: Labels = None) -> Samples:
        """Draw images with the coarse layers of some images and the fine layers of others.

        Args:
            coarse: uint8 (n, C, H, W).
            fine: uint8 (n, C, H, W).
            layer: first layer that is taken from `fine`, from 0 for all to the number of layers for none.
            labels: classes of both images; default None.
        """
        codes = [self.encode(images, labels=labels) for images in (coarse, fine)]
        layer = check_integer("layer", layer, 0, self._generator.synthesis.layers)
        return self.decode(torch.cat([codes[0][:, :layer], codes[1][:, layer:]], dim=1), labels=labels)

    @property
    def _generator(self) -> StyledGenerator:
        return cast(StyledGenerator, self.networks["generator"])

    def _styles(self, labels: Tensor | None, step: Step) -> Tensor:
        """Draw styles (B, layers, style), a share `mixing` of them mixed from two, and track the means of classes."""
        assert labels is not None
        mapping, layers = self._generator.mapping, self._generator.synthesis.layers
        first, second = (mapping(step.normal(len(labels), self.config.latent), labels) for _ in range(2))
        mapping.track(first.detach(), labels)
        chance, position = step.uniform(2, len(labels))
        start = torch.where(chance < self.config.mixing, (position * layers).long(), layers)
        return mixed(first, second, start, layers)

    def _synthesise(self, styles: Tensor, step: Step) -> Tensor:
        synthesis = self._generator.synthesis
        images: Tensor = synthesis(styles, step.normal(len(styles), synthesis.noise_size))
        return images
