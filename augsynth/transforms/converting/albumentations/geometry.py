"""Transforms of Albumentations that change the frame or move pixels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from augsynth.errors import ArgumentError
from augsynth.transforms import (
    fitting,
    flips,
    frames,
    object_crops,
    turns,
)
from augsynth.transforms.affine import RandomAffine, RandomRotation
from augsynth.transforms.converting.albumentations.parameters import (
    Values,
    border,
    both,
    ends,
    first_given,
    moving_filter,
    of_probability,
    resizing_filter,
    size,
    sometimes,
)
from augsynth.transforms.converting.conversion import Converter, Notes
from augsynth.transforms.pipeline import Pipeline


def _resize(v: Values, notes: Notes) -> list[Pipeline]:
    return sometimes(v, [frames.Resize(size(v), **resizing_filter(v, notes))], 1.0)


def _longest(v: Values, notes: Notes) -> list[Pipeline]:
    return sometimes(v, [fitting.LongestSide(int(v["max_size"]), **resizing_filter(v, notes))], 1.0)


def _smallest(v: Values, notes: Notes) -> list[Pipeline]:
    return sometimes(v, [fitting.ShortestSide(int(v["max_size"]), **resizing_filter(v, notes))], 1.0)


def _pad_if_needed(v: Values, notes: Notes) -> list[Pipeline]:
    least = both(v, "min_height", "min_width", 1024)
    divisor = both(v, "pad_height_divisor", "pad_width_divisor", None)
    position = str(v.get("position", "center")).rsplit(".", 1)[-1].lower()
    made = fitting.PadIfNeeded(least, divisor, position=position, **border(v))
    return sometimes(v, [made], 1.0)


def _pad(v: Values, notes: Notes) -> list[Pipeline]:
    padding = v.get("padding", 0)
    return sometimes(v, [frames.Pad(tuple(padding) if isinstance(padding, list) else padding, **border(v))], 1.0)


def _center_crop(v: Values, notes: Notes) -> list[Pipeline]:
    notes.differs("where an odd number of pixels is cut off, the window may lie one pixel further down or to the right")
    made = frames.CenterCrop(size(v), bool(v.get("pad_if_needed", False)), **border(v))
    return sometimes(v, [made], 1.0)


def _random_crop(v: Values, notes: Notes) -> list[Pipeline]:
    made = frames.RandomCrop(size(v), None, bool(v.get("pad_if_needed", False)), **border(v))
    return sometimes(v, [made], 1.0)


def _random_resized_crop(v: Values, notes: Notes) -> list[Pipeline]:
    scale, ratio = tuple(v.get("scale", (0.08, 1.0))), tuple(v.get("ratio", (3 / 4, 4 / 3)))
    notes.differs("near the edge of the window, the filter reads the image's pixels beyond it")
    made = frames.RandomResizedCrop(size(v), scale, ratio, **resizing_filter(v, notes))
    return sometimes(v, [made], 1.0)


def _rotate(v: Values, notes: Notes) -> list[Pipeline]:
    if v.get("crop_border"):
        raise ArgumentError("crop_border=True has no counterpart")
    limits = ends(v.get("angle_range") or v.get("limit", 90))
    return sometimes(v, [RandomRotation(limits, **moving_filter(v))])


def _affine(v: Values, notes: Notes) -> list[Pipeline]:
    pixels = v.get("translate_px")
    moves = [ends(end) for end in (pixels.values() if isinstance(pixels, Mapping) else [pixels or 0])]
    if any(end for move in moves for end in move) or v.get("fit_output"):
        raise ArgumentError("translate_px and fit_output have no counterpart: give translate_percent")
    scale, shear, shift = (v.get(name) for name in ("scale", "shear", "translate_percent"))
    if scale is not None and not v.get("keep_ratio", False):
        notes.differs("the factor of scale is the same along both axes")
    made = RandomAffine(
        ends(first_given(v, "rotate", 0.0)),
        translate=None if shift is None else _both_ways(shift, notes),
        scale=None if scale is None else _same_scale(scale),
        shear=None if shear is None else _shears(shear),
        antialias=False,
        **moving_filter(v),
    )
    return sometimes(v, [made])


def _both_ways(shift: Any, notes: Notes) -> tuple[float, float]:
    """Return how far an image may move along x and y, either way."""
    moves = [ends(shift[axis]) if isinstance(shift, Mapping) else ends(shift) for axis in ("x", "y")]
    if any(not math.isclose(low, -high, abs_tol=1e-9) for low, high in moves):
        notes.differs("images move either way by the same largest distance")
    return tuple(max(abs(low), abs(high)) for low, high in moves)  # type: ignore[return-value]


def _same_scale(scale: Any) -> tuple[float, float]:
    along_x = scale["x"] if isinstance(scale, Mapping) else scale
    return ends(along_x) if isinstance(along_x, (list, tuple)) else (float(along_x), float(along_x))


def _shears(shear: Any) -> tuple[float, ...]:
    along_x, along_y = (ends(shear[axis]) if isinstance(shear, Mapping) else ends(shear) for axis in ("x", "y"))
    return (*along_x, *along_y)


def _shift_scale_rotate(v: Values, notes: Notes) -> list[Pipeline]:
    shifts = [ends(first_given(v, f"shift_range_{axis} shift_limit_{axis} shift_limit", 0.0625)) for axis in "xy"]
    scale = ends(first_given(v, "scale_range scale_limit", 0.1))
    made = RandomAffine(
        ends(first_given(v, "rotate_range rotate_limit", 45)),
        translate=_both_ways(dict(zip("xy", shifts, strict=True)), notes),
        scale=(1 + scale[0], 1 + scale[1]),
        antialias=False,
        **moving_filter(v, border_number=4),
    )
    return sometimes(v, [made])


GEOMETRY: dict[str, Converter] = {
    "Resize": _resize,
    "LongestMaxSize": _longest,
    "SmallestMaxSize": _smallest,
    "PadIfNeeded": _pad_if_needed,
    "CenterCrop": _center_crop,
    "RandomCrop": _random_crop,
    "RandomResizedCrop": _random_resized_crop,
    "HorizontalFlip": of_probability(flips.RandomHorizontalFlip),
    "VerticalFlip": of_probability(flips.RandomVerticalFlip),
    "Transpose": of_probability(turns.RandomTranspose),
    "RandomRotate90": lambda v, notes: sometimes(v, [turns.RandomQuarterTurn()]),
    "D4": of_probability(turns.RandomDihedral, 1.0),
    "SquareSymmetry": of_probability(turns.RandomDihedral, 1.0),
    "Rotate": _rotate,
    "Affine": _affine,
    "ShiftScaleRotate": _shift_scale_rotate,
    "Pad": _pad,
    "CropNonEmptyMaskIfExists": lambda v, notes: sometimes(v, [object_crops.CropNonEmptyMask(size(v))], 1.0),
    "RandomSizedBBoxSafeCrop": lambda v, notes: sometimes(v, [object_crops.RandomBoxSafeCrop(size(v))], 1.0),
    "BBoxSafeRandomCrop": lambda v, notes: sometimes(v, [object_crops.RandomBoxSafeCrop()], 1.0),
}
"""Converters of frames and maps."""
