"""Class-conditional diffusion models for augsynth, and pretrained pipelines of the library diffusers.

They are found under the names `ddpm`, `diffusers`, `edm`, `flow` and `latent-diffusion`.
"""

from __future__ import annotations

from augsynth_diffusion.ddpm import DDPM, DDPMConfig
from augsynth_diffusion.diffusers import Diffusers, DiffusersConfig
from augsynth_diffusion.diffusion import Diffusion, DiffusionOptions
from augsynth_diffusion.edm import EDM, EDMConfig
from augsynth_diffusion.flow import Flow, FlowConfig
from augsynth_diffusion.latent_diffusion import LatentDiffusion, LatentDiffusionConfig

__all__ = [
    "DDPM",
    "EDM",
    "DDPMConfig",
    "Diffusers",
    "DiffusersConfig",
    "Diffusion",
    "DiffusionOptions",
    "EDMConfig",
    "Flow",
    "FlowConfig",
    "LatentDiffusion",
    "LatentDiffusionConfig",
]
