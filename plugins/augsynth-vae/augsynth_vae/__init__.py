"""Variational autoencoders for augsynth: `vae`, `beta-vae`, `cvae` and `nvae`."""

from __future__ import annotations

from augsynth_vae.beta_vae import BetaVAE, BetaVAEOptions
from augsynth_vae.cvae import ConditionalVAE, CVAEOptions
from augsynth_vae.nvae import NVAE, NVAEOptions
from augsynth_vae.vae import VAE, VAEOptions

__all__ = [
    "NVAE",
    "VAE",
    "BetaVAE",
    "BetaVAEOptions",
    "CVAEOptions",
    "ConditionalVAE",
    "NVAEOptions",
    "VAEOptions",
]
