"""The sweep: cheap controls, synthetic arms, and a verdict that is confirmed on new seeds and an unseen test part."""

from __future__ import annotations

from augsynth.evaluate.sweeping.arms import Arm
from augsynth.evaluate.sweeping.compare import Comparison, compare
from augsynth.evaluate.sweeping.detection import Detection
from augsynth.evaluate.sweeping.policies import POLICIES, Policy
from augsynth.evaluate.sweeping.recipes import RECIPES, Recipe
from augsynth.evaluate.sweeping.result import SweepResult
from augsynth.evaluate.sweeping.segmentation import Segmentation
from augsynth.evaluate.sweeping.settings import SweepSettings
from augsynth.evaluate.sweeping.sources import Given, GivenPool, OwnData, Source, Varied
from augsynth.evaluate.sweeping.sweep import sweep
from augsynth.evaluate.sweeping.tasks import ClassificationTask, ScikitLearn, SmallCNN, Task
from augsynth.evaluate.sweeping.torch_tasks import TorchModel
from augsynth.evaluate.sweeping.verdict import Verdict, verdict_of

__all__ = [
    "POLICIES",
    "RECIPES",
    "Arm",
    "ClassificationTask",
    "Comparison",
    "Detection",
    "Given",
    "GivenPool",
    "OwnData",
    "Policy",
    "Recipe",
    "ScikitLearn",
    "Segmentation",
    "SmallCNN",
    "Source",
    "SweepResult",
    "SweepSettings",
    "Task",
    "TorchModel",
    "Varied",
    "Verdict",
    "compare",
    "sweep",
    "verdict_of",
]
