"""Evaluation of synthetic data: a small classifier, metrics with intervals, the experiment and its report."""

from __future__ import annotations

from augsynth.classifier import Classifier, load_classifier, train_classifier
from augsynth.evaluate.auditing import audit
from augsynth.evaluate.experiment import Settings, run_experiment
from augsynth.evaluate.feature_scores import FEATURE_SCORES, feature_scores
from augsynth.evaluate.findings import AuditResult, Finding
from augsynth.evaluate.gan_scores import gan_test, gan_train
from augsynth.evaluate.intervals import Interval, mean_interval, paired_interval
from augsynth.evaluate.likelihood import feature_likelihood_divergence
from augsynth.evaluate.metrics import METRICS, MORE_METRICS, accuracy, balanced_accuracy, macro_f1, macro_precision
from augsynth.evaluate.reporting import rebuild_report, write_report, write_results
from augsynth.evaluate.results import ExperimentResult, Experiments
from augsynth.evaluate.scoring import SCORES, Evaluation, SampleScore, scores
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
    "SCORES",
    "AuditResult",
    "ClassificationTask",
    "Classifier",
    "Comparison",
    "Detection",
    "Evaluation",
    "ExperimentResult",
    "Experiments",
    "Finding",
    "Given",
    "GivenPool",
    "Interval",
    "OwnData",
    "SampleScore",
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
    "feature_likelihood_divergence",
    "feature_scores",
    "gan_test",
    "gan_train",
    "load_classifier",
    "macro_f1",
    "macro_precision",
    "mean_interval",
    "paired_interval",
    "rebuild_report",
    "run_experiment",
    "scores",
    "sweep",
    "train_classifier",
    "write_report",
    "write_results",
]
