"""A random perspective, as if the picture were seen from another place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from augsynth.lowering import Geometry, Lowering, PerChannel
from augsynth.transforms.base import Draw, Transform
from augsynth.transforms.params import number, probability, sampling

Floats = npt.NDArray[np.float64]

# The corners of a picture, clockwise from the upper left, as fractions of its size.
_CORNERS = np.array([(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)])
# Three corners in one line would be no perspective any more.
_MOST = 0.999


@dataclass(frozen=True)
class RandomPerspective(Transform):
    """Move each corner inwards by up to `distortion_scale` of half the width and half the height, with probability `p`.

    The map is the projective one between the corners (Hartley & Zisserman 2004, ch. 4.1). As in torchvision the corners
    move independently, but by fractions of a pixel. Its scale changes from place to place, so it is not antialiased.

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

    def step(self, draw: Draw, seen: Lowering) -> Geometry:
        size = seen.sizes[:, None, ::-1].astype(np.float64)
        inwards = draw.u[:, 1:].reshape(-1, 4, 2) * (0.5 * _MOST * self.distortion_scale)
        corners = _CORNERS * size
        moved = corners + inwards * (1 - 2 * _CORNERS) * size
        inverse = np.where((draw.u[:, 0] < self.p)[:, None, None], projective(moved, corners), np.eye(3))
        return Geometry(inverse, seen.sizes, sampling(self.interpolation, False, self.border, self.fill))


def projective(points: Floats, images: Floats) -> Floats:
    """The maps (n, 3, 3) that take four points (n, 4, 2) each to their images (n, 4, 2)."""
    x, y = points[..., 0], points[..., 1]
    one, zero = np.ones_like(x), np.zeros_like(x)
    u, v = images[..., 0], images[..., 1]
    across = np.stack([x, y, one, zero, zero, zero, -u * x, -u * y], axis=-1)
    down = np.stack([zero, zero, zero, x, y, one, -v * x, -v * y], axis=-1)
    equations, right = np.concatenate([across, down], axis=1), np.concatenate([u, v], axis=1)
    solved = np.linalg.solve(equations, right[..., None])[..., 0]
    return np.concatenate([solved, np.ones((len(solved), 1))], axis=1).reshape(-1, 3, 3)
