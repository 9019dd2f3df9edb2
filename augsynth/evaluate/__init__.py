"""Is synthetic data worth its place? A yardstick classifier, scores with intervals, the experiment and its report."""

from __future__ import annotations

from augsynth.evaluate.classifier import Classifier, train_classifier
from augsynth.evaluate.experiment import Settings, run_experiment
from augsynth.evaluate.report import write_report
from augsynth.evaluate.results import ExperimentResult
from augsynth.evaluate.scores import (
    Interval,
    accuracy,
    gan_test,
    gan_train,
    macro_f1,
    mean_interval,
    paired_interval,
)

__all__ = [
    "Classifier",
    "ExperimentResult",
    "Interval",
    "Settings",
    "accuracy",
    "gan_test",
    "gan_train",
    "macro_f1",
    "mean_interval",
    "paired_interval",
    "run_experiment",
    "train_classifier",
    "write_report",
]
