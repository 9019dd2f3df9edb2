"""`linear_pass`: resampling, colours and erasures as one operation that torch differentiates in the images.

>>> import torch
>>> images = torch.rand(2, 3, 8, 8, requires_grad=True)
>>> linear_pass(images, torch.eye(3).expand(2, 3, 3)).requires_grad
True
"""

from __future__ import annotations

from augsynth.engine.autograd import linear_pass

__all__ = ["linear_pass"]
