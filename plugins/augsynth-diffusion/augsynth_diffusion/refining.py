"""Refinement of images: a score rises, and the images stay among those that a model draws."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from augsynth_diffusion.samplers import gradient


def ascend(
    images: Tensor, score: Callable[[Tensor], Tensor], project: Callable[[Tensor], Tensor], steps: int, length: float
) -> Tensor:
    """Move images along the gradient of a score, and project them after each step.

    A step that raises the score of an image is taken. Any other step is taken back, and the next one is half as long.
    So no image ends with a lower score.

    Args:
        images: (B, C, H, W).
        score: differentiable function of images, which returns (B,).
        project: function that returns similar images of the kind that is wanted.
        steps: number of steps, at least 1.
        length: length of the first step, as a root mean square of its values, above 0.
    """
    best, top = images, score(images)
    lengths = torch.full((len(images), 1, 1, 1), length, device=images.device)
    for _ in range(steps):
        slope = gradient(score, best)
        size = slope.square().mean((1, 2, 3), keepdim=True).sqrt().clamp(min=torch.finfo(slope.dtype).tiny)
        tried = project((best + lengths * slope / size).clamp(-1.0, 1.0))
        found = score(tried)
        higher = (found > top).view(-1, 1, 1, 1)
        best, top = torch.where(higher, tried, best), torch.maximum(top, found)
        lengths = torch.where(higher, lengths, lengths / 2)
    return best
