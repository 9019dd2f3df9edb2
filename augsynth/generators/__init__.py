"""Generators: models that draw new images, as plugins behind one contract."""

from __future__ import annotations

from augsynth.generators.contract.capabilities import CAPABILITIES
from augsynth.generators.contract.generator import API_VERSION, Generator
from augsynth.generators.contract.latent import LatentMethods
from augsynth.generators.contract.network import NetworkGenerator
from augsynth.generators.errors import CapabilityError, NotFittedError, TrainingError
from augsynth.generators.registry import (
    GeneratorInfo,
    create_generator,
    list_generators,
    load_generator,
    refresh,
    register_generator,
)
from augsynth.generators.samples import FitReport, Samples, to_signed, to_uint8
from augsynth.generators.seeds import Noise
from augsynth.generators.targets import Generated
from augsynth.generators.toolkit.precision import PRECISIONS, autocast
from augsynth.generators.training.steps import Step, StepReport

__all__ = [
    "API_VERSION",
    "CAPABILITIES",
    "PRECISIONS",
    "CapabilityError",
    "FitReport",
    "Generated",
    "Generator",
    "GeneratorInfo",
    "LatentMethods",
    "NetworkGenerator",
    "Noise",
    "NotFittedError",
    "Samples",
    "Step",
    "StepReport",
    "TrainingError",
    "autocast",
    "create_generator",
    "list_generators",
    "load_generator",
    "refresh",
    "register_generator",
    "to_signed",
    "to_uint8",
]
