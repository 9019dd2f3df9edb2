"""The `vae` generator: a variational autoencoder.

Kingma & Welling, "Auto-encoding variational Bayes", ICLR 2014.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from augsynth.generators import Step
from augsynth_vae.autoencoder import Autoencoder, AutoencoderOptions
from augsynth_vae.bound import free_bits, ramp


@dataclass(frozen=True)
class VAEOptions(AutoencoderOptions):
    """Options of `create_generator("vae", …)`: those of `AutoencoderOptions`."""


class VAE(Autoencoder):
    """Variational autoencoder: it codes an image as a few Gaussian numbers, and decodes random ones.

    It maximises the evidence lower bound of log p(x), with the prior p(z) = N(0, 1) and the Gaussian posterior
    q(z | x) = N(mean(x), variance(x)) that the encoder gives:

        loss = E_q(z|x)[−log p(x | z)] + KL(q(z | x) ‖ p(z))

    The expectation is estimated with one z = mean + deviation · ε, ε from N(0, 1), so that the gradient reaches the
    encoder. It has no classes.

    Args:
        config: options; None for the defaults.
    """

    name = "vae"
    api_version = 1
    capabilities = frozenset({"edit", "interpolate", "invert", "likelihood", "refine", "vary"})
    Config = VAEOptions
    config: VAEOptions

    def training_step(self, images: Tensor, labels: Tensor | None, step: Step) -> Mapping[str, Tensor | float]:
        coded = self.autoencode(images, labels, step.normal(len(images), self.config.latent))
        weight = ramp(step.index, self.config.warmup * step.total)
        reconstruction = self.likelihood.negative_log(coded.output, images).mean()
        loss = reconstruction + weight * free_bits(coded.kl, self.config.free_bits)
        return self.descend(step, loss, reconstruction, coded)
