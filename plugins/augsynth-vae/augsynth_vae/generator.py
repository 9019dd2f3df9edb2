"""The `cvae` generator: a class-conditional variational autoencoder.

Kingma & Welling, "Auto-encoding variational Bayes", ICLR 2014; Sohn, Lee & Yan, "Learning structured output
representation using deep conditional generative models", NeurIPS 2015.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from augsynth.generators import NetworkGenerator, Noise, Step
from augsynth.generators.toolkit import TrainingOptions, autocast, option
from augsynth_vae.likelihood import Bernoulli, DiscretizedLogistic, free_bits, gaussian_kl
from augsynth_vae.networks import Decoder, Encoder, Grid

LIKELIHOODS = ("bernoulli", "logistic")


@dataclass(frozen=True)
class VAEConfig(TrainingOptions):
    """Options of `create_generator("cvae", …)`, beside those of `TrainingOptions`.

    Args:
        latent: length of the latent code, at least 1; default 16.
        width: channels at the finest level, at least 1; default 32. Time and memory grow with its square.
        likelihood: "bernoulli" (default) for images that are nearly black and white, "logistic" for grey tones and
            colours.
        beta: weight of the KL term, above 0; default 0.1. A higher weight gives safer and less varied samples, a lower
            one more samples that are wrong.
        warmup: share of the steps in which that weight rises from 0, in [0, 1]; default 0.2. The decoder learns to use
            the code before the code is taxed.
        free_bits: nats of each latent dimension without a cost, at least 0; default 0.05.
        temperature: standard deviation of the codes that are sampled, above 0; default 1. Samples are safer and less
            varied below 1.
    """

    latent: int = option(16, at_least=1)
    width: int = option(32, at_least=1)
    likelihood: str = option("bernoulli", one_of=LIKELIHOODS)
    beta: float = option(0.1, above=0)
    warmup: float = option(0.2, at_least=0, at_most=1)
    free_bits: float = option(0.05, at_least=0)
    temperature: float = option(1.0, above=0)


class ConditionalVAE(NetworkGenerator):
    """Class-conditional variational autoencoder: it codes an image as a few Gaussian numbers, and decodes random ones.

    It fits in a minute and never collapses. Its samples are softer than those of a GAN or a diffusion model.

    Args:
        config: options; None for the defaults.
    """

    name = "cvae"
    api_version = 1
    capabilities = frozenset({"conditional"})
    Config = VAEConfig
    config: VAEConfig

    def build(self, image_shape: tuple[int, int, int], num_classes: int | None) -> dict[str, nn.Module]:
        assert num_classes is not None
        config, grid = self.config, Grid.of(image_shape)
        likelihood = Bernoulli() if config.likelihood == "bernoulli" else DiscretizedLogistic(image_shape[0])
        return {
            "encoder": Encoder(grid, num_classes, config.width, config.latent),
            "decoder": Decoder(grid, num_classes, config.width, config.latent, likelihood),
        }

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"main": self.config.make_optimizer(self.networks.parameters())}

    def averages(self) -> dict[str, float]:
        return {"encoder": self.config.decay, "decoder": self.config.decay}

    def training_step(self, images: Tensor, labels: Tensor | None, step: Step) -> Mapping[str, Tensor | float]:
        decoder = self._decoder
        with autocast(step.device, self.config.precision):
            mean, log_variance = self.networks["encoder"](images, labels)
            latent = mean + torch.exp(log_variance / 2) * step.normal(*mean.shape)
            output = decoder(latent, labels)
        reconstruction = decoder.likelihood.negative_log(output, images).mean()
        kl = gaussian_kl(mean, log_variance)
        weight = self.config.beta * ramp(step.index, self.config.warmup * step.total)
        loss = reconstruction + weight * free_bits(kl, self.config.free_bits)
        # Divided by the number of values, so that clipping does not depend on the size of the images.
        self.config.descend(step, "main", loss / images[0].numel())
        return {"reconstruction": reconstruction.detach(), "kl": kl.detach().sum(1).mean()}

    def generate(self, noise: Noise, labels: Tensor | None, guidance: float | None) -> Tensor:
        latent = self.config.temperature * noise.normal(self.config.latent)
        with autocast(noise.device, self.config.precision):
            output = self._decoder(latent, labels)
        return self._decoder.likelihood.mean(output)

    @property
    def _decoder(self) -> Decoder:
        return cast("Decoder", self.networks["decoder"])


def ramp(index: int, length: float) -> float:
    """Compute a factor that rises linearly from 0 at step 0 to 1 at step `length`, and stays there.

    Args:
        index: number of the step, at least 0.
        length: number of steps of the rise, at least 0.

    >>> ramp(5, 20), ramp(30, 20), ramp(0, 0)
    (0.25, 1.0, 1.0)
    """
    return min(1.0, index / length) if length > 0 else 1.0
