"""A class-conditional GAN for augsynth, after R3GAN: the generator `r3gan`."""

from __future__ import annotations

from augsynth_gan.r3gan import R3GAN, R3GANConfig

__all__ = ["R3GAN", "R3GANConfig"]
