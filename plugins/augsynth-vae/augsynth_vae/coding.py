"""Methods that all autoencoders of this package share: sampling, variations and bits/dim.

A code is a vector of numbers that are independent and standard normal under the model's prior. So drawing, walking
between codes and varying them is the same for all models.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from augsynth.core.checks import check_number
from augsynth.errors import ArgumentError, ArgumentTypeError
from augsynth.generators import LatentMethods, NetworkGenerator, Noise, Samples
from augsynth.generators.toolkit import TrainingOptions, option
from augsynth_vae.bound import bits_per_value, importance_bound
from augsynth_vae.likelihood import Likelihood


@dataclass(frozen=True)
class CodingOptions(TrainingOptions):
    """Options of all autoencoders, beside those of `TrainingOptions`.

    Args:
        warmup: share of the steps in which the weight of the KL term rises from 0, in [0, 1]; default 0.2. The decoder
            learns to use the code before the code is taxed.
        dropout: share of the features that residual blocks drop in training, in [0, 1); default 0. It is for small data
            sets.
        temperature: standard deviation of the codes that are sampled, above 0; default 1. Samples are safer and less
            varied below 1.
    """

    warmup: float = option(0.2, at_least=0, at_most=1)
    dropout: float = option(0.0, at_least=0, below=1)
    temperature: float = option(1.0, above=0)


class CodingGenerator(LatentMethods, NetworkGenerator):
    """Base of the autoencoders. A model writes its networks, its loss, and the map between images and codes.

    Args:
        config: options; None for the defaults.
    """

    config: CodingOptions
    bound_draws: ClassVar[int] = 16
    """Number of codes that `bits_per_dim` draws for each image."""

    @property
    @abstractmethod
    def code_length(self) -> int:
        """Length of a code."""

    @property
    @abstractmethod
    def likelihood(self) -> Likelihood:
        """Likelihood of an image under the decoder's output."""

    @abstractmethod
    def log_weight(self, images: Tensor, labels: Tensor | None, noise: Noise) -> Tensor:
        """Compute log p(x | z) + log p(z) − log q(z | x), (B,) in nats, for one z drawn from q(z | x).

        Args:
            images: x, (B, C, H, W) in [−1, 1].
            labels: their classes, int64 (B,); None without classes.
            noise: random numbers of the draw.
        """

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"main": self.config.make_optimizer(self.networks.parameters())}

    def averages(self) -> dict[str, float]:
        return dict.fromkeys(self.networks, self.config.decay)

    def generate(self, noise: Noise, labels: Tensor | None, guidance: float | None) -> Tensor:
        return self.decode_tile(self.config.temperature * noise.normal(self.code_length), labels)

    def vary(
        self,
        images: Tensor,
        strength: float | None = None,
        labels: Any = None,
        *,
        sigma: float | None = None,
        guidance: float | None = None,
        seed: int = 0,
    ) -> Samples:
        """Draw variations of images: turn each code towards a random one, by `strength` of a right angle.

        With the angle φ = strength · π/2, the new code is cos φ · code + sin φ · noise. Close to 0 it is the
        reconstruction, at 1 it is a new sample of the same class, and codes in between stay standard normal.

        Args:
            images: uint8 (n, C, H, W).
            strength: in (0, 1].
            labels: their classes; default None.
            sigma: not taken: noise is added to codes, not to images.
            guidance: not taken.
            seed: 64-bit seed; default 0.
        """
        if strength is None or sigma is not None:
            raise ArgumentTypeError(f"generator {self.name!r} varies codes, not images: give strength, not sigma")
        if guidance is not None:
            raise ArgumentTypeError(f"generator {self.name!r} has no guidance: leave it out")
        strength = check_number("strength", strength)
        if not 0 < strength <= 1:
            raise ArgumentError(f"strength must be above 0 and at most 1, got {strength}")
        angle = strength * math.pi / 2

        def turn(noise: Noise, labels: Tensor | None, images: Tensor) -> Tensor:
            codes = self.encode_tile(images, labels, noise)
            return self.decode_tile(math.cos(angle) * codes + math.sin(angle) * noise.normal(self.code_length), labels)

        return self._samples(self.map_tiles(turn, images, labels=labels, seed=seed), labels)

    def bits_per_dim(self, images: Tensor, *, labels: Any = None, seed: int = 0) -> Tensor:
        """Compute the importance-weighted bound of −log₂ p(image | class), for each value of an image.

        It is a probability of the 256 levels, so that it compares with other models of uint8 images. Fit with
        likelihood="logistic" or "mixture": the normalisation of "bernoulli" was no part of its fit.

        Args:
            images: uint8 (n, C, H, W).
            labels: their classes; default None.
            seed: 64-bit seed of the codes; default 0.

        Returns:
            float32 (n,).
        """

        def bound(noise: Noise, labels: Tensor | None, images: Tensor) -> Tensor:
            draws = [self.log_weight(images, labels, noise) for _ in range(self.bound_draws)]
            return bits_per_value(-importance_bound(torch.stack(draws)), self.image_shape)

        return self.compute_tiles(bound, images, labels=labels, seed=seed)
