"""Transforms of Albumentations that change colours."""

from __future__ import annotations

from typing import Any

from augsynth.transforms import (
    choice,
    colour,
    histograms,
    planckian,
    points,
)
from augsynth.transforms.converting.albumentations.parameters import (
    Values,
    border,
    ends,
    first_given,
    of_probability,
    probability,
    sometimes,
)
from augsynth.transforms.converting.conversion import Converter, Notes
from augsynth.transforms.pipeline import Pipeline

HUE = "hue turns the chroma plane of YIQ and keeps the luma; Albumentations turns the hue of HSV"


def _jitter(v: Values, notes: Notes) -> list[Pipeline]:
    names = ("brightness", "contrast", "saturation", "hue")
    ranges = {name: first_given(v, f"{name}_range {name}", 0.2) for name in names}
    given: dict[str, Any] = {name: _factors(ends, name) for name, ends in ranges.items() if ends}
    notes.differs(HUE)
    notes.differs("values are clamped once, after all adjustments, and no order is drawn")
    return sometimes(v, [colour.ColorJitter(**given)])


def _factors(value: Any, name: str) -> tuple[float, float]:
    if isinstance(value, (list, tuple)):
        return float(value[0]), float(value[1])
    return (-float(value), float(value)) if name == "hue" else (max(0.0, 1 - float(value)), 1 + float(value))


def _brightness_contrast(v: Values, notes: Notes) -> list[Pipeline]:
    bright = ends(first_given(v, "brightness_range brightness_limit", 0.2))
    contrast = ends(first_given(v, "contrast_range contrast_limit", 0.2))
    notes.differs("brightness multiplies values, where Albumentations adds a share of the full scale or the mean")
    notes.differs("contrast keeps the mean of the image, where Albumentations multiplies values")
    jitter = colour.ColorJitter(
        brightness=(1 + bright[0], 1 + bright[1]), contrast=(max(0.0, 1 + contrast[0]), 1 + contrast[1])
    )
    return sometimes(v, [jitter])


def _hue_saturation(v: Values, notes: Notes) -> list[Pipeline]:
    hue = ends(first_given(v, "hue_shift_range hue_shift_limit", 20))
    saturation = ends(first_given(v, "sat_shift_range sat_shift_limit", 30))
    brightness = ends(first_given(v, "val_shift_range val_shift_limit", 20))
    notes.differs("saturation and brightness multiply, where Albumentations adds to the channels of HSV")
    notes.differs(HUE)
    jitter = colour.ColorJitter(
        brightness=tuple(1 + end / 255 for end in brightness),
        saturation=tuple(1 + end / 255 for end in saturation),
        hue=tuple(end / 180 for end in hue),
    )
    return sometimes(v, [jitter])


def _to_gray(v: Values, notes: Notes) -> list[Pipeline]:
    if v.get("method", "weighted_average") not in ("weighted_average", "from_lab"):
        notes.differs(f"grey is 0.299 R + 0.587 G + 0.114 B, not the method {v['method']!r}")
    return [colour.RandomGrayscale(probability(v))]


def _planckian(v: Values, notes: Notes) -> list[Pipeline]:
    low, high = ends(first_given(v, "temperature_range temperature_limit", (3000, 15000)))
    return [planckian.PlanckianJitter((low, high), p=probability(v))]


def _channel_dropout(v: Values, notes: Notes) -> list[Pipeline]:
    count = tuple(first_given(v, "channel_drop_range", (1, 1)))
    return [colour.ChannelDropout(count, border(v)["fill"], probability(v))]


def _equalize(v: Values, notes: Notes) -> list[Pipeline]:
    if v.get("mode", "cv") != "pil":
        notes.differs("levels are those of Pillow, which differ from OpenCV's by up to 80 of 255 on small images")
    if not v.get("by_channels", True):
        notes.differs("each channel is equalised alone")
    return [histograms.RandomEqualize(probability(v))]


def _autocontrast(v: Values, notes: Notes) -> list[Pipeline]:
    if v.get("method", "cdf") != "pil" or v.get("cutoff"):
        notes.differs("the lowest and the highest level become 0 and the full scale, as in Pillow, without a cutoff")
    return [histograms.RandomAutocontrast(probability(v))]


def _clahe(v: Values, notes: Notes) -> list[Pipeline]:
    notes.differs("each channel is changed alone; Albumentations changes the lightness of colours in CIELAB")
    limits = first_given(v, "clip_range clip_limit", 4.0)
    span = ends(limits) if isinstance(limits, (list, tuple)) else (1.0, float(limits))
    return [histograms.CLAHE(span, tuple(v.get("tile_grid_size", (8, 8))), probability(v))]


def _solarize(v: Values, notes: Notes) -> list[Pipeline]:
    low, high = ends(first_given(v, "threshold_range threshold", (0.5, 0.5)))
    if low != high:
        notes.differs("the threshold is not drawn: it is the middle of its range")
    notes.differs("the threshold is for uint8 images")
    middle = (low + high) / 2
    return [points.RandomSolarize(255 * middle if middle <= 1 else middle, probability(v))]


def _posterize(v: Values, notes: Notes) -> list[Pipeline]:
    bits = first_given(v, "num_bits_range num_bits", 4)
    drawn = bits if isinstance(bits, (list, tuple)) else (bits, bits)
    made: list[Pipeline] = [points.RandomPosterize(count, 1.0) for count in range(int(drawn[0]), int(drawn[-1]) + 1)]
    return sometimes(v, made if len(made) == 1 else [choice.RandomChoice(made)])


def _gamma(v: Values, notes: Notes) -> list[Pipeline]:
    low, high = ends(first_given(v, "gamma_range gamma_limit", (80, 120)))
    return [points.RandomGamma((low / 100, high / 100), probability(v))]


COLOURS: dict[str, Converter] = {
    "ChannelDropout": _channel_dropout,
    "Solarize": _solarize,
    "ColorJitter": _jitter,
    "RandomBrightnessContrast": _brightness_contrast,
    "HueSaturationValue": _hue_saturation,
    "ToGray": _to_gray,
    "ChannelShuffle": lambda v, notes: sometimes(v, [colour.RandomChannelPermutation()]),
    "PlanckianJitter": _planckian,
    "CLAHE": _clahe,
    "InvertImg": of_probability(points.RandomInvert),
    "Equalize": _equalize,
    "AutoContrast": _autocontrast,
    "Posterize": _posterize,
    "RandomGamma": _gamma,
}
"""Converters of colours."""
