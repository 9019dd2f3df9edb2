"""The `cvae` generator: a class-conditional variational autoencoder.

Kingma & Welling, "Auto-encoding variational Bayes", ICLR 2014; Sohn, Lee & Yan, "Learning structured output
representation using deep conditional generative models", NeurIPS 2015.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from augsynth.errors import ArgumentError
from augsynth.generators import PRECISIONS, NetworkGenerator, Noise, Step, autocast
from augsynth_vae.likelihood import Bernoulli, DiscretizedLogistic, free_bits, gaussian_kl
from augsynth_vae.networks import Decoder, Encoder, Grid

LIKELIHOODS = ("bernoulli", "logistic")


@dataclass(frozen=True)
class VAEConfig:
    """Options of `create_generator("cvae", …)`."""

    latent: int = 16
    """Size of the latent code."""
    width: int = 32
    """Channels at the finest level; time and memory grow with its square."""
    likelihood: str = "bernoulli"
    """"bernoulli" for images that are nearly black and white, "logistic" for grey tones and colours."""
    beta: float = 0.1
    """Weight of the KL term; higher is safer and blurs variety away, lower has more samples that are off."""
    warmup: float = 0.2
    """Share of the steps over which that weight rises from 0, so that the code is used before it is taxed."""
    free_bits: float = 0.05
    """Nats of each latent dimension that are free of charge."""
    temperature: float = 1.0
    """Standard deviation of the codes that are sampled; below 1 safer and less varied."""
    learning_rate: float = 2e-3
    """Peak of the cosine schedule."""
    decay: float = 0.999
    """Of the moving average of the weights that are sampled from."""
    precision: str = "auto"
    """"float32", "bfloat16", or "auto": bfloat16 where the hardware multiplies matrices of it."""

    def __post_init__(self) -> None:
        rules = [
            ("latent", self.latent >= 1, "at least 1"),
            ("width", self.width >= 1, "at least 1"),
            ("likelihood", self.likelihood in LIKELIHOODS, f"one of {LIKELIHOODS}"),
            ("beta", 0 < self.beta < math.inf, "above 0"),
            ("warmup", 0 <= self.warmup <= 1, "from 0 to 1"),
            ("free_bits", 0 <= self.free_bits < math.inf, "at least 0"),
            ("temperature", 0 < self.temperature < math.inf, "above 0"),
            ("learning_rate", 0 < self.learning_rate < math.inf, "above 0"),
            ("decay", 0 <= self.decay < 1, "in [0, 1)"),
            ("precision", self.precision in PRECISIONS, f"one of {PRECISIONS}"),
        ]
        for option, holds, expected in rules:
            if not holds:
                raise ArgumentError(f"{option} must be {expected}, got {getattr(self, option)!r}")


class ConditionalVAE(NetworkGenerator):
    """Images are coded as a few Gaussian numbers beside their class, and drawn by decoding random ones.

    It fits in a minute and never collapses; its samples are softer than those of a GAN or a diffusion model.
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
        weights = self.networks.parameters()
        return {"main": torch.optim.Adam(weights, self.config.learning_rate, betas=(0.9, 0.99))}

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
        optimizer = step.optimizers["main"]
        optimizer.param_groups[0]["lr"] = self.config.learning_rate * cosine(step.index, step.total)
        optimizer.zero_grad(set_to_none=True)
        # Per value, so that the size of gradients, which are clipped, does not depend on the image's.
        torch.autograd.backward(loss / images[0].numel())
        nn.utils.clip_grad_norm_(self.networks.parameters(), 1.0)
        optimizer.step()
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
    """Rises linearly from 0 at step 0 to 1 at step `length`, and stays there.

    >>> ramp(5, 20), ramp(30, 20), ramp(0, 0)
    (0.25, 1.0, 1.0)
    """
    return min(1.0, index / length) if length > 0 else 1.0


def cosine(index: int, total: int) -> float:
    """A learning-rate factor: up over the first 100 steps or tenth of the run, then half a cosine down to 1/100."""
    rise = min(1.0, (index + 1) / min(100, 1 + total // 10))
    return rise * (0.01 + 0.99 * (1 + math.cos(math.pi * index / total)) / 2)
