"""Class-conditional GANs for augsynth: the generator `r3gan`."""

from __future__ import annotations

from augsynth_gan.adversarial import AdversarialGenerator, AdversarialOptions
from augsynth_gan.cyclegan import CycleGAN, CycleGANConfig
from augsynth_gan.r3gan import R3GAN, R3GANConfig
from augsynth_gan.stylegan2 import StyleGAN2, StyleGAN2Config

__all__ = [
    "R3GAN",
    "AdversarialGenerator",
    "AdversarialOptions",
    "CycleGAN",
    "CycleGANConfig",
    "R3GANConfig",
    "StyleGAN2",
    "StyleGAN2Config",
]
