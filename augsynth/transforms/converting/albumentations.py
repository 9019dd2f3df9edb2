"""Pipelines of Albumentations and AlbumentationsX. Neither library is imported: a pipeline is read in serialised form.

Names and defaults are those of Albumentations 1.4 and 2.0 and of AlbumentationsX. Older names of a parameter are read
too, because stored pipelines keep them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from augsynth.errors import ArgumentError, ArgumentTypeError, shown
from augsynth.transforms import (
    blur,
    choice,
    colour,
    degradations,
    fitting,
    flips,
    frames,
    histograms,
    noise,
    object_crops,
    orders,
    planckian,
    points,
    turns,
)
from augsynth.transforms.affine import RandomAffine, RandomRotation
from augsynth.transforms.compose import Compose
from augsynth.transforms.converting.conversion import Converted, Converter, Notes, convert_with
from augsynth.transforms.erasing import RandomErasing
from augsynth.transforms.pipeline import Pipeline
from augsynth.transforms.values import Normalize, ToDtype

LIBRARY = "Albumentations"
Values = Mapping[str, Any]
"""A transform in serialised form: the name of its class, and its parameters by name."""

BORDERS = ("constant", "replicate", "reflect", "wrap", "reflect101")
"""Borders by OpenCV's numbers."""
INTERPOLATIONS = {0: "nearest", 1: "bilinear", 2: "bicubic", 6: "nearest"}
"""Filters by OpenCV's numbers."""
HUE = "hue turns the chroma plane of YIQ and keeps the luma; Albumentations turns the hue of HSV"
BOX_FORMATS = {"pascal_voc": "xyxy", "coco": "xywh", "yolo": "yolo"}


def from_albumentations(pipeline: Any, *, strict: bool = True) -> Converted:
    """Convert a pipeline of Albumentations. Its `differences` tell what pixels or choices come out otherwise.

    Random numbers are augsynth's: the distribution of the results is that of Albumentations, not each result.

    Args:
        pipeline: a transform or a `Compose`, a list of them, or the dict that `albumentations.to_dict` or its JSON file
            gives.
        strict: True (the default) refuses a pipeline with a transform that cannot be converted, and names all of them.
            False leaves them out, and lists them in `differences`.

    >>> described = {"transform": {"__class_fullname__": "HorizontalFlip", "p": 0.5}}
    >>> from_albumentations(described).transforms
    (RandomHorizontalFlip(p=0.5),)
    """
    notes = Notes()
    if isinstance(pipeline, (list, tuple)):
        return notes.finished(_each([_serialised(transform) for transform in pipeline], notes), strict)
    return notes.finished(_one(_serialised(pipeline), notes), strict)


def _serialised(pipeline: Any) -> Values:
    """Return the serialised form of a transform, which an object tells of itself."""
    described = pipeline.to_dict() if hasattr(pipeline, "to_dict") else pipeline
    if isinstance(described, Mapping):
        described = described.get("transform", described)
    if not isinstance(described, Mapping) or "__class_fullname__" not in described:
        raise ArgumentTypeError(
            f"the pipeline must be of Albumentations or what its to_dict gives, got {shown(pipeline)}"
        )
    return described


def _one(v: Values, notes: Notes, step: str = "") -> list[Pipeline]:
    name = str(v["__class_fullname__"]).rsplit(".", 1)[-1]
    return convert_with(TABLE, name, v, notes, LIBRARY, step)


def _each(transforms: Iterable[Values], notes: Notes) -> list[Pipeline]:
    made = (_one(v, notes, f"transforms[{number}]") for number, v in enumerate(transforms))
    return [transform for transforms in made for transform in transforms]


def _branches(v: Values, notes: Notes) -> tuple[list[Pipeline], list[float]]:
    """Convert the transforms of a choice, each to one transform, and return their weights: each one's own p."""
    made, weights = [], []
    for number, inner in enumerate(v["transforms"]):
        always = inner if "transforms" in inner else {**inner, "p": 1.0}
        branch = _one(always, notes, f"transforms[{number}]")
        made.append(branch[0] if len(branch) == 1 else Compose(branch))
        weights.append(float(inner.get("p", 1.0)))
    return made, weights


# Parameters that several transforms share ----------------------------------------------------------------------------


def _p(v: Values, default: float = 0.5) -> float:
    return float(v.get("p", default))


def _sometimes(v: Values, transforms: list[Pipeline], default: float = 0.5) -> list[Pipeline]:
    """Wrap transforms without a probability of their own in the one that is given."""
    p = _p(v, default)
    return [choice.RandomApply(transforms, p)] if transforms and p != 1 else transforms


def _first(v: Values, names: str, default: Any) -> Any:
    """Return the first of several parameters that is given, and not None."""
    given = (v.get(name) for name in names.split())
    return next((value for value in given if value is not None), default)


def _range(value: Any, around: float = 0.0) -> tuple[float, float]:
    """Return the ends of a range. One number d stands for (around − d, around + d)."""
    if isinstance(value, (list, tuple)):
        return float(value[0]), float(value[1])
    return around - float(value), around + float(value)


def _size(v: Values) -> tuple[int, int]:
    size = v.get("size")
    if size is not None:
        return (int(size), int(size)) if isinstance(size, int) else (int(size[0]), int(size[1]))
    return int(v["height"]), int(v["width"])


def _both(v: Values, height: str, width: str, default: int | None) -> tuple[int, int] | None:
    """Return two parameters, or None if one of them is None."""
    rows, columns = v.get(height, default), v.get(width, default)
    return None if rows is None or columns is None else (int(rows), int(columns))


def _interpolation(v: Values, notes: Notes) -> dict[str, Any]:
    """Return the filter. OpenCV's number 3 averages areas, which is an antialiased filter here."""
    number = int(_first(v, "interpolation", 1))
    if number == 3:
        notes.differs("the filter INTER_AREA is replaced by an antialiased bilinear one")
        return {"interpolation": "bilinear", "antialias": True}
    if number == 0:
        notes.differs("nearest takes the pixel under the centre, as OpenCV's INTER_NEAREST_EXACT does")
    if number not in INTERPOLATIONS:
        notes.differs(f"the filter of OpenCV's number {number} is replaced by 'bicubic'")
        return {"interpolation": "bicubic", "antialias": False}
    return {"interpolation": INTERPOLATIONS[number], "antialias": False}


def _border(v: Values, default: int = 0) -> dict[str, Any]:
    fill = _first(v, "fill value cval", 0.0)
    if isinstance(fill, str):
        raise ArgumentError(f"fill={fill!r} has no counterpart: give a number")
    number = int(_first(v, "border_mode mode", default))
    if not 0 <= number < len(BORDERS):
        raise ArgumentError(f"OpenCV's border {number} has no counterpart")
    return {"border": BORDERS[number], "fill": tuple(fill) if isinstance(fill, (list, tuple)) else float(fill)}


def _resampling(v: Values, border: int = 0) -> dict[str, Any]:
    number = int(_first(v, "interpolation", 1))
    return {"interpolation": INTERPOLATIONS.get(number, "bilinear"), **_border(v, border)}


# Containers ----------------------------------------------------------------------------------------------------------


def _compose(v: Values, notes: Notes) -> list[Pipeline]:
    boxes, keypoints = v.get("bbox_params"), v.get("keypoint_params")
    if boxes:
        form = _first(boxes, "coord_format format", "pascal_voc")
        if form not in BOX_FORMATS:
            raise ArgumentError(f"boxes of the format {form!r} have no counterpart: known are {', '.join(BOX_FORMATS)}")
        notes.rules.update(
            box_format=BOX_FORMATS[form],
            min_area=float(boxes.get("min_area") or 0),
            min_visibility=float(boxes.get("min_visibility") or 0),
            min_width=float(boxes.get("min_width") or 0),
            min_height=float(boxes.get("min_height") or 0),
        )
    if keypoints:
        form = _first(keypoints, "coord_format format", "xy")
        if form != "xy":
            raise ArgumentError(f"keypoints of the format {form!r} have no counterpart: give (x, y)")
        notes.rules.update(remove_invisible=bool(keypoints.get("remove_invisible", True)), pixel_center=True)
    return _sometimes(v, _each(v["transforms"], notes), default=1.0)


def _one_of(v: Values, notes: Notes) -> list[Pipeline]:
    made, weights = _branches(v, notes)
    return _sometimes(v, [choice.RandomChoice(made, tuple(weights))]) if made else []


def _some_of(v: Values, notes: Notes) -> list[Pipeline]:
    if v.get("replace"):
        notes.differs("no transform is chosen twice")
    made, weights = _branches(v, notes)
    n = v.get("n", len(made))
    count = tuple(n) if isinstance(n, list) else n
    return _sometimes(v, [orders.SomeOf(made, count, tuple(weights))], 1.0) if made else []


# Frames --------------------------------------------------------------------------------------------------------------


def _resize(v: Values, notes: Notes) -> list[Pipeline]:
    return _sometimes(v, [frames.Resize(_size(v), **_interpolation(v, notes))], 1.0)


def _longest(v: Values, notes: Notes) -> list[Pipeline]:
    return _sometimes(v, [fitting.LongestSide(int(v["max_size"]), **_interpolation(v, notes))], 1.0)


def _smallest(v: Values, notes: Notes) -> list[Pipeline]:
    return _sometimes(v, [fitting.ShortestSide(int(v["max_size"]), **_interpolation(v, notes))], 1.0)


def _pad_if_needed(v: Values, notes: Notes) -> list[Pipeline]:
    size = _both(v, "min_height", "min_width", 1024)
    divisor = _both(v, "pad_height_divisor", "pad_width_divisor", None)
    position = str(v.get("position", "center")).rsplit(".", 1)[-1].lower()
    made = fitting.PadIfNeeded(size, divisor, position=position, **_border(v))
    return _sometimes(v, [made], 1.0)


def _center_crop(v: Values, notes: Notes) -> list[Pipeline]:
    notes.differs("where an odd number of pixels is cut off, the window may lie one pixel further down or to the right")
    made = frames.CenterCrop(_size(v), bool(v.get("pad_if_needed", False)), **_border(v))
    return _sometimes(v, [made], 1.0)


def _random_crop(v: Values, notes: Notes) -> list[Pipeline]:
    made = frames.RandomCrop(_size(v), None, bool(v.get("pad_if_needed", False)), **_border(v))
    return _sometimes(v, [made], 1.0)


def _random_resized_crop(v: Values, notes: Notes) -> list[Pipeline]:
    scale, ratio = tuple(v.get("scale", (0.08, 1.0))), tuple(v.get("ratio", (3 / 4, 4 / 3)))
    notes.differs("near the edge of the window, the filter reads the image's pixels beyond it")
    made = frames.RandomResizedCrop(_size(v), scale, ratio, **_interpolation(v, notes))
    return _sometimes(v, [made], 1.0)


# Maps ----------------------------------------------------------------------------------------------------------------


def _rotate(v: Values, notes: Notes) -> list[Pipeline]:
    if v.get("crop_border"):
        raise ArgumentError("crop_border=True has no counterpart")
    limits = _range(v.get("angle_range") or v.get("limit", 90))
    return _sometimes(v, [RandomRotation(limits, **_resampling(v))])


def _affine(v: Values, notes: Notes) -> list[Pipeline]:
    pixels = v.get("translate_px")
    moves = [_range(end) for end in (pixels.values() if isinstance(pixels, Mapping) else [pixels or 0])]
    if any(end for ends in moves for end in ends) or v.get("fit_output"):
        raise ArgumentError("translate_px and fit_output have no counterpart: give translate_percent")
    scale, shear, shift = (v.get(name) for name in ("scale", "shear", "translate_percent"))
    if scale is not None and not v.get("keep_ratio", False):
        notes.differs("the factor of scale is the same along both axes")
    made = RandomAffine(
        _range(_first(v, "rotate", 0.0)),
        translate=None if shift is None else _both_ways(shift, notes),
        scale=None if scale is None else _same_scale(scale),
        shear=None if shear is None else _shears(shear),
        antialias=False,
        **_resampling(v),
    )
    return _sometimes(v, [made])


def _both_ways(shift: Any, notes: Notes) -> tuple[float, float]:
    """Return how far an image may move along x and y, either way."""
    ends = [_range(shift[axis]) if isinstance(shift, Mapping) else _range(shift) for axis in ("x", "y")]
    if any(not math.isclose(low, -high, abs_tol=1e-9) for low, high in ends):
        notes.differs("images move either way by the same largest distance")
    return tuple(max(abs(low), abs(high)) for low, high in ends)  # type: ignore[return-value]


def _same_scale(scale: Any) -> tuple[float, float]:
    ends = scale["x"] if isinstance(scale, Mapping) else scale
    return _range(ends) if isinstance(ends, (list, tuple)) else (float(ends), float(ends))


def _shears(shear: Any) -> tuple[float, ...]:
    ends = [_range(shear[axis]) if isinstance(shear, Mapping) else _range(shear) for axis in ("x", "y")]
    return (*ends[0], *ends[1])


def _shift_scale_rotate(v: Values, notes: Notes) -> list[Pipeline]:
    shifts = [_range(_first(v, f"shift_range_{axis} shift_limit_{axis} shift_limit", 0.0625)) for axis in "xy"]
    scale = _range(_first(v, "scale_range scale_limit", 0.1))
    made = RandomAffine(
        _range(_first(v, "rotate_range rotate_limit", 45)),
        translate=_both_ways(dict(zip("xy", shifts, strict=True)), notes),
        scale=(1 + scale[0], 1 + scale[1]),
        antialias=False,
        **_resampling(v, border=4),
    )
    return _sometimes(v, [made])


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
    return [RandomErasing(_p(v), area, ratio, fill, count)]


# Colours -------------------------------------------------------------------------------------------------------------


def _jitter(v: Values, notes: Notes) -> list[Pipeline]:
    names = ("brightness", "contrast", "saturation", "hue")
    ranges = {name: _first(v, f"{name}_range {name}", 0.2) for name in names}
    given: dict[str, Any] = {name: _factors(ends, name) for name, ends in ranges.items() if ends}
    notes.differs(HUE)
    notes.differs("values are clamped once, after all adjustments, and no order is drawn")
    return _sometimes(v, [colour.ColorJitter(**given)])


def _factors(value: Any, name: str) -> tuple[float, float]:
    if isinstance(value, (list, tuple)):
        return float(value[0]), float(value[1])
    return (-float(value), float(value)) if name == "hue" else (max(0.0, 1 - float(value)), 1 + float(value))


def _brightness_contrast(v: Values, notes: Notes) -> list[Pipeline]:
    bright = _range(_first(v, "brightness_range brightness_limit", 0.2))
    contrast = _range(_first(v, "contrast_range contrast_limit", 0.2))
    notes.differs("brightness multiplies values, where Albumentations adds a share of the full scale or the mean")
    notes.differs("contrast keeps the mean of the image, where Albumentations multiplies values")
    jitter = colour.ColorJitter(
        brightness=(1 + bright[0], 1 + bright[1]), contrast=(max(0.0, 1 + contrast[0]), 1 + contrast[1])
    )
    return _sometimes(v, [jitter])


def _hue_saturation(v: Values, notes: Notes) -> list[Pipeline]:
    hue = _range(_first(v, "hue_shift_range hue_shift_limit", 20))
    saturation = _range(_first(v, "sat_shift_range sat_shift_limit", 30))
    brightness = _range(_first(v, "val_shift_range val_shift_limit", 20))
    notes.differs("saturation and brightness multiply, where Albumentations adds to the channels of HSV")
    notes.differs(HUE)
    jitter = colour.ColorJitter(
        brightness=tuple(1 + end / 255 for end in brightness),
        saturation=tuple(1 + end / 255 for end in saturation),
        hue=tuple(end / 180 for end in hue),
    )
    return _sometimes(v, [jitter])


def _to_gray(v: Values, notes: Notes) -> list[Pipeline]:
    if v.get("method", "weighted_average") not in ("weighted_average", "from_lab"):
        notes.differs(f"grey is 0.299 R + 0.587 G + 0.114 B, not the method {v['method']!r}")
    return [colour.RandomGrayscale(_p(v))]


def _planckian(v: Values, notes: Notes) -> list[Pipeline]:
    low, high = _range(_first(v, "temperature_range temperature_limit", (3000, 15000)))
    return [planckian.PlanckianJitter((low, high), p=_p(v))]


# Blur, noise and others ----------------------------------------------------------------------------------------------


def _gaussian_blur(v: Values, notes: Notes) -> list[Pipeline]:
    sigma = _range(_first(v, "sigma_range sigma_limit", (0.5, 3.0)))
    largest = int(max(_range(_first(v, "blur_range blur_limit", 0), 0.0)))
    kernel = largest | 1 if largest else 2 * math.ceil(3.5 * sigma[1]) + 1
    notes.differs("all images have the largest kernel; the spread is drawn")
    return _sometimes(v, [blur.GaussianBlur(kernel, (max(sigma[0], 1e-3), max(sigma[1], 1e-3)))])


def _kernels(v: Values, default: Any) -> tuple[int, int]:
    given = _first(v, "blur_range blur_limit", default)
    low, high = given if isinstance(given, (list, tuple)) else (3, given)
    return int(low), int(high)


def _gauss_noise(v: Values, notes: Notes) -> list[Pipeline]:
    if "var_limit" in v and v["var_limit"] is not None and "std_range" not in v:
        low, high = (math.sqrt(end) / 255 for end in _range(v["var_limit"]))
    else:
        low, high = _range(v.get("std_range", (0.2, 0.44)))
    means = _range(v.get("mean_range", (0.0, 0.0)))
    if means[0] != means[1]:
        notes.differs("the mean of the noise is not drawn: it is the middle of its range")
    if v.get("per_channel") is False or v.get("noise_scale_factor", 1) != 1:
        notes.differs("every value has noise of its own")
    return _sometimes(v, [noise.GaussianNoise(sum(means) / 2, (low, high))])


def _compression(v: Values, notes: Notes) -> list[Pipeline]:
    if str(v.get("compression_type", "jpeg")).rsplit(".", 1)[-1].lower() != "jpeg":
        raise ArgumentError("there is no other compression than JPEG")
    notes.differs("Albumentations lets the encoder take red for blue; here, colours are encoded as they are")
    quality = v.get("quality_range") or (v.get("quality_lower", 99), v.get("quality_upper", 100))
    return [degradations.JPEGCompression((int(quality[0]), int(quality[1])), p=_p(v))]


def _equalize(v: Values, notes: Notes) -> list[Pipeline]:
    if v.get("mode", "cv") != "pil":
        notes.differs("levels are those of Pillow, which differ from OpenCV's by up to 80 of 255 on small images")
    if not v.get("by_channels", True):
        notes.differs("each channel is equalised alone")
    return [histograms.RandomEqualize(_p(v))]


def _autocontrast(v: Values, notes: Notes) -> list[Pipeline]:
    if v.get("method", "cdf") != "pil" or v.get("cutoff"):
        notes.differs("the lowest and the highest level become 0 and the full scale, as in Pillow, without a cutoff")
    return [histograms.RandomAutocontrast(_p(v))]


def _clahe(v: Values, notes: Notes) -> list[Pipeline]:
    notes.differs("each channel is changed alone; Albumentations changes the lightness of colours in CIELAB")
    limits = _first(v, "clip_range clip_limit", 4.0)
    ends = _range(limits) if isinstance(limits, (list, tuple)) else (1.0, float(limits))
    return [histograms.CLAHE(ends, tuple(v.get("tile_grid_size", (8, 8))), _p(v))]


def _motion_blur(v: Values, notes: Notes) -> list[Pipeline]:
    notes.differs("the line is centred on its pixel, and its angle is drawn from all angles")
    low, high = _kernels(v, (3, 7))
    return [degradations.MotionBlur((float(low), float(high)), 90.0, _p(v))]


def _solarize(v: Values, notes: Notes) -> list[Pipeline]:
    low, high = _range(_first(v, "threshold_range threshold", (0.5, 0.5)))
    if low != high:
        notes.differs("the threshold is not drawn: it is the middle of its range")
    notes.differs("the threshold is for uint8 images")
    middle = (low + high) / 2
    return [points.RandomSolarize(255 * middle if middle <= 1 else middle, _p(v))]


def _pad(v: Values, notes: Notes) -> list[Pipeline]:
    padding = v.get("padding", 0)
    return _sometimes(v, [frames.Pad(tuple(padding) if isinstance(padding, list) else padding, **_border(v))], 1.0)


def _channel_dropout(v: Values, notes: Notes) -> list[Pipeline]:
    count = tuple(_first(v, "channel_drop_range", (1, 1)))
    return [colour.ChannelDropout(count, _border(v)["fill"], _p(v))]


def _posterize(v: Values, notes: Notes) -> list[Pipeline]:
    bits = _first(v, "num_bits_range num_bits", 4)
    drawn = bits if isinstance(bits, (list, tuple)) else (bits, bits)
    made: list[Pipeline] = [points.RandomPosterize(count, 1.0) for count in range(int(drawn[0]), int(drawn[-1]) + 1)]
    return _sometimes(v, made if len(made) == 1 else [choice.RandomChoice(made)])


def _gamma(v: Values, notes: Notes) -> list[Pipeline]:
    low, high = _range(_first(v, "gamma_range gamma_limit", (80, 120)))
    return [points.RandomGamma((low / 100, high / 100), _p(v))]


def _normalize(v: Values, notes: Notes) -> list[Pipeline]:
    if v.get("normalization", "standard") != "standard":
        raise ArgumentError(f"the normalization {v['normalization']!r} has no counterpart")
    mean, std = v.get("mean", (0.485, 0.456, 0.406)), v.get("std", (0.229, 0.224, 0.225))
    highest = v.get("max_pixel_value", 255.0)
    if highest not in (None, 255, 1):
        raise ArgumentError(f"max_pixel_value={highest} has no counterpart: values are divided by their full scale")
    made = Normalize(_numbers(mean), _numbers(std), scale=highest != 1)
    return _sometimes(v, [made], 1.0)


def _numbers(given: Any) -> Any:
    return tuple(given) if isinstance(given, (list, tuple)) else given


def _to_float(v: Values, notes: Notes) -> list[Pipeline]:
    if v.get("max_value") not in (None, 255, 255.0):
        raise ArgumentError(f"max_value={v['max_value']} has no counterpart: values are divided by their full scale")
    return [ToDtype("float32", scale=True)]


def _named(make: Callable[[float], Pipeline], default: float = 0.5) -> Converter:
    """Return the converter of a transform that has no parameter but its probability."""
    return lambda v, notes: [make(_p(v, default))]


TABLE: dict[str, Converter] = {
    "Compose": _compose,
    "Sequential": lambda v, notes: _sometimes(v, _each(v["transforms"], notes)),
    "OneOf": _one_of,
    "SomeOf": _some_of,
    "RandomOrder": _some_of,
    "Resize": _resize,
    "LongestMaxSize": _longest,
    "SmallestMaxSize": _smallest,
    "PadIfNeeded": _pad_if_needed,
    "CenterCrop": _center_crop,
    "RandomCrop": _random_crop,
    "RandomResizedCrop": _random_resized_crop,
    "HorizontalFlip": _named(flips.RandomHorizontalFlip),
    "VerticalFlip": _named(flips.RandomVerticalFlip),
    "Transpose": _named(turns.RandomTranspose),
    "RandomRotate90": lambda v, notes: _sometimes(v, [turns.RandomQuarterTurn()]),
    "D4": _named(turns.RandomDihedral, 1.0),
    "SquareSymmetry": _named(turns.RandomDihedral, 1.0),
    "Rotate": _rotate,
    "Affine": _affine,
    "ShiftScaleRotate": _shift_scale_rotate,
    "CoarseDropout": _dropout,
    "Pad": _pad,
    "CropNonEmptyMaskIfExists": lambda v, notes: _sometimes(v, [object_crops.CropNonEmptyMask(_size(v))], 1.0),
    "RandomSizedBBoxSafeCrop": lambda v, notes: _sometimes(v, [object_crops.RandomBoxSafeCrop(_size(v))], 1.0),
    "BBoxSafeRandomCrop": lambda v, notes: _sometimes(v, [object_crops.RandomBoxSafeCrop()], 1.0),
    "ChannelDropout": _channel_dropout,
    "MotionBlur": _motion_blur,
    "Solarize": _solarize,
    "ColorJitter": _jitter,
    "RandomBrightnessContrast": _brightness_contrast,
    "HueSaturationValue": _hue_saturation,
    "ToGray": _to_gray,
    "ChannelShuffle": lambda v, notes: _sometimes(v, [colour.RandomChannelPermutation()]),
    "PlanckianJitter": _planckian,
    "GaussianBlur": _gaussian_blur,
    "MedianBlur": lambda v, notes: [degradations.MedianBlur(_kernels(v, (3, 7)), p=_p(v))],
    "GaussNoise": _gauss_noise,
    "ImageCompression": _compression,
    "CLAHE": _clahe,
    "InvertImg": _named(points.RandomInvert),
    "Equalize": _equalize,
    "AutoContrast": _autocontrast,
    "Posterize": _posterize,
    "RandomGamma": _gamma,
    "Normalize": _normalize,
    "ToFloat": _to_float,
    "ToTensorV2": lambda v, notes: [],
    "NoOp": lambda v, notes: [],
}
"""Converters by the names of Albumentations' classes."""
