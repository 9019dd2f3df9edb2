"""The steps of transforms: the work on the n samples of a batch, with each sample's own parameters.

They are named tuples, because every call makes some, and frozen dataclasses take three times as long to make.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from augsynth._native.layout import Border, DType, Interpolation, NoiseKind
from augsynth.core.typing import Array, Bits, Floats, Ints, Mask
from augsynth.errors import ArgumentError
from augsynth.whole_image import OPERATIONS

PerChannel = float | Sequence[float]


class FillValues(NamedTuple):
    """Replace missing values by values that are uniform in [low, high), or by the channel's mean.

    Args:
        value: the value that marks missing pixels; NaN for NaN.
        low: the lower bound, in the images' units: a number, or one for each channel.
        high: the upper bound, as `low`.
        stream: (n, 4), words that key the random bits.
        by_mean: True puts the channel's mean instead; False by default.
        active: bool (n,), the samples that the step changes; None (the default) for all.
    """

    value: float
    low: PerChannel
    high: PerChannel
    stream: Bits
    by_mean: bool = False
    active: Mask | None = None


class Sampling(NamedTuple):
    """The declaration of how a geometry step reads pixels; None for a choice that makes no difference.

    A step that moves whole pixels has no interpolation, and a step that never looks outside has no border.

    Args:
        interpolation: nearest, bilinear or bicubic.
        antialias: True widens the filter where the image becomes smaller.
        border: the values outside the image.
        fill: the level of a constant border, in the images' units: a number, or one for each channel; 0 by default.
    """

    interpolation: Interpolation | None = None
    antialias: bool | None = None
    border: Border | None = None
    fill: PerChannel = 0.0


UNDECLARED = Sampling()


class Geometry(NamedTuple):
    """Resample the images.

    Args:
        inverse: (n, 3, 3), maps from output to input coordinates.
        sizes: (n, 2), height and width of each output in pixels.
        sampling: the declaration of how pixels are read; by default nothing is declared.
        keeps_frame: True if the output shows exactly the area that the input showed, as a flip or a resize does.
        pads: True if the area outside the input must show the border, and not pixels that an earlier step cut off.
        projective: True if the map has a horizon; it lies outside the output's frame.
    """

    inverse: Floats
    sizes: Ints
    sampling: Sampling = UNDECLARED
    keeps_frame: bool = False
    pads: bool = False
    projective: bool = False


class Displace(NamedTuple):
    """Move each pixel by a vector of its own: the output at p shows the input at p + d(p).

    d is the uniform cubic B-spline (`augsynth.plan.splines`) over a grid of control points. The size stays.

    Args:
        offsets: the control points (n, rows, columns, 2), at least 4x4 for each sample, or a sequence of n such grids:
            (x, y) in pixels.
        origin: (n, 2), the position (x, y) of the first control point, in pixels.
        spacing: (n, 2), the distance (x, y) of neighbours, in pixels.
        sampling: the declaration of how pixels are read.
        active: bool (n,), the samples that the step changes; None (the default) for all.
    """

    offsets: Floats | Sequence[Floats]
    origin: Floats
    spacing: Floats
    sampling: Sampling
    active: Mask | None = None


class Operate(NamedTuple):
    """Do a named operation. It is a lookup table for single values of integer images, and otherwise a barrier.

    Args:
        name: the name of an operation of `augsynth.whole_image` or `augsynth.core.points`.
        parameters: arrays with one entry for each sample, by the operation's parameter names.
        settings: values that are the same for all samples, by the operation's parameter names.
        function: a user's function, which takes the operation's place; None by default.
        per_value: True if `function` maps values one by one.
        active: bool (n,), the samples that the step changes; None (the default) for all.
        keeps_positions: True if `function` moves no pixels.
    """

    name: str
    parameters: Mapping[str, Array] = {}
    settings: Mapping[str, Array] = {}
    function: Callable[..., Any] | None = None
    per_value: bool = False
    active: Mask | None = None
    keeps_positions: bool = False


class Lookup(NamedTuple):
    """Replace each level of an integer image by another.

    Args:
        tables: (n, levels), the new level of each level.
        active: bool (n,), the samples that the step changes; None (the default) for all.
    """

    tables: npt.NDArray[np.uint16]
    active: Mask | None = None


class MapColours(NamedTuple):
    """Mix channels: v becomes matrix v + of_mean m + offset; m are the channels' means.

    Args:
        matrix: (n, C, C).
        offset: (n, C), as fractions of the full scale.
        of_mean: (n, C, C); None (the default) for 0.
        active: bool (n,), the samples that the step changes; None (the default) for all.
        clip: True (the default) clamps the result to [0, full scale]; integer images are always clamped.
    """

    matrix: Floats
    offset: Floats
    of_mean: Floats | None = None
    active: Mask | None = None
    clip: bool = True


class AddNoise(NamedTuple):
    """Add noise.

    Args:
        kind: the kind of noise.
        parameters: (n, k), the parameters of that kind in docs/design/numerics.md; levels of an image are fractions of
            the full scale.
        stream: (n, 4), words that key the random bits.
        clip: True clamps the result to the full scale.
        active: bool (n,), the samples that the step changes; None (the default) for all.
    """

    kind: NoiseKind
    parameters: Floats
    stream: Bits
    clip: bool
    active: Mask | None = None


class Erase(NamedTuple):
    """Overwrite rectangles.

    Args:
        samples: (m,), the image of each rectangle, from 0 to n - 1.
        boxes: (m, 4), as top, left, bottom, right in pixels.
        stream: (m, 4), words that key the random bits.
        fill: a level in the images' units: a number, or one for each channel; None for noise that is uniform over the
            full scale. 0 by default.
        active: bool (n,), the samples that the step changes; None (the default) for all.
    """

    samples: Ints
    boxes: Ints
    stream: Bits
    fill: PerChannel | None = 0.0
    active: Mask | None = None


class Standardise(NamedTuple):
    """Standardise each channel: (v - mean) / std.

    Args:
        mean: one number for each channel, or one for all.
        std: as `mean`, above 0.
        scale: True first divides integer images by their full scale.
    """

    mean: Sequence[float]
    std: Sequence[float]
    scale: bool


class Cast(NamedTuple):
    """Change the dtype.

    Args:
        dtype: the new dtype.
        scale: True maps the full scale of the old dtype to that of the new one.
    """

    dtype: DType
    scale: bool


# Steps that can be part of a pass, and all steps that transforms can be lowered to.
Fusible = FillValues | Geometry | Displace | Lookup | MapColours | AddNoise | Erase | Standardise | Cast
TransformStep = Fusible | Operate


def restricted(step: TransformStep, active: Mask, sizes: Ints) -> TransformStep:
    """The step for the samples that `active` (n,) names; the others keep their values, and their `sizes` (n, 2)."""
    if isinstance(step, (Standardise, Cast)):
        raise ArgumentError(
            "a change of the values' scale or dtype cannot be left to chance, as a batch has one dtype: "
            "put Normalize and ToDtype outside of RandomApply and RandomChoice"
        )
    described = OPERATIONS.get(step.name) if isinstance(step, Operate) and step.function is None else None
    if described is not None and described.channels is not None:
        raise ArgumentError(
            f"{step.name} changes the number of channels, and cannot be left to chance, as a batch has one number: "  # type: ignore[union-attr]
            "put it outside of RandomApply and RandomChoice"
        )
    if isinstance(step, Geometry):
        inverse = np.where(active[:, None, None], step.inverse, np.eye(3))
        return step._replace(inverse=inverse, sizes=np.where(active[:, None], step.sizes, sizes))
    return step._replace(active=active if step.active is None else step.active & active)
