"""Tools for authors of generators: options, schedules, optimiser steps, patches and precision."""

from __future__ import annotations

from augsynth.generators.toolkit.optimizing import descend, set_learning_rate
from augsynth.generators.toolkit.options import check_options, option
from augsynth.generators.toolkit.patches import Patches
from augsynth.generators.toolkit.precision import PRECISIONS, autocast
from augsynth.generators.toolkit.schedules import WarmupCosine
from augsynth.generators.toolkit.training_options import OPTIMIZERS, TrainingOptions

__all__ = [
    "OPTIMIZERS",
    "PRECISIONS",
    "Patches",
    "TrainingOptions",
    "WarmupCosine",
    "autocast",
    "check_options",
    "descend",
    "option",
    "set_learning_rate",
]
