"""The `cvae` generator: a class-conditional variational autoencoder with a learned prior.

Sohn, Lee & Yan, "Learning structured output representation using deep conditional generative models", NeurIPS 2015;
Chen et al., "Variational lossy autoencoder", ICLR 2017 (the prior).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from torch import Tensor, nn

from augsynth.generators import Noise, Step
from augsynth.generators.toolkit import option
from augsynth_vae.autoencoder import Autoencoder, AutoencoderOptions
from augsynth_vae.bound import free_bits, ramp
from augsynth_vae.flow import Flow


@dataclass(frozen=True)
class CVAEOptions(AutoencoderOptions):
    """Options of `create_generator("cvae", …)`, beside those of `AutoencoderOptions`.

    Args:
        beta: weight of the KL term, above 0; default 0.1. A higher weight gives softer and safer samples, a lower one
            sharper samples, and leaves more to the learned prior.
        flow: couplings of the learned prior, at least 0; default 6. With 0 the prior is standard normal.
        free_bits: as in `AutoencoderOptions`; default 0.05.
    """

    beta: float = option(0.1, above=0)
    flow: int = option(6, at_least=0)
    free_bits: float = option(0.05, at_least=0)


class ConditionalVAE(Autoencoder):
    """Class-conditional variational autoencoder: it codes an image as a few Gaussian numbers, and decodes random ones.

    Encoder and decoder know the class c. The KL term is that of a standard normal prior, with a low weight:

        loss = E_q(z|x,c)[−log p(x | z, c)] + β · KL(q(z | x, c) ‖ N(0, 1)) − E_q(z|x,c)[log p(z | c)]

    The last term fits the prior p(z | c), a flow, to the codes of the class. Its gradient does not reach the encoder.
    Samples are decoded from p(z | c). Codes of images are f(z), which is standard normal under this prior.

    Args:
        config: options; None for the defaults.
    """

    name = "cvae"
    api_version = 1
    capabilities = frozenset(
        {"conditional", "edit", "interpolate", "invert", "likelihood", "refine", "translate", "vary"}
    )
    Config = CVAEOptions
    config: CVAEOptions

    def build(self, image_shape: tuple[int, int, int], num_classes: int | None) -> dict[str, nn.Module]:
        prior = Flow(self.config.latent, num_classes, self.config.flow)
        return {**super().build(image_shape, num_classes), "prior": prior}

    def training_step(self, images: Tensor, labels: Tensor | None, step: Step) -> Mapping[str, Tensor | float]:
        c = self.config
        coded = self.autoencode(images, labels, step.normal(len(images), c.latent))
        weight = c.beta * ramp(step.index, c.warmup * step.total)
        reconstruction = self.likelihood.negative_log(coded.output, images).mean()
        prior = self.log_prior(coded.latent.detach(), labels).mean()
        loss = reconstruction + weight * free_bits(coded.kl, c.free_bits) - prior
        return self.descend(step, loss, reconstruction, coded)

    def encode_tile(self, images: Tensor, labels: Tensor | None, noise: Noise) -> Tensor:
        mean = super().encode_tile(images, self.required(labels), noise)
        codes: Tensor = self._prior(mean, labels)[0]
        return codes

    def decode_tile(self, codes: Tensor, labels: Tensor | None) -> Tensor:
        return super().decode_tile(self._prior.inverse(codes, self.required(labels)), labels)

    def log_weight(self, images: Tensor, labels: Tensor | None, noise: Noise) -> Tensor:
        return super().log_weight(images, self.required(labels), noise)

    def log_prior(self, latent: Tensor, labels: Tensor | None) -> Tensor:
        numbers, log_determinant = self._prior(latent, labels)
        log_density: Tensor = super().log_prior(numbers, labels) + log_determinant
        return log_density

    @property
    def _prior(self) -> Flow:
        return cast("Flow", self.networks["prior"])
