"""Passes that gradients go through: `linear_pass`, and plans of such passes.

>>> import torch
>>> images = torch.rand(2, 3, 8, 8, requires_grad=True)
>>> linear_pass(images, torch.eye(3).expand(2, 3, 3)).requires_grad
True
"""

from __future__ import annotations

from augsynth.differentiable.linear import linear_pass
from augsynth.differentiable.plans import recorded_batch, run_plan

__all__ = ["linear_pass", "recorded_batch", "run_plan"]
