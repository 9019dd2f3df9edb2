"""A random perspective, as if the picture were seen from another place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from augsynth.core.typing import Floats
from augsynth.plan.lowering import Geometry, ImageInfo, PerChannel
from augsynth.transforms.contract import Draw, Transform
from augsynth.transforms.params import number, probability, sampling

# The corners of a picture, clockwise from the upper left, as fractions of its size.
_CORNERS = np.array([(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)])
# Three corners in one line would be no perspective any more.
_MOST = 0.999
# No corner is seen from this many times as far as another, so that the horizon stays out of the picture.
_FARTHEST = 20.0


@dataclass(frozen=True)
class RandomPerspective(Transform):
    """Move each corner inwards by up to `distortion_scale` of half the width and half the height, with probability `p`.

    The map is the projective one between the corners (Hartley & Zisserman 2004, ch. 4.1). As in torchvision the corners
    move independently, but by fractions of a pixel. Where that would bring the horizon into the picture, as it hardly
    ever does up to a scale of 0.5, and for six in ten pictures at 1, they move half as far, or less if need be. The
    map's own scale changes from place to place, so it is not antialiased.

    >>> import numpy as np
    >>> RandomPerspective(0.5, p=1.0)(np.zeros((4, 6, 3), np.uint8)).shape
    torch.Size([3, 4, 6])
    """

    distortion_scale: float = 0.5
    p: float = 0.5
    interpolation: str = "bilinear"
    fill: PerChannel = 0.0
    border: str = "constant"
    draws: ClassVar[int] = 9

    def check(self) -> None:
        number(self.distortion_scale, "distortion_scale", 0.0, 1.0)
        probability(self.p)
        sampling(self.interpolation, False, self.border, self.fill)

    def step(self, draw: Draw, images: ImageInfo) -> Geometry:
        size = images.sizes[:, None, ::-1].astype(np.float64)
        inwards = draw.u[:, 1:].reshape(-1, 4, 2) * (0.5 * _MOST * self.distortion_scale)
        inverse = _seen_from(inwards, size)
        while (hidden := _has_horizon(inverse, size)).any():
            inwards[hidden] /= 2
            inverse[hidden] = _seen_from(inwards[hidden], size[hidden])
        inverse[draw.u[:, 0] >= self.p] = np.eye(3)
        declared = sampling(self.interpolation, False, self.border, self.fill)
        return Geometry(inverse, images.sizes, declared, projective=True)


def _seen_from(inwards: Floats, size: Floats) -> Floats:
    """The maps (n, 3, 3) back to the frames of `size` (n, 1, 2) from corners moved by `inwards` (n, 4, 2) of them."""
    corners = _CORNERS * size
    return projective(corners + inwards * (1 - 2 * _CORNERS) * size, corners)


def _has_horizon(inverse: Floats, size: Floats) -> npt.NDArray[np.bool_]:
    depths = (_CORNERS * size) @ inverse[:, 2, :2, None] + inverse[:, 2:, 2:]
    hidden: npt.NDArray[np.bool_] = depths.min(axis=(1, 2)) * _FARTHEST <= np.abs(depths).max(axis=(1, 2))
    return hidden


def projective(points: Floats, images: Floats) -> Floats:
    """The maps (n, 3, 3) that take four points (n, 4, 2) each to their images (n, 4, 2)."""
    x, y = points[..., 0], points[..., 1]
    ones, zeros = np.ones_like(x), np.zeros_like(x)
    u, v = images[..., 0], images[..., 1]
    across = np.stack([x, y, ones, zeros, zeros, zeros, -u * x, -u * y], axis=-1)
    down = np.stack([zeros, zeros, zeros, x, y, ones, -v * x, -v * y], axis=-1)
    equations, right = np.concatenate([across, down], axis=1), np.concatenate([u, v], axis=1)
    solved = np.linalg.solve(equations, right[..., None])[..., 0]
    return np.concatenate([solved, np.ones((len(solved), 1))], axis=1).reshape(-1, 3, 3)
