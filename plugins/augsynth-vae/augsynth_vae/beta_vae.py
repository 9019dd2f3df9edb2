"""The `beta-vae` generator: a variational autoencoder whose latent dimensions come apart.

Higgins et al., "β-VAE: learning basic visual concepts with a constrained variational framework", ICLR 2017; Burgess et
al., "Understanding disentangling in β-VAE", 2018.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from augsynth.generators import Step
from augsynth.generators.toolkit import option
from augsynth_vae.autoencoder import Autoencoder, AutoencoderOptions
from augsynth_vae.bound import free_bits, ramp


@dataclass(frozen=True)
class BetaVAEOptions(AutoencoderOptions):
    """Options of `create_generator("beta-vae", …)`, beside those of `AutoencoderOptions`.

    Args:
        beta: weight of the KL term, above 0; default 4. With 1 and no capacity, the model is `vae`. A higher weight
            switches dimensions off that the images do not need, and makes samples softer.
        capacity: nats that the code is led to hold at the end of the fit, at least 0. The KL term is then the distance
            to a target that rises from 0 to `capacity`, and `beta` its weight (γ in the paper, often 100 or more). None
            (default) for the plain KL term.
        capacity_share: share of the steps in which the target rises, in (0, 1]; default 0.8.
    """

    beta: float = option(4.0, above=0)
    capacity: float | None = option(None, at_least=0)
    capacity_share: float = option(0.8, above=0, at_most=1)


class BetaVAE(Autoencoder):
    """Variational autoencoder with a stronger KL term, which presses independent factors of the images into dimensions.

    Higgins et al. weight the term, and Burgess et al. raise the number of nats C that the code may hold:

        loss = E_q(z|x)[−log p(x | z)] + β · KL(q(z | x) ‖ N(0, 1))
        loss = E_q(z|x)[−log p(x | z)] + β · |KL(q(z | x) ‖ N(0, 1)) − C|,   C rises from 0 to `capacity`

    It has no classes: the class is one of the factors that the code has to find by itself.

    Args:
        config: options; None for the defaults.
    """

    name = "beta-vae"
    api_version = 1
    capabilities = frozenset({"edit", "interpolate", "invert", "likelihood", "refine", "vary"})
    Config = BetaVAEOptions
    config: BetaVAEOptions

    def training_step(self, images: Tensor, labels: Tensor | None, step: Step) -> Mapping[str, Tensor | float]:
        c = self.config
        coded = self.autoencode(images, labels, step.normal(len(images), c.latent))
        if c.capacity is None:
            cost = ramp(step.index, c.warmup * step.total) * free_bits(coded.kl, c.free_bits)
        else:
            target = c.capacity * ramp(step.index, c.capacity_share * step.total)
            cost = (coded.kl.sum(1).mean() - target).abs()
        reconstruction = self.likelihood.negative_log(coded.output, images).mean()
        return self.descend(step, reconstruction + c.beta * cost, reconstruction, coded)
