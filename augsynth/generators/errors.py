"""What can go wrong with a generator, beside the errors of `augsynth.errors`."""

from __future__ import annotations

from augsynth.errors import AugsynthError


class NotFittedError(AugsynthError, RuntimeError):
    """A generator is asked for what only a fitted one can do."""


class CapabilityError(AugsynthError, NotImplementedError):
    """A generator is asked for something that it does not declare in `capabilities`."""


class TrainingError(AugsynthError, RuntimeError):
    """Training cannot go on: a loss is no longer finite."""
