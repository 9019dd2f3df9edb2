"""GANs for augsynth: the generators `mlp-gan`, `dcgan`, `r3gan`, `stylegan2` and `cyclegan`."""

from __future__ import annotations

from augsynth_gan.adversarial import AdversarialGenerator, AdversarialOptions
from augsynth_gan.cyclegan import CycleGAN, CycleGANConfig
from augsynth_gan.dcgan import DCGAN, DCGANConfig
from augsynth_gan.mlp_gan import MLPGAN, MLPGANConfig
from augsynth_gan.r3gan import R3GAN, R3GANConfig
from augsynth_gan.stylegan2 import StyleGAN2, StyleGAN2Config

__all__ = [
    "DCGAN",
    "MLPGAN",
    "R3GAN",
    "AdversarialGenerator",
    "AdversarialOptions",
    "CycleGAN",
    "CycleGANConfig",
    "DCGANConfig",
    "MLPGANConfig",
    "R3GANConfig",
    "StyleGAN2",
    "StyleGAN2Config",
]
