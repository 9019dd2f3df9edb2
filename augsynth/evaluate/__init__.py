"""Evaluation of synthetic data: a small classifier, metrics with intervals, the experiment and its report."""

from __future__ import annotations

from augsynth.classifier import Classifier, load_classifier, train_classifier
from augsynth.evaluate.auditing import audit
from augsynth.evaluate.experiment import Settings, run_experiment
from augsynth.evaluate.feature_scores import FEATURE_SCORES, feature_scores
from augsynth.evaluate.findings import AuditResult, Finding
from augsynth.evaluate.gan_scores import gan_test, gan_train
from augsynth.evaluate.intervals import Interval, mean_interval, paired_interval
from augsynth.evaluate.metrics import METRICS, MORE_METRICS, accuracy, balanced_accuracy, macro_f1, macro_precision
from augsynth.evaluate.report import write_report
from augsynth.evaluate.results import ExperimentResult
from augsynth.evaluate.sweeping import (
    ClassificationTask,
    Comparison,
    Detection,
    Given,
    GivenPool,
    OwnData,
    ScikitLearn,
    Segmentation,
    SmallCNN,
    Source,
    SweepResult,
    SweepSettings,
    Task,
    TorchModel,
    Varied,
    Verdict,
    compare,
    sweep,
)

__all__ = [
    "FEATURE_SCORES",
    "METRICS",
    "MORE_METRICS",
    "AuditResult",
    "ClassificationTask",
    "Classifier",
    "Comparison",
    "Detection",
    "ExperimentResult",
    "Finding",
    "Given",
    "GivenPool",
    "Interval",
    "OwnData",
    "ScikitLearn",
    "Segmentation",
    "Settings",
    "SmallCNN",
    "Source",
    "SweepResult",
    "SweepSettings",
    "Task",
    "TorchModel",
    "Varied",
    "Verdict",
    "accuracy",
    "audit",
    "balanced_accuracy",
    "compare",
    "feature_scores",
    "gan_test",
    "gan_train",
    "load_classifier",
    "macro_f1",
    "macro_precision",
    "mean_interval",
    "paired_interval",
    "run_experiment",
    "sweep",
    "train_classifier",
    "write_report",
]
