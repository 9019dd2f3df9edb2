"""Class-conditional GANs for augsynth: the generator `r3gan`."""

from __future__ import annotations

from augsynth_gan.adversarial import AdversarialGenerator, AdversarialOptions
from augsynth_gan.r3gan import R3GAN, R3GANConfig

__all__ = ["R3GAN", "AdversarialGenerator", "AdversarialOptions", "R3GANConfig"]
