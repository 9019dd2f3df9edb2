"""A class-conditional variational autoencoder for augsynth, found under the name `cvae`."""

from __future__ import annotations

from augsynth_vae.generator import ConditionalVAE, VAEConfig

__all__ = ["ConditionalVAE", "VAEConfig"]
