"""Arithmetic of codes: ways between them, the direction of an attribute, and ascents on a score.

Rows are computed independently of each other, except by `effect`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

_FIRST_STEP, _LONGER, _SHORTER = 0.1, 1.5, 0.5
_LEAST_SINE = 1e-3


def on_the_way(first: Tensor, last: Tensor, share: float, spherical: bool) -> Tensor:
    """Compute codes between two codes. The ends are exact.

    On the spherical way, code t is (sin((1 − t)ω) a + sin(tω) b) / sin ω, with the angle ω between both codes a and b.
    Codes that point in the same or in opposite directions have no such way, and go straight. Shoemake, "Animating
    rotation with quaternion curves", SIGGRAPH 1985; White, "Sampling generative networks", 2016.

    Args:
        first: codes at share 0, floating-point (B, …).
        last: codes at share 1, of the same shape.
        share: share of the way, in [0, 1].
        spherical: True for the spherical way, False for the straight one.

    >>> on_the_way(torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 2.0]]), 0.5, spherical=True)
    tensor([[1.4142, 1.4142]])
    """
    if share in (0, 1):
        return last if share else first
    straight = torch.lerp(first, last, share)
    if not spherical:
        return straight
    angle = torch.cosine_similarity(first.flatten(1), last.flatten(1), dim=1).clamp(-1, 1).acos()
    angle = angle.reshape(-1, *[1] * (first.ndim - 1))
    sine = angle.sin()
    curved = (((1 - share) * angle).sin() * first + (share * angle).sin() * last) / sine.clamp(min=_LEAST_SINE)
    return torch.where(sine > _LEAST_SINE, curved, straight)


def mean_of(codes: Sequence[Tensor], shares: Sequence[float]) -> Tensor:
    """Compute the weighted mean of codes.

    Args:
        codes: k tensors, each floating-point (B, …).
        shares: k weights, whose sum is 1.
    """
    total = shares[0] * codes[0]
    for code, share in zip(codes[1:], shares[1:], strict=True):
        total = total + share * code
    return total


def shared_classes(present: Tensor, classes: Tensor) -> Tensor:
    """Return the classes that have images with and images without an attribute.

    Args:
        present: bool (n,), True for images with the attribute.
        classes: classes of the images, int64 (n,).

    >>> shared_classes(torch.tensor([True, False, True]), torch.tensor([4, 4, 5]))
    tensor([4])
    """
    with_it = torch.unique(classes[present])
    shared: Tensor = with_it[torch.isin(with_it, classes[~present])]
    return shared


def effect(codes: Tensor, present: Tensor, classes: Tensor) -> Tensor:
    """Compute the direction of an attribute: the mean code of images with it minus that of images without it.

    The difference is taken within each class, and averaged with the weights n₁n₀ / (n₁ + n₀) of n₁ images with and n₀
    without it: the least-squares effect of the attribute beside a mean for each class.

    Args:
        codes: float32 (n, …).
        present: bool (n,), True for images with the attribute.
        classes: classes of the images, int64 (n,), of which at least one is shared.
    """
    total, weights = torch.zeros(codes.shape[1:], dtype=torch.float64, device="cpu"), 0.0
    for one in shared_classes(present, classes):
        with_it, without_it = codes[(classes == one) & present], codes[(classes == one) & ~present]
        weight = len(with_it) * len(without_it) / (len(with_it) + len(without_it))
        total += weight * (with_it.double().mean(0) - without_it.double().mean(0))
        weights += weight
    return (total / weights).float()


def climb(height: Callable[[Tensor], Tensor], codes: Tensor, steps: int) -> Tensor:
    """Move each code to where a height is larger, by gradient ascent with steps of normalised length.

    A step that leads higher is taken, and the next one is longer. Any other step is taken back, and the next one is
    shorter. So no code ends lower than it began.

    Args:
        height: a differentiable function of codes (B, …), which returns (B,).
        codes: codes to begin with, floating-point (B, …).
        steps: number of steps, at least 0.
    """
    best, dimensions = codes, codes[0].numel()
    top, slope = _slope(height, best)
    length = _FIRST_STEP * _lengths(codes).clamp(min=_FIRST_STEP * math.sqrt(dimensions))
    for _ in range(steps):
        tried = best + length * slope / _lengths(slope).clamp(min=torch.finfo(slope.dtype).tiny)
        found, slope_there = _slope(height, tried)
        higher = found > top
        rows = higher.reshape(length.shape)
        best, slope = torch.where(rows, tried, best), torch.where(rows, slope_there, slope)
        top, length = torch.where(higher, found, top), length * torch.where(rows, _LONGER, _SHORTER)
    return best


def _lengths(codes: Tensor) -> Tensor:
    """Return the lengths of codes, in a shape that divides them."""
    lengths: Tensor = torch.linalg.vector_norm(codes.flatten(1), dim=1)
    return lengths.reshape(-1, *[1] * (codes.ndim - 1))


def _slope(height: Callable[[Tensor], Tensor], codes: Tensor) -> tuple[Tensor, Tensor]:
    """Return heights, and their gradients in the codes."""
    with torch.enable_grad():
        codes = codes.detach().requires_grad_()
        heights = height(codes)
        (slope,) = torch.autograd.grad(heights.sum(), codes)
    return heights.detach(), slope
