"""Blurring along a line, as a camera that moves does. It runs in NumPy. A NaN spreads over the line."""

from __future__ import annotations

import math

import numpy as np

from augsynth.core.scale import stored
from augsynth.core.typing import Floats, Image
from augsynth.errors import ArgumentError
from augsynth.whole_image.description import WholeImageOperation

LONGEST_MOTION = 511.0


def motion_blur(image: Image, *, length: float, angle: float) -> Image:
    """Average along a line of `length` pixels through each pixel, `angle` degrees counter-clockwise from the x axis.

    Beyond its edges the image is reflected about the outermost pixel centres (reflect101).

    >>> spot = np.zeros((1, 5, 1), np.uint8)
    >>> spot[0, 2] = 90
    >>> motion_blur(spot, length=3.0, angle=0.0).ravel().tolist()
    [0, 30, 30, 30, 0]
    """
    weights = line_kernel(length, angle)
    reach = len(weights) // 2
    padded = np.pad(image.astype(np.float64), ((reach, reach), (reach, reach), (0, 0)), mode="reflect")
    height, width = image.shape[:2]
    total = np.zeros(image.shape)
    for row, column in np.argwhere(weights):
        total += weights[row, column] * padded[row : row + height, column : column + width]
    return stored(total, image.dtype)


def line_kernel(length: float, angle: float) -> Floats:
    """The weights (k, k) of a line; each of its points is shared between the two pixels beside it.

    >>> line_kernel(3.0, 90.0).round(2).tolist()
    [[0.0, 0.33, 0.0], [0.0, 0.33, 0.0], [0.0, 0.33, 0.0]]
    """
    if not 1 <= length <= LONGEST_MOTION or not math.isfinite(angle):
        raise ArgumentError(f"a line must be 1 to {LONGEST_MOTION:g} pixels long, at a finite angle; got {length!r}")
    across, down = (round(function(math.radians(angle)), 12) for function in (math.cos, math.sin))
    steep = abs(down) > abs(across)
    half = length * max(abs(across), abs(down)) / 2
    reach = max(math.ceil(half - 0.5), 0)
    steps = np.arange(-reach, reach + 1)  # pixels along the axis that the line is closer to
    covered = np.clip(half + 0.5 - np.abs(steps), 0.0, 1.0)
    aside = steps * -(across / down if steep else down / across)  # y points down
    first = np.floor(aside)
    share = aside - first
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1))
    for offset, weight in ((0, 1.0 - share), (1, share)):
        beside = np.minimum(first + offset + reach, 2 * reach).astype(np.int64)
        kernel[beside, steps + reach] += covered * weight
    result: Floats = (kernel.T if steep else kernel) / covered.sum()
    return result


MOTION_BLUR = WholeImageOperation("motion_blur", motion_blur, {"length": 5.0, "angle": 30.0}, keeps_positions=True)
