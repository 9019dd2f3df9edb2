"""A random perspective, as if the picture were seen from another place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from augsynth.core.typing import Floats
from augsynth.plan.lowering import Geometry, ImageInfo, PerChannel
from augsynth.transforms.contract import Draw, Transform
from augsynth.transforms.params import number, probability, resampled

# The corners of a picture, clockwise from the upper left, as fractions of its size.
_CORNERS = np.array([(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)])
# Three corners in one line would be no perspective any more.
_MOST = 0.999
# No corner is seen from this many times as far as another, so that the horizon stays out of the picture.
_FARTHEST = 20.0


@dataclass(frozen=True)
class RandomPerspective(Transform):
    """Move the four corners inwards by random distances, and map the image accordingly.

    The map is the projective one between the corners (Hartley & Zisserman 2004, ch. 4.1). As in torchvision, the
    corners move independently, but by fractions of a pixel. If the horizon would be in the picture, the distances are
    halved until it is not. This hardly ever happens up to a `distortion_scale` of 0.5, and for six in ten images at 1.
    The scale of the map changes within the image, so the map is not antialiased.

    Args:
        distortion_scale: the largest distance, as a fraction of half the width and half the height, 0 to 1; 0.5 by
            default.
        p: the probability, 0 to 1; 0.5 by default.
        interpolation: "nearest", "bilinear" (the default) or "bicubic".
        fill: the level of a constant border, in the image's units: a number, or one for each channel; 0 by default.
        border: the values outside the image: "constant" (the default), "replicate", "reflect", "reflect101" or "wrap".

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
        resampled(self.interpolation, False, self.border, self.fill)

    def step(self, draw: Draw, images: ImageInfo) -> Geometry:
        size = images.sizes[:, None, ::-1].astype(np.float64)
        inwards = draw.u[:, 1:].reshape(-1, 4, 2) * (0.5 * _MOST * self.distortion_scale)
        inverse = _seen_from(inwards, size)
        while (hidden := _has_horizon(inverse, size)).any():
            inwards[hidden] /= 2
            inverse[hidden] = _seen_from(inwards[hidden], size[hidden])
        inverse[draw.u[:, 0] >= self.p] = np.eye(3)
        declared = resampled(self.interpolation, False, self.border, self.fill)
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
