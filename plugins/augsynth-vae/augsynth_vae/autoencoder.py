"""Shared parts of the models with one vector as their code: an encoder, a decoder and the terms of their loss."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from augsynth.generators import Noise, Step
from augsynth.generators.toolkit import autocast, option
from augsynth_vae.bound import gaussian_kl, gaussian_log_density
from augsynth_vae.coding import CodingGenerator, CodingOptions
from augsynth_vae.likelihood import LIKELIHOODS, Likelihood, make_likelihood
from augsynth_vae.networks import NORMALIZATIONS, Decoder, Encoder, Grid, Shape


@dataclass(frozen=True)
class AutoencoderOptions(CodingOptions):
    """Options of the models with one vector as their code, beside those of `CodingOptions`.

    Args:
        latent: length of the code, at least 1; default 16. A longer code keeps more details.
        width: channels at the finest level, at least 1; default 16. Time and memory grow with its square.
        likelihood: "bernoulli" (default) for images that are nearly black and white, "logistic" for grey tones and
            colours, "mixture" (of three logistic densities, each with its own scale) for the best bits/dim.
        free_bits: nats of each latent dimension without a cost, at least 0; default 0.
        normalization: "none" (default), "group" or "batch": layer between the convolutions of a block.
        learning_rate: as in `TrainingOptions`; default 0.004.
    """

    latent: int = option(16, at_least=1)
    width: int = option(16, at_least=1)
    likelihood: str = option("bernoulli", one_of=LIKELIHOODS)
    free_bits: float = option(0.0, at_least=0)
    normalization: str = option("none", one_of=NORMALIZATIONS)
    learning_rate: float = option(4e-3, above=0)


@dataclass(frozen=True, eq=False)
class Coded:
    """A batch on its way through the autoencoder.

    Args:
        mean: means of q(z | x), (B, latent).
        log_variance: logarithms of its variances, (B, latent).
        latent: z, one draw of it, (B, latent).
        output: what the likelihood reads, (B, outputs · C, H, W).
    """

    mean: Tensor
    log_variance: Tensor
    latent: Tensor
    output: Tensor

    @property
    def kl(self) -> Tensor:
        """KL(q(z | x) ‖ N(0, 1)) of each dimension, (B, latent) in nats."""
        return gaussian_kl(self.mean, self.log_variance)


class Autoencoder(CodingGenerator):
    """Base of the models with one vector as their code. A model writes its loss.

    Args:
        config: options; None for the defaults.
    """

    config: AutoencoderOptions

    def build(self, image_shape: tuple[int, int, int], num_classes: int | None) -> dict[str, nn.Module]:
        c = self.config
        shape = Shape(Grid.of(image_shape), num_classes, c.width, c.latent, c.dropout, c.normalization)
        likelihood = make_likelihood(c.likelihood, image_shape[0])
        return {"encoder": Encoder(shape), "decoder": Decoder(shape, likelihood)}

    def autoencode(self, images: Tensor, labels: Tensor | None, noise: Tensor) -> Coded:
        """Code images, draw z = mean + deviation · noise, and decode z.

        Args:
            images: x, (B, C, H, W) in [−1, 1].
            labels: their classes, int64 (B,); None without classes.
            noise: standard normal numbers, (B, latent).
        """
        with autocast(images.device, self.config.precision):
            mean, log_variance = self.networks["encoder"](images, labels)
            latent = mean + torch.exp(log_variance / 2) * noise
            output = self.networks["decoder"](latent, labels)
        return Coded(mean, log_variance, latent, output)

    def descend(self, step: Step, loss: Tensor, reconstruction: Tensor, coded: Coded) -> Mapping[str, Tensor]:
        """Take a step of the optimiser, and return what the progress bar shows.

        Args:
            step: the training step.
            loss: a scalar in nats, to be lowered.
            reconstruction: −log p(x | z), the mean of the batch.
            coded: the batch.
        """
        # Divided by the number of values, so that clipping does not depend on the size of the images.
        self.config.descend(step, "main", loss / math.prod(self.image_shape))
        return {"reconstruction": reconstruction.detach(), "kl": coded.kl.detach().sum(1).mean()}

    def encode_tile(self, images: Tensor, labels: Tensor | None, noise: Noise) -> Tensor:
        with autocast(images.device, self.config.precision):
            mean: Tensor = self.networks["encoder"](images, labels)[0]
        return mean

    def decode_tile(self, codes: Tensor, labels: Tensor | None) -> Tensor:
        with autocast(codes.device, self.config.precision):
            output = self.networks["decoder"](codes, labels)
        return self.likelihood.mean(output)

    def log_weight(self, images: Tensor, labels: Tensor | None, noise: Noise) -> Tensor:
        coded = self.autoencode(images, labels, noise.normal(self.code_length))
        posterior = gaussian_log_density(coded.latent, coded.mean, coded.log_variance)
        reconstruction = self.likelihood.negative_log_levels(coded.output, images)
        return self.log_prior(coded.latent, labels) - reconstruction - posterior

    def log_prior(self, latent: Tensor, labels: Tensor | None) -> Tensor:
        """Compute log p(z | class), (B,) in nats. By default, z is standard normal.

        Args:
            latent: z, (B, latent).
            labels: classes, int64 (B,); None without classes.
        """
        zeros = torch.zeros_like(latent)
        return gaussian_log_density(latent, zeros, zeros)

    @property
    def code_length(self) -> int:
        return self.config.latent

    @property
    def likelihood(self) -> Likelihood:
        return cast("Decoder", self.networks["decoder"]).likelihood
