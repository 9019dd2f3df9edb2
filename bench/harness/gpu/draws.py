"""Random parameters of each image of a batch, as arrays on its device, for libraries with batched operators.

Drawing on the device takes a handful of small launches, and no copy from the processor. Coordinates are counted in
pixels from the centre of the first one, so that the centre of an image of n pixels is (n - 1) / 2.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import torch

from augsynth.transforms.colour_maps import Palette
from harness.ops import Affine, Crop, Flip, Jitter, Range, ResizedCrop

MIDDLE = 128.0  # of the grey levels


def crop_windows(op: Crop, count: int, side: int, device: torch.device) -> torch.Tensor:
    """(n, 4) int32 of x, y, width and height of windows in images of `side` x `side`; in the margin x or y is < 0."""
    first, last = -op.padding, side + op.padding - op.size
    start = torch.randint(first, last + 1, (count, 2), dtype=torch.int32, device=device)
    return torch.cat([start, torch.full_like(start, op.size)], 1)


def flips(op: Flip, count: int, device: torch.device) -> torch.Tensor:
    """(n,) bool: which images are mirrored."""
    return torch.rand(count, device=device) < op.p


def resized_windows(op: ResizedCrop, count: int, side: int, device: torch.device) -> torch.Tensor:
    """(n, 4) of the first row and column of windows and those behind the last; longer sides are cut to `side`."""
    area = side**2 * _uniform(op.scale, count, device)
    ratio = _uniform((math.log(op.ratio[0]), math.log(op.ratio[1])), count, device).exp()
    sizes = torch.stack([area / ratio, area * ratio], 1).sqrt().round().clamp(1, side)
    start = (torch.rand(count, 2, device=device) * (side + 1 - sizes)).floor()
    return torch.cat([start, start + sizes], 1)


def inverse_maps(op: Affine, count: int, side: int, device: torch.device) -> torch.Tensor:
    """(n, 2, 3): from a place (x, y, 1) in the output to one in the source, both of `side` x `side`."""
    turn = torch.deg2rad(_uniform(op.degrees, count, device))
    scale = _uniform(op.scale, count, device)
    shear = torch.deg2rad(_uniform((-op.shear, op.shear), count, device)).tan()
    moved = side * _uniform((-op.translate, op.translate), (count, 2), device)
    cosine, sine = turn.cos() / scale, turn.sin() / scale
    linear = torch.stack([cosine - shear * sine, -sine - shear * cosine, sine, cosine], 1).view(-1, 2, 2)
    centre = (side - 1) / 2
    offset = centre - (linear * (centre + moved)[:, None]).sum(2)
    return torch.cat([linear, offset[:, :, None]], 2)


def colour_maps(op: Jitter, count: int, device: torch.device) -> torch.Tensor:
    """(n, 3, 4): from levels (red, green, blue, 1) to levels, contrast being about the middle of the grey levels."""
    brightness, contrast, saturation, hue = (
        _uniform(span, count, device) for span in (op.brightness, op.contrast, op.saturation, op.hue)
    )
    grey, chroma, turned = _colour_parts(device)
    along, across = saturation * (2 * math.pi * hue).cos(), saturation * (2 * math.pi * hue).sin()
    matrix = _each(brightness * contrast) * (grey + _each(along) * chroma + _each(across) * turned)
    offset = _each(MIDDLE * brightness * (1 - contrast)).expand(-1, 3, 1)
    changed = torch.rand(count, device=device) < op.p
    return torch.where(_each(changed), torch.cat([matrix, offset], 2), torch.eye(3, 4, device=device))


def _uniform(span: Range, shape: int | tuple[int, ...], device: torch.device) -> torch.Tensor:
    return span[0] + (span[1] - span[0]) * torch.rand(shape, device=device)


def _each(values: torch.Tensor) -> torch.Tensor:
    """Return a value for each of n matrices."""
    return values[:, None, None]


@cache
def _colour_parts(device: torch.device) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the grey of a colour, its chroma, and the chroma rotated by a right angle in the plane of YIQ."""
    palette = Palette.of(np.array([3]))
    found = palette.adjusted(saturation=0.0), palette.adjusted(turn=0.25)
    grey, turned = (torch.tensor(colour.matrix[0], dtype=torch.float32, device=device) for colour in found)
    return grey, torch.eye(3, device=device) - grey, turned - grey
