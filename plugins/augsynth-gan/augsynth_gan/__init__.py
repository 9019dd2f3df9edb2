"""Class-conditional GANs for augsynth: the generators `mlp-gan`, `dcgan` and `r3gan`."""

from __future__ import annotations

from augsynth_gan.adversarial import AdversarialGenerator, AdversarialOptions
from augsynth_gan.dcgan import DCGAN, DCGANConfig
from augsynth_gan.mlp_gan import MLPGAN, MLPGANConfig
from augsynth_gan.r3gan import R3GAN, R3GANConfig

__all__ = [
    "DCGAN",
    "MLPGAN",
    "R3GAN",
    "AdversarialGenerator",
    "AdversarialOptions",
    "DCGANConfig",
    "MLPGANConfig",
    "R3GANConfig",
]
