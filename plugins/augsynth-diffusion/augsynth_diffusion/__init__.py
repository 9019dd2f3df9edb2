"""Class-conditional diffusion models for augsynth, found under the names `ddpm`, `edm` and `flow`."""

from __future__ import annotations

from augsynth_diffusion.ddpm import DDPM, DDPMConfig
from augsynth_diffusion.diffusion import Diffusion, DiffusionOptions
from augsynth_diffusion.edm import EDM, EDMConfig
from augsynth_diffusion.flow import Flow, FlowConfig

__all__ = ["DDPM", "EDM", "DDPMConfig", "Diffusion", "DiffusionOptions", "EDMConfig", "Flow", "FlowConfig"]
