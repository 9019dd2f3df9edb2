"""Elastic deformation: every pixel is displaced by a random field that is smooth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from augsynth import _native
from augsynth.core.rng import normal_of
from augsynth.core.typing import Bits, Floats, Ints
from augsynth.errors import ArgumentError, shown
from augsynth.plan.lowering import Displace, ImageInfo, PerChannel
from augsynth.transforms.contract import Draw, Transform
from augsynth.transforms.draw import STREAM_WORDS
from augsynth.transforms.params import number, sampling

Pair = tuple[float, float]

# Uniform noise between -1 and 1 has this standard deviation.
_UNIFORM_DEVIATION = 1 / math.sqrt(3)
# The cubic B-spline of this spacing is as wide as a normal kernel: their variances are 1/3 of the spacing's square.
_COARSEST = math.sqrt(3)
_FINEST = 0.5
_LARGEST = 2.0**20
_NEGLIGIBLE = 1e-9
# Words for the samples' noise stream and for the two numbers of `draws` come before those of the grid.
_FIRST_WORD = STREAM_WORDS + 4
MOST_CONTROL_POINTS = 2**18 - _FIRST_WORD
# The B-spline of degree 7 at 0, 1, 2 and 3: the autocorrelation of the cubic one.
_AUTOCORRELATION = (2416 / 5040, 1191 / 5040, 120 / 5040, 1 / 5040)


@dataclass(frozen=True)
class ElasticTransform(Transform):
    """Displace every pixel by a random field that is smooth, as an elastic sheet gives way.

    The field has the strength and the smoothness of torchvision's: white noise, uniform between -1 and 1, blurred with
    a normal kernel of `sigma` pixels and multiplied by `alpha` / 2. It is a cubic B-spline over a grid of control
    points, which are normal variates of the key. So it is part of a pass, it is the same for every batch, and boxes,
    masks and keypoints follow it. `docs/transforms.md` says how near the two fields are, and when a field folds the
    picture, so that boxes and keypoints cannot follow it.

    Args:
        alpha: strength, at least 0; a number, or (x, y). Displacements along x have a standard deviation of
            alpha / (4 sigma sqrt(3 pi)) pixels, 0.81 by default; 0 leaves the image as it is, bit for bit.
        sigma: smoothness in pixels, greater than 0; a number, or (along x, along y). The autocorrelation of the field
            is exp(-r² / (4 sigma²)) at a distance of r pixels.
        interpolation: "nearest", "bilinear" or "bicubic".
        fill: number or one a channel for what lies outside of the image, with the border "constant".
        border: "constant", "replicate", "reflect", "reflect101" or "wrap".
        spacing: pixels between control points, sigma / 2 to sqrt(3) sigma; a number, or (x, y). None stands for
            sqrt(3) sigma. A finer grid is nearer to torchvision's field, and takes longer to draw.

    >>> import numpy as np
    >>> image = np.zeros((24, 32, 3), np.uint8)
    >>> ElasticTransform(alpha=30.0, sigma=4.0)(image).shape
    torch.Size([3, 24, 32])
    """

    alpha: float | Sequence[float] = 50.0
    sigma: float | Sequence[float] = 5.0
    interpolation: str = "bilinear"
    fill: PerChannel = 0.0
    border: str = "constant"
    spacing: float | Sequence[float] | None = None
    draws: ClassVar[int] = 2

    def check(self) -> None:
        _pair(self.alpha, "alpha")
        if min(_pair(self.sigma, "sigma")) == 0:
            raise ArgumentError(f"sigma must be greater than 0, got {shown(self.sigma)}")
        for spacing, sigma in zip(self._spacing(), _pair(self.sigma, "sigma"), strict=True):
            if not _FINEST * sigma <= spacing <= _COARSEST * sigma:
                raise ArgumentError(
                    f"spacing must be in [{_FINEST * sigma:g}, {_COARSEST * sigma:g}] for a sigma of {sigma:g}, got "
                    f"{shown(self.spacing)}"
                )
        sampling(self.interpolation, None, self.border, self.fill)

    def step(self, draw: Draw, images: ImageInfo) -> Displace:
        alpha, sigma, spacing = _pair(self.alpha, "alpha"), _pair(self.sigma, "sigma"), np.array(self._spacing())
        kernels = [_smoothing(*pair) for pair in zip(sigma, spacing.tolist(), strict=True)]
        # The grid begins anywhere in a cell, so that all points of an image are alike.
        origins = -(1.0 + draw.u) * spacing
        counts = np.ceil(images.sizes / spacing[::-1]).astype(np.int64) + 4
        normals = _normals(draw, counts + np.array([len(kernel) - 1 for kernel in kernels[::-1]]), images.sizes)
        strength = math.prod(map(_blurred, sigma)) / math.prod(map(_deviation, kernels))
        deviations = np.array(alpha) / 2 * _UNIFORM_DEVIATION * strength
        grids = [_smoothed(_smoothed(grid, kernels[1], 0), kernels[0], 1) * deviations for grid in normals]
        active = np.full(len(images), max(alpha) > 0)
        declared = sampling(self.interpolation, None, self.border, self.fill)
        return Displace(grids, origins, np.tile(spacing, (len(images), 1)), declared, active)

    def _spacing(self) -> Pair:
        if self.spacing is not None:
            return _pair(self.spacing, "spacing")
        x, y = _pair(self.sigma, "sigma")
        return _COARSEST * x, _COARSEST * y


def _pair(value: float | Sequence[float], name: str) -> Pair:
    """Return (x, y), two numbers in [0, 2**20]; a single number, alone or in a sequence, is used for both."""
    given = value if isinstance(value, (tuple, list)) else (value,)
    if len(given) not in (1, 2):
        raise ArgumentError(f"{name} must be a number or (x, y), got {shown(value)}")
    first, last = (number(entry, name, 0.0, _LARGEST) for entry in (given[0], given[-1]))
    return first, last


def _normals(draw: Draw, counts: Ints, sizes: Ints) -> list[Floats]:
    """Return normal variates (rows, columns, 2) for each sample; `counts` (n, 2) are its rows and columns."""
    totals = counts.prod(axis=1)
    largest = int(totals.max(initial=0))
    if largest > MOST_CONTROL_POINTS:
        sample = int(totals.argmax())
        rows, columns = counts[sample].tolist()
        raise ArgumentError(
            f"ElasticTransform would need {rows}x{columns} control points for an image of "
            f"{sizes[sample, 0]}x{sizes[sample, 1]} pixels, and {MOST_CONTROL_POINTS} are possible: use a larger sigma "
            "or spacing, or make the image smaller before it"
        )
    words: Bits = _native.draw_bits(draw.keys, draw.op, _FIRST_WORD + largest)[:, _FIRST_WORD:]
    normals = normal_of(np.stack([words & 0xFFFF, words >> 16], axis=-1))
    shapes = zip(normals, totals.tolist(), counts.tolist(), strict=True)
    return [drawn[:total].reshape(*count, 2) for drawn, total, count in shapes]


def _blurred(sigma: float) -> float:
    """The standard deviation that a normal kernel along one axis leaves of white noise with a deviation of 1."""
    if sigma >= 1:
        return math.sqrt(1 / (2 * math.sqrt(math.pi) * sigma))  # as a sum over pixels to five digits
    kernel = [math.exp(-((offset / sigma) ** 2) / 2) for offset in range(-8, 9)]
    return math.sqrt(math.fsum(weight**2 for weight in kernel)) / math.fsum(kernel)


@lru_cache
def _smoothing(sigma: float, spacing: float) -> tuple[float, ...]:
    """The kernel over control points that makes their B-spline as wide as a normal kernel of `sigma` pixels.

    It is binomial, with a last factor that gives it its exact variance.
    """
    variance = max((sigma / spacing) ** 2 - 1 / 3, 0.0)
    kernel: tuple[float, ...] = (1.0,)
    for _ in range(math.floor(2 * variance)):
        kernel = _convolved(kernel, (0.25, 0.5, 0.25))
    rest = variance - math.floor(2 * variance) / 2
    return kernel if rest < _NEGLIGIBLE else _convolved(kernel, (rest / 2, 1 - rest, rest / 2))


def _convolved(first: tuple[float, ...], last: tuple[float, ...]) -> tuple[float, ...]:
    sums = [0.0] * (len(first) + len(last) - 1)
    for i, a in enumerate(first):
        for j, b in enumerate(last):
            sums[i + j] += a * b
    return tuple(sums)


@lru_cache
def _deviation(kernel: tuple[float, ...]) -> float:
    """The standard deviation along one axis of the B-spline over smoothed normal variates, at any point."""
    lags = _convolved(kernel, kernel[::-1])
    middle = len(kernel) - 1
    near = range(-min(3, middle), min(3, middle) + 1)
    return math.sqrt(math.fsum(lags[middle + lag] * _AUTOCORRELATION[abs(lag)] for lag in near))


def _smoothed(grid: Floats, kernel: tuple[float, ...], axis: int) -> Floats:
    """The grid without the ends that the kernel needs; each sum is made in one order, whatever the processor."""
    if len(kernel) == 1:
        return grid
    moved = np.moveaxis(grid, axis, 0)
    count = len(moved) - len(kernel) + 1
    total = kernel[0] * moved[:count]
    for offset, weight in enumerate(kernel[1:], 1):
        total = total + weight * moved[offset : offset + count]
    return np.moveaxis(total, 0, axis)
