"""Differentiable augmentation of what the discriminator sees.

Zhao, Liu, Lin, Zhu & Han, "Differentiable augmentation for data-efficient GAN training", NeurIPS 2020: real and fake
images are both distorted at random, and the generator learns through the distortion. The discriminator can then not
learn the few real images by heart, and the generator is still asked for undistorted ones.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

PARAMETERS = 5
"""Random numbers an image takes: angle, log scale, shear, and the two shifts."""

_LIMITS = (math.radians(12), 0.12, 0.15, 0.1, 0.1)
"""At strength 1: 12 degrees, a factor exp(0.12), a shear of 0.15, shifts by a tenth of the side."""


def draw_maps(uniform: Tensor, strength: float, height: int, width: int) -> Tensor:
    """Turn numbers in [0, 1), `(B, 5)`, into affine maps from output to input, `(B, 2, 3)`, for `warp`.

    Each parameter is uniform within `strength` times its limit, both signs alike; at strength 0 all maps are the
    identity. Coordinates are torch's, −1 to 1 along each side; angles are those of the pixel grid, also where
    `height` and `width` differ.
    """
    limits = torch.tensor(_LIMITS, device=uniform.device)
    angle, log_scale, shear, shift_x, shift_y = ((2 * uniform - 1) * limits * strength).unbind(1)
    scale = log_scale.exp()
    cos, sin = scale * angle.cos(), scale * angle.sin()
    across = (shear * cos - sin) * (height / width)
    down = shear * sin + cos
    rows = [cos, across, 2 * shift_x, sin * (width / height), down, 2 * shift_y]
    return torch.stack(rows, dim=1).view(-1, 2, 3)


def warp(images: Tensor, maps: Tensor) -> Tensor:
    """Resample images `(B, C, H, W)` bilinearly along affine `maps` `(B, 2, 3)`; edge pixels are repeated outside.

    Differentiable in the images.
    """
    grid = F.affine_grid(maps, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)
