"""Errors of generators. Other errors are those of `augsynth.errors`."""

from __future__ import annotations

from augsynth.errors import AugsynthError


class NotFittedError(AugsynthError, RuntimeError):
    """A generator that is not fitted was asked for something that only a fitted one can do."""


class CapabilityError(AugsynthError, NotImplementedError):
    """A generator was asked for something that it does not declare in `capabilities`."""


class TrainingError(AugsynthError, RuntimeError):
    """Training cannot continue: a loss or a weight is no longer finite, or all samples are one image."""
