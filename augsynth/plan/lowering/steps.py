"""The steps that transforms are lowered to: what is done to n samples, with each sample's own parameters.

They are named tuples, which take a third of the time to make that frozen dataclasses take: every call makes them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from augsynth._native.layout import Border, DType, Interpolation, NoiseKind
from augsynth.core.typing import Array, Bits, Floats, Ints, Mask
from augsynth.errors import ArgumentError

PerChannel = float | Sequence[float]


class FillValues(NamedTuple):
    """Fill missing values: those equal to `value`, or NaN where that is NaN, become uniform in [low, high).

    `low` and `high` are numbers or one a channel, in the image's units; with `by_mean` a channel's mean takes
    their place. `stream` (n, 4) keys the bits.
    """

    value: float
    low: PerChannel
    high: PerChannel
    stream: Bits
    by_mean: bool = False
    active: Mask | None = None


class Sampling(NamedTuple):
    """How a geometry step reads pixels; None where the step gives the same result with any choice.

    A step that moves whole pixels declares nothing, a step that never looks outside declares no border.
    """

    interpolation: Interpolation | None = None
    antialias: bool | None = None
    border: Border | None = None
    fill: PerChannel = 0.0


UNDECLARED = Sampling()


class Geometry(NamedTuple):
    """Resample: `inverse` (n, 3, 3) maps output to input coordinates, `sizes` (n, 2) are the outputs' (height, width).

    `keeps_frame` says that the output shows exactly what the input showed (a flip, a resize); `pads` that what lies
    outside the input must show the border, and never pixels that an earlier step had cut off; `projective` that the
    map has a horizon, which lies outside the output's frame.
    """

    inverse: Floats
    sizes: Ints
    sampling: Sampling = UNDECLARED
    keeps_frame: bool = False
    pads: bool = False
    projective: bool = False


class Displace(NamedTuple):
    """Move each pixel by a vector of its own: the output at p shows the input at p + d(p).

    d is the uniform cubic B-spline (`augsynth.plan.splines`) over a grid of at least 4x4 control points. `offsets`
    (n, rows, columns, 2), or a sequence of n such grids, are (x, y) in pixels. The first control point of a grid lies
    at `origin` (n, 2), and `spacing` (n, 2) is the distance of neighbours. The size stays.
    """

    offsets: Floats | Sequence[Floats]
    origin: Floats
    spacing: Floats
    sampling: Sampling
    active: Mask | None = None


class Operate(NamedTuple):
    """Do the operation `name` of `augsynth.whole_image` or `augsynth.core.points`.

    `parameters` hold one entry a sample, and `settings` are the same for all.

    An operation on single values is a lookup table for integer images, and so part of a pass. All others are barriers.
    A user's `function` stands in for the operation; `per_value` says that it maps values one by one, and
    `keeps_positions` that it moves no pixels.
    """

    name: str
    parameters: Mapping[str, Array] = {}
    settings: Mapping[str, Array] = {}
    function: Callable[..., Any] | None = None
    per_value: bool = False
    active: Mask | None = None
    keeps_positions: bool = False


class Lookup(NamedTuple):
    """Give each level of an integer image a new one: `tables` (n, levels)."""

    tables: npt.NDArray[np.uint16]
    active: Mask | None = None


class MapColours(NamedTuple):
    """Mix channels: v becomes matrix v + of_mean m + offset, clamped to [0, full scale].

    `matrix` and `of_mean` are (n, C, C) and `offset` (n, C), as fractions of the full scale; m are the means of the
    picture's channels.
    """

    matrix: Floats
    offset: Floats
    of_mean: Floats | None = None
    active: Mask | None = None


class AddNoise(NamedTuple):
    """Add noise: `stream` (n, 4) keys the bits, and `parameters` (n, k) are what numerics.md says for the kind.

    Those that are levels of an image, as most are, are given as fractions of the full scale.
    """

    kind: NoiseKind
    parameters: Floats
    stream: Bits
    clip: bool
    active: Mask | None = None


class Erase(NamedTuple):
    """Overwrite rectangles: `boxes` (m, 4) as top, left, bottom, right in pixels, in the images `samples` (m,).

    `fill` is a number or one a channel in the image's units, or None for noise, uniform over the full scale, whose bits
    `stream` (m, 4) keys.
    """

    samples: Ints
    boxes: Ints
    stream: Bits
    fill: PerChannel | None = 0.0
    active: Mask | None = None


class Standardise(NamedTuple):
    """(v - mean) / std for each channel; integer images are first divided by their full scale where `scale` is set."""

    mean: Sequence[float]
    std: Sequence[float]
    scale: bool


class Cast(NamedTuple):
    """Change the dtype; `scale` maps the full scale of one dtype to that of the other."""

    dtype: DType
    scale: bool


# What can be part of a pass, and all that transforms can be lowered to.
Fusible = FillValues | Geometry | Displace | Lookup | MapColours | AddNoise | Erase | Standardise | Cast
TransformStep = Fusible | Operate


def restricted(step: TransformStep, active: Mask, sizes: Ints) -> TransformStep:
    """The step for those samples that `active` (n,) names; the others stay as they are, of `sizes` (n, 2)."""
    if isinstance(step, (Standardise, Cast)):
        raise ArgumentError(
            "a change of the values' scale or dtype cannot be left to chance, as a batch has one dtype: "
            "put Normalize and ToDtype outside of RandomApply and RandomChoice"
        )
    if isinstance(step, Geometry):
        inverse = np.where(active[:, None, None], step.inverse, np.eye(3))
        return step._replace(inverse=inverse, sizes=np.where(active[:, None], step.sizes, sizes))
    return step._replace(active=active if step.active is None else step.active & active)
