"""The `latent-diffusion` generator: EDM on the codes of an autoencoder.

Rombach, Blattmann, Lorenz, Esser & Ommer, "High-resolution image synthesis with latent diffusion models", CVPR 2022.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import cast

import torch
from torch import Tensor, nn

from augsynth.errors import ArgumentError
from augsynth.generators import Step
from augsynth.generators.toolkit import option
from augsynth_diffusion.autoencoder import Autoencoder, Codes
from augsynth_diffusion.diffusion import Diffusion
from augsynth_diffusion.edm import EDM, EDMConfig
from augsynth_diffusion.pretrained_autoencoder import PretrainedAutoencoder


@dataclass(frozen=True)
class LatentDiffusionConfig(EDMConfig):
    """Options of `create_generator("latent-diffusion", …)`, beside those of `EDMConfig`.

    Args:
        autoencoder: folder of an `AutoencoderKL` of the library diffusers; None (default) fits an autoencoder of its
            own. A pretrained one is not trained, and all steps fit the denoiser. It needs the extra "diffusers".
        factor: pixels along a side for a position of a code, at least 1; None (default) for 4, or for 8 if the shorter
            side of the images has 48 pixels or more.
        channels: channels of a code, at least 1; default 4.
        autoencoder_width: channels of the autoencoder's convolutions, at least 1; default 64.
        autoencoder_share: share of the training steps that fit the autoencoder, above 0 and below 1; default 0.3. The
            denoiser has the others.
        kl: weight of the KL divergence of a number of a code beside the squared error of a pixel, at least 0; default
            0.0001.
        p_mean: mean of the logarithm of the noise level in training; default −0.4, as codes have more variance than
            pixels.
        decay: decay of the moving average of the denoiser's weights, in [0, 1); default 0.997. It must forget the
            weights of the steps before the denoiser was fitted.
    """

    autoencoder: str | None = None
    factor: int | None = None
    channels: int = option(4, at_least=1)
    autoencoder_width: int = option(64, at_least=1)
    autoencoder_share: float = option(0.3, above=0, below=1)
    kl: float = option(1e-4, at_least=0)
    p_mean: float = option(-0.4)
    decay: float = option(0.997, at_least=0, below=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.factor is not None and self.factor < 1:
            raise ArgumentError(f"factor must be an integer at least 1, or None, got {self.factor}")


class LatentDiffusion(EDM):
    """Diffusion of codes: cheap for large images, as the denoiser never sees a pixel.

    A fit has two stages. First the autoencoder learns E[‖x̂ − x‖²] / pixels + kl · E[KL(q(z|x) ‖ N(0, 1))] / codes. Then
    it is frozen, its codes are scaled to unit variance, and the denoiser learns them with the loss of EDM.

    Args:
        config: options; None for the defaults.
    """

    name = "latent-diffusion"
    capabilities = Diffusion.capabilities
    Config = LatentDiffusionConfig
    config: LatentDiffusionConfig

    # The space of the model --------------------------------------------------------------------------------------

    @property
    def autoencoder(self) -> Codes:
        """Network between images and codes."""
        return cast("Codes", self.networks["autoencoder"])

    @property
    def space_shape(self) -> tuple[int, ...]:
        return self.autoencoder.code_shape

    def to_space(self, images: Tensor) -> Tensor:
        with torch.no_grad():  # the autoencoder is frozen
            return self.autoencoder.encode(images)

    def to_images(self, clean: Tensor) -> Tensor:
        return self.autoencoder.decode(clean)

    def measure(self, images: Tensor) -> None:
        self.autoencoder.measure(images)

    # The contract of networks ------------------------------------------------------------------------------------

    def build(self, image_shape: tuple[int, int, int], num_classes: int | None) -> dict[str, nn.Module]:
        autoencoder = self._make_autoencoder(image_shape)
        return {"autoencoder": autoencoder, "denoiser": self.make_denoiser(autoencoder.code_shape, num_classes)}

    def _make_autoencoder(self, image_shape: tuple[int, int, int]) -> Codes:
        config = self.config
        if config.autoencoder is not None:
            return PretrainedAutoencoder(image_shape, config.autoencoder, config.precision)
        factor = config.factor or (4 if min(image_shape[1:]) < 48 else 8)
        return Autoencoder(image_shape, config.channels, factor, config.autoencoder_width, config.precision)

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        optimizers = super().optimizers()
        if isinstance(self.autoencoder, Autoencoder):
            optimizers["autoencoder"] = self.config.make_optimizer(self.autoencoder.parameters())
        return optimizers

    def restore(self, state: Mapping[str, Tensor]) -> None:
        super().restore(state)
        if isinstance(self.autoencoder, PretrainedAutoencoder):
            self.autoencoder.opened(self.device)  # refuses other files

    def training_step(self, images: Tensor, labels: Tensor | None, step: Step) -> Mapping[str, Tensor | float]:
        """Take a step of the autoencoder in the first stage, and of the denoiser in the second."""
        autoencoder, first = self.autoencoder, 0
        if isinstance(autoencoder, Autoencoder):
            first = max(1, round(self.config.autoencoder_share * step.total))
            if step.index < first:
                error, divergence = autoencoder.losses(images, step.normal(len(images), *self.space_shape))
                self.config.descend(replace(step, total=first), "autoencoder", error + self.config.kl * divergence)
                return {"error": error.detach(), "kl": divergence.detach()}
        return super().training_step(images, labels, replace(step, index=step.index - first, total=step.total - first))
