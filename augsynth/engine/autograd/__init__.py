"""Passes that gradients go through: `linear_pass`, and plans of such passes."""

from __future__ import annotations

from augsynth.engine.autograd.executor import AutogradExecutor, recorded_batch, run_recorded
from augsynth.engine.autograd.linear import linear_pass

__all__ = ["AutogradExecutor", "linear_pass", "recorded_batch", "run_recorded"]
