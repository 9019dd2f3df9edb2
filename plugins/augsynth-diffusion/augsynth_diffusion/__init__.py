"""A class-conditional diffusion model for augsynth, found under the name `edm`."""

from __future__ import annotations

from augsynth_diffusion.generator import EDM, EDMConfig

__all__ = ["EDM", "EDMConfig"]
