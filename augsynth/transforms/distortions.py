"""Distortions: curved maps of the whole frame, by a grid, a lens or a thin plate. Each is a displacement of a pass.

All have their control points at the same places of the frame, whatever its size: the first and the last of the knots
lie on its edges.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from augsynth.core.typing import Floats, Mask
from augsynth.errors import ArgumentError
from augsynth.plan.lowering import Displace, ImageInfo, PerChannel, Sampling
from augsynth.plan.splines import CONTROLS_BEYOND, controls_through
from augsynth.transforms.contract import Draw, Transform
from augsynth.transforms.params import Range, integer, interval, number, probability, resampled, span

_MOST_STEPS = 256
_LARGEST_LIMIT = 0.9  # the narrowest cell is then more than a twentieth as wide as the mean one
_LENS_CELLS = 20
_LEAST_SLOPE = 0.1  # of the radius that a lens shows, where 0 would be a fold
_MOST_PLATE_POINTS = 10
_PLATE_CELLS = 8  # between neighbouring points of a thin plate
_LARGEST_JITTER = 0.5


@dataclass(frozen=True)
class GridDistortion(Transform):
    """Widen and narrow the columns and the rows of a grid, at random.

    Albumentations' `GridDistortion`, with two differences: columns pass into one another smoothly, as a cubic B-spline,
    and the edges of the frame stay where they are (there: `normalized=True`). The map never folds: a cell is at least
    (1 + lowest) / (1 + highest) times as wide as it was.

    Args:
        num_steps: the number of columns, and of rows, 2 to 256; 5 by default.
        distort_limit: the change of a cell's width before all are scaled to fit the frame, -0.9 to 0.9: a pair (lowest,
            highest), or a number d for (-d, d); 0.3 by default.
        interpolation: "nearest", "bilinear" (the default) or "bicubic".
        fill: the level of a constant border, in the image's units: a number, or one for each channel; 0 by default.
        border: the values outside the image: "constant" (the default), "replicate", "reflect", "reflect101" or "wrap".
        p: the probability, 0 to 1; 0.5 by default.

    >>> import numpy as np
    >>> GridDistortion(5, 0.5, p=1.0)(np.zeros((24, 32, 3), np.uint8)).shape
    torch.Size([3, 24, 32])
    """

    num_steps: int = 5
    distort_limit: Range = 0.3
    interpolation: str = "bilinear"
    fill: PerChannel = 0.0
    border: str = "constant"
    p: float = 0.5

    @property
    def draws(self) -> int:  # type: ignore[override]
        """One number for each column and row, and one for chance."""
        return 1 + 2 * self.num_steps

    def check(self) -> None:
        integer(self.num_steps, "num_steps", 2, _MOST_STEPS)
        self._limits()
        resampled(self.interpolation, None, self.border, self.fill)
        probability(self.p)

    def step(self, draw: Draw, images: ImageInfo) -> Displace:
        low, high = self._limits()
        widths = 1 + low + (high - low) * draw.u[:, 1:].reshape(len(images), 2, self.num_steps)
        offsets = np.cumsum(widths / widths.mean(axis=2, keepdims=True) - 1, axis=2)
        knots = np.concatenate([0 * offsets[..., :1], offsets], axis=2)
        knots[..., -1] = 0.0
        controls = np.concatenate([-knots[..., 1:2], knots, -knots[..., -2:-1]], axis=2)
        grids = np.stack(np.broadcast_arrays(controls[:, 0, None], controls[:, 1, :, None]), axis=-1)
        pixels = grids * images.sizes[:, None, None, ::-1] / self.num_steps
        reads = resampled(self.interpolation, None, self.border, self.fill)
        return _displacing(pixels, images, reads, (draw.u[:, 0] < self.p) & (low < high))

    def _limits(self) -> tuple[float, float]:
        if isinstance(self.distort_limit, tuple):
            return interval(self.distort_limit, "distort_limit", -_LARGEST_LIMIT, _LARGEST_LIMIT)
        bound = number(self.distort_limit, "distort_limit", 0.0, _LARGEST_LIMIT)
        return -bound, bound


@dataclass(frozen=True)
class LensDistortion(Transform):
    """Show the image as through a lens: barrel or pincushion, at random.

    The radial model of OpenCV (Brown 1966): the output at p shows the input at c + (p - c) (1 + k1 r² + k2 r⁴). c is
    the middle of the frame, and r the distance from it, 1 at the corners: they move by the share k1 + k2. OpenCV's
    coefficients at a focal length of f pixels become k1 (d / f)² and k2 (d / f)⁴ here, d being half the diagonal.
    Positive coefficients shrink the edges (barrel) and show the border, negative ones magnify them (pincushion). The
    displacement is within 0.015 pixels of the model for |k2| up to 1 and 1,000 pixels.

    A lens whose map folds is an error: 1 + 3 k1 r² + 5 k2 r⁴ must be at least 0.1 for every r up to 1.

    Args:
        k1: the quadratic coefficient: a number, or a pair to draw from; (-0.2, 0.2) by default.
        k2: the coefficient of fourth order, as `k1`; 0 by default.
        interpolation: "nearest", "bilinear" (the default) or "bicubic".
        fill: the level of a constant border, in the image's units: a number, or one for each channel; 0 by default.
        border: the values outside the image: "constant" (the default), "replicate", "reflect", "reflect101" or "wrap".
        p: the probability, 0 to 1; 0.5 by default.

    >>> import numpy as np
    >>> LensDistortion(0.2, p=1.0)(np.full((9, 9), 100, np.uint8))[0, 0].tolist()
    [14, 51, 60, 66, 68, 66, 60, 51, 14]
    """

    k1: Range = (-0.2, 0.2)
    k2: Range = 0.0
    interpolation: str = "bilinear"
    fill: PerChannel = 0.0
    border: str = "constant"
    p: float = 0.5
    draws: ClassVar[int] = 3

    def check(self) -> None:
        # The slope of the radius is least for the lowest coefficients, at the ends or at the middle of its parabola.
        k1, k2 = span(self.k1, "k1", -10.0, 10.0)[0], span(self.k2, "k2", -10.0, 10.0)[0]
        turning = min(max(-3 * k1 / (10 * k2), 0.0), 1.0) if k2 else 0.0
        slope = min(1 + 3 * k1 * t + 5 * k2 * t**2 for t in (0.0, turning, 1.0))
        if slope < _LEAST_SLOPE:
            raise ArgumentError(
                f"k1={self.k1!r} and k2={self.k2!r} may fold the image: 1 + 3 k1 r² + 5 k2 r⁴ must be at least "
                f"{_LEAST_SLOPE:g} for every r in [0, 1], and goes down to {slope:.3g}; use higher coefficients"
            )
        resampled(self.interpolation, None, self.border, self.fill)
        probability(self.p)

    def step(self, draw: Draw, images: ImageInfo) -> Displace:
        k1, k2 = draw.between(1, *span(self.k1, "k1")), draw.between(2, *span(self.k2, "k2"))
        sizes = images.sizes[:, None, None, ::-1]
        places = (_places(_LENS_CELLS, CONTROLS_BEYOND) - 0.5) * sizes
        squares = 4 * (places**2).sum(axis=-1, keepdims=True) / (sizes**2).sum(axis=-1, keepdims=True)
        moved = places * squares * (k1[:, None, None, None] + k2[:, None, None, None] * squares)
        reads = resampled(self.interpolation, None, self.border, self.fill)
        return _displacing(controls_through(moved), images, reads, (draw.u[:, 0] < self.p) & ((k1 != 0) | (k2 != 0)))


@dataclass(frozen=True)
class ThinPlateSpline(Transform):
    """Move the points of a grid at random, and all between them as a thin plate bends.

    The map is Bookstein's spline (IEEE Transactions on Pattern Analysis and Machine Intelligence 11, 1989, 567):
    of all maps that move the points alike, it bends least. Albumentations' `ThinPlateSpline` draws normal offsets;
    here they are uniform in a disc, so that they have a bound. The displacement is a cubic B-spline, which differs from
    the plate's by at most 0.5 % of the largest offset.

    Up to a `scale` of 0.24, no draw folds the map. Above, boxes, keypoints and polygons of samples whose map may fold
    are refused; images and masks never are.

    Args:
        scale: the radius of the disc of offsets, a share of the distance between neighbouring points along the shorter
            side, 0 to 0.5: a number, or a pair to draw from; 0.2 by default.
        num_control_points: the number of points along each side, 2 to 10; 4 by default. The outer ones lie on the edges
            of the frame.
        interpolation: "nearest", "bilinear" (the default) or "bicubic".
        fill: the level of a constant border, in the image's units: a number, or one for each channel; 0 by default.
        border: the values outside the image: "constant" (the default), "replicate", "reflect", "reflect101" or "wrap".
        p: the probability, 0 to 1; 0.5 by default.

    >>> import numpy as np
    >>> ThinPlateSpline(0.2, p=1.0)(np.zeros((24, 32, 3), np.uint8)).shape
    torch.Size([3, 24, 32])
    """

    scale: Range = 0.2
    num_control_points: int = 4
    interpolation: str = "bilinear"
    fill: PerChannel = 0.0
    border: str = "constant"
    p: float = 0.5

    @property
    def draws(self) -> int:  # type: ignore[override]
        """Two numbers for each control point, one for the scale and one for chance."""
        return 2 + 2 * self.num_control_points**2

    def check(self) -> None:
        span(self.scale, "scale", 0.0, _LARGEST_JITTER)
        integer(self.num_control_points, "num_control_points", 2, _MOST_PLATE_POINTS)
        resampled(self.interpolation, None, self.border, self.fill)
        probability(self.p)

    def step(self, draw: Draw, images: ImageInfo) -> Displace:
        scale = draw.between(1, *span(self.scale, "scale"))
        radii = np.sqrt(draw.u[:, 2::2]) * (scale * images.sizes.min(axis=1) / (self.num_control_points - 1))[:, None]
        angles = 2 * np.pi * draw.u[:, 3::2]
        offsets = np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=-1)
        plate = _plate(self.num_control_points)
        grids = np.zeros((len(images), *plate.shape[:2], 2))
        for point in range(plate.shape[2]):  # in one order, whatever the processor
            grids += plate[None, :, :, point, None] * offsets[:, None, None, point]
        reads = resampled(self.interpolation, None, self.border, self.fill)
        return _displacing(grids, images, reads, (draw.u[:, 0] < self.p) & (scale > 0))


def _displacing(grids: Floats, images: ImageInfo, reads: Sampling, active: Mask) -> Displace:
    """The step of grids (n, count, count, 2) of control points whose outer knots are the edges of the frame."""
    spacing = images.sizes[:, ::-1] / (grids.shape[1] - 3)
    return Displace(grids, -spacing, spacing, reads, active)


def _places(cells: int, beyond: int = 0) -> Floats:
    """The places (count, count, 2) of control points over [0, 1]², and of `beyond` more at each end."""
    along = np.arange(-1 - beyond, cells + 2 + beyond) / cells
    places: Floats = np.stack(np.meshgrid(along, along), axis=-1)
    return places


@lru_cache
def _plate(count: int) -> Floats:
    """The control points ((count - 1) * 8 + 3, …, count²) of the plates that move one of `count` x `count` points by 1.

    Bookstein's equations for points over [0, 1]²: a map is affine, plus r² log r of the distance from each point.
    """
    along = np.linspace(0.0, 1.0, count)
    points = np.stack(np.meshgrid(along, along), axis=-1).reshape(-1, 2)
    affine = np.concatenate([np.ones((len(points), 1)), points], axis=1)
    equations = np.block([[_bending(points, points), affine], [affine.T, np.zeros((3, 3))]])
    weights = np.linalg.solve(equations, np.eye(len(equations), len(points)))
    places = _places(_PLATE_CELLS * (count - 1), CONTROLS_BEYOND)
    terms = [_bending(places, points), np.ones((*places.shape[:2], 1)), places]
    # Solvers of different processors round differently, and plans must not.
    plate: Floats = controls_through(np.concatenate(terms, axis=-1) @ weights).round(12)
    return plate


def _bending(places: Floats, points: Floats) -> Floats:
    """r² log r (..., n) of the distances r of places (..., 2) from points (n, 2)."""
    squares = ((places[..., None, :] - points) ** 2).sum(axis=-1)
    bending: Floats = squares * np.log(np.where(squares > 0, squares, 1.0)) / 2
    return bending
