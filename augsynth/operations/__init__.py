"""What barriers and lookup tables compute: whole-image operations, and point operations, by name.

`POINTS[name](values, full, **parameters)` gives new values, vectorised over values and parameters;
`IMAGES[name](image, **parameters)` takes an image (H, W, C) of uint8, uint16 or float32, and gives a new one of the
same shape and dtype.

>>> sorted(POINTS)
['gamma', 'invert', 'posterize', 'solarize']
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from augsynth.operations.filters import gaussian_blur, sharpness
from augsynth.operations.histograms import autocontrast, equalize
from augsynth.operations.missing import (
    fill_missing_constant,
    fill_missing_inpaint,
    fill_missing_mean,
    fill_missing_nearest,
    fill_missing_random,
)
from augsynth.operations.points import gamma, invert, posterize, solarize
from augsynth.operations.scale import Floats, Image

PointFunction = Callable[..., Floats]
ImageFunction = Callable[..., Image]

POINTS: Mapping[str, PointFunction] = {
    "gamma": gamma,
    "invert": invert,
    "posterize": posterize,
    "solarize": solarize,
}
IMAGES: Mapping[str, ImageFunction] = {
    "autocontrast": autocontrast,
    "equalize": equalize,
    "fill_missing_constant": fill_missing_constant,
    "fill_missing_inpaint": fill_missing_inpaint,
    "fill_missing_mean": fill_missing_mean,
    "fill_missing_nearest": fill_missing_nearest,
    "fill_missing_random": fill_missing_random,
    "gaussian_blur": gaussian_blur,
    "sharpness": sharpness,
}

__all__ = ["IMAGES", "POINTS", "ImageFunction", "PointFunction"]
