"""Transforms of Albumentations that blur, cover or compress, and those that change the values' scale."""

from __future__ import annotations

import math
from typing import Any

from augsynth.errors import ArgumentError
from augsynth.transforms import (
    blur,
    degradations,
    noise,
)
from augsynth.transforms.converting.albumentations.parameters import (
    Values,
    ends,
    first_given,
    numbers,
    probability,
    sometimes,
)
from augsynth.transforms.converting.conversion import Converter, Notes
from augsynth.transforms.erasing import RandomErasing
from augsynth.transforms.pipeline import Pipeline
from augsynth.transforms.values import Normalize, ToDtype


def _dropout(v: Values, notes: Notes) -> list[Pipeline]:
    """Convert holes whose sides are fractions of the image."""
    height, width = (v.get(f"hole_{side}_range", (0.1, 0.2)) for side in ("height", "width"))
    if any(isinstance(end, int) or end > 1 for end in (*height, *width)):
        raise ArgumentError("holes in pixels have no counterpart: give fractions of the image")
    fill = v.get("fill", 0)
    if isinstance(fill, str) and fill != "random":
        raise ArgumentError(f"fill={fill!r} has no counterpart")
    count = int(max(v.get("num_holes_range", (1, 2))))
    notes.differs(f"there are always {count} holes, which lie wholly inside the image")
    area, ratio = (height[0] * width[0], height[1] * width[1]), (height[0] / width[1], height[1] / width[0])
    return [RandomErasing(probability(v), area, ratio, fill, count)]


def _gaussian_blur(v: Values, notes: Notes) -> list[Pipeline]:
    sigma = ends(first_given(v, "sigma_range sigma_limit", (0.5, 3.0)))
    largest = int(max(ends(first_given(v, "blur_range blur_limit", 0), 0.0)))
    kernel = largest | 1 if largest else 2 * math.ceil(3.5 * sigma[1]) + 1
    notes.differs("all images have the largest kernel; the spread is drawn")
    return sometimes(v, [blur.GaussianBlur(kernel, (max(sigma[0], 1e-3), max(sigma[1], 1e-3)))])


def _kernels(v: Values, default: Any) -> tuple[int, int]:
    given = first_given(v, "blur_range blur_limit", default)
    low, high = given if isinstance(given, (list, tuple)) else (3, given)
    return int(low), int(high)


def _motion_blur(v: Values, notes: Notes) -> list[Pipeline]:
    notes.differs("the line is centred on its pixel, and its angle is drawn from all angles")
    low, high = _kernels(v, (3, 7))
    return [degradations.MotionBlur((float(low), float(high)), 90.0, probability(v))]


def _gauss_noise(v: Values, notes: Notes) -> list[Pipeline]:
    if "var_limit" in v and v["var_limit"] is not None and "std_range" not in v:
        low, high = (math.sqrt(end) / 255 for end in ends(v["var_limit"]))
    else:
        low, high = ends(v.get("std_range", (0.2, 0.44)))
    means = ends(v.get("mean_range", (0.0, 0.0)))
    if means[0] != means[1]:
        notes.differs("the mean of the noise is not drawn: it is the middle of its range")
    if v.get("per_channel") is False or v.get("noise_scale_factor", 1) != 1:
        notes.differs("every value has noise of its own")
    return sometimes(v, [noise.GaussianNoise(sum(means) / 2, (low, high))])


def _compression(v: Values, notes: Notes) -> list[Pipeline]:
    if str(v.get("compression_type", "jpeg")).rsplit(".", 1)[-1].lower() != "jpeg":
        raise ArgumentError("there is no other compression than JPEG")
    notes.differs("Albumentations lets the encoder take red for blue; here, colours are encoded as they are")
    quality = v.get("quality_range") or (v.get("quality_lower", 99), v.get("quality_upper", 100))
    return [degradations.JPEGCompression((int(quality[0]), int(quality[1])), p=probability(v))]


def _normalize(v: Values, notes: Notes) -> list[Pipeline]:
    if v.get("normalization", "standard") != "standard":
        raise ArgumentError(f"the normalization {v['normalization']!r} has no counterpart")
    mean, std = v.get("mean", (0.485, 0.456, 0.406)), v.get("std", (0.229, 0.224, 0.225))
    highest = v.get("max_pixel_value", 255.0)
    if highest not in (None, 255, 1):
        raise ArgumentError(f"max_pixel_value={highest} has no counterpart: values are divided by their full scale")
    made = Normalize(numbers(mean), numbers(std), scale=highest != 1)
    return sometimes(v, [made], 1.0)


def _to_float(v: Values, notes: Notes) -> list[Pipeline]:
    if v.get("max_value") not in (None, 255, 255.0):
        raise ArgumentError(f"max_value={v['max_value']} has no counterpart: values are divided by their full scale")
    return [ToDtype("float32", scale=True)]


DEGRADATIONS: dict[str, Converter] = {
    "CoarseDropout": _dropout,
    "MotionBlur": _motion_blur,
    "GaussianBlur": _gaussian_blur,
    "MedianBlur": lambda v, notes: [degradations.MedianBlur(_kernels(v, (3, 7)), p=probability(v))],
    "GaussNoise": _gauss_noise,
    "ImageCompression": _compression,
    "Normalize": _normalize,
    "ToFloat": _to_float,
    "ToTensorV2": lambda v, notes: [],
    "NoOp": lambda v, notes: [],
}
"""Converters of blur, noise, holes, compression and scales."""
