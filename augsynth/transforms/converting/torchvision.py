"""Pipelines of torchvision, both of `transforms` and of `transforms.v2`. torchvision itself is not imported."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from augsynth.errors import ArgumentTypeError, shown
from augsynth.transforms import (
    blur,
    choice,
    colour,
    degradations,
    elastic,
    erasing,
    fitting,
    flips,
    frames,
    histograms,
    noise,
    object_crops,
    orders,
    perspective,
    points,
    policies,
    values,
)
from augsynth.transforms.affine import RandomAffine, RandomRotation
from augsynth.transforms.compose import Compose
from augsynth.transforms.converting.conversion import Converted, Converter, Notes, convert_with
from augsynth.transforms.pipeline import Pipeline

LIBRARY = "torchvision"
BORDERS = {"constant": "constant", "edge": "replicate", "reflect": "reflect101", "symmetric": "reflect"}
HUE = (
    "hue turns the chroma plane of YIQ and keeps the luma, and torchvision's turns the hue of HSV: colours differ by "
    "up to 100 levels of 255 at a turn by 0.1"
)
INTERPOLATIONS = {"nearest": "nearest", "nearest-exact": "nearest", "bilinear": "bilinear", "bicubic": "bicubic"}


def from_torchvision(pipeline: Any, *, strict: bool = True) -> Converted:
    """Convert a pipeline of torchvision. Its `differences` tell what pixels or choices come out otherwise.

    Random numbers are augsynth's: the distribution of the results is that of torchvision, not each result.

    Args:
        pipeline: a transform of `torchvision.transforms` or of its `v2`, a `Compose` of them, or a list.
        strict: True (the default) refuses a pipeline with a transform that cannot be converted, and names all of them.
            False leaves them out, and lists them in `differences`.

    >>> class RandomHorizontalFlip:  # in the place of torchvision's
    ...     __module__, p = "torchvision.transforms.v2._geometry", 0.5
    >>> from_torchvision(RandomHorizontalFlip()).transforms
    (RandomHorizontalFlip(p=0.5),)
    """
    notes = Notes()
    if isinstance(pipeline, (list, tuple)):
        return notes.finished(_each(pipeline, notes), strict)
    if not type(pipeline).__module__.startswith("torchvision.transforms"):
        raise ArgumentTypeError(f"the pipeline must be of torchvision.transforms, got {shown(pipeline)}")
    return notes.finished(_one(pipeline, notes), strict)


def _one(transform: Any, notes: Notes, step: str = "") -> list[Pipeline]:
    return convert_with(TABLE, type(transform).__name__, transform, notes, LIBRARY, step)


def _each(transforms: Iterable[Any], notes: Notes) -> list[Pipeline]:
    made = (_one(transform, notes, f"transforms[{number}]") for number, transform in enumerate(transforms))
    return [transform for transforms in made for transform in transforms]


def _branches(transforms: Iterable[Any], notes: Notes) -> list[Pipeline]:
    """Convert the transforms of a choice: each becomes one transform, and one that is left out does nothing."""
    made = [_one(transform, notes, f"transforms[{number}]") for number, transform in enumerate(transforms)]
    return [branch[0] if len(branch) == 1 else Compose(branch) for branch in made]


# Parameters that several transforms share ----------------------------------------------------------------------------


def _filter(transform: Any, notes: Notes) -> dict[str, Any]:
    """Return the filter of a change of size."""
    name, antialias = _interpolation(transform, notes), _antialias(transform)
    if getattr(transform.interpolation, "value", transform.interpolation) == "nearest":
        notes.differs("nearest takes the pixel under the centre, as torchvision's nearest-exact does")
    if name == "bicubic" and antialias:
        notes.differs("where bicubic overshoots, values differ by up to 8 levels of 255: nothing is rounded in between")
    return {"interpolation": name, "antialias": antialias}


def _interpolation(transform: Any, notes: Notes) -> str:
    named = getattr(transform.interpolation, "value", transform.interpolation)
    if named not in INTERPOLATIONS:
        notes.differs(f"the filter {named!r} is replaced by 'bicubic', which is the closest that there is")
        return "bicubic"
    return INTERPOLATIONS[named]


def _fill(transform: Any) -> Any:
    """Return the fill for images. That of v2 may be a mapping from the types of its inputs."""
    fill = _of_images(transform.fill)
    return 0.0 if fill is None else fill


def _of_images(value: Any) -> Any:
    """Return the part for images of a parameter of v2, which may be a mapping from the types of its inputs."""
    if not isinstance(value, Mapping):
        return value
    named = {getattr(kind, "__name__", kind): part for kind, part in value.items()}
    return next((named[name] for name in ("Image", "Tensor", "PIL", "others") if name in named), None)


def _resampling(transform: Any, notes: Notes) -> dict[str, Any]:
    name = _interpolation(transform, notes)
    if name != "nearest":
        notes.differs(
            "the outermost pixels of the moved image fade into the fill by their share of a pixel, and in torchvision "
            "by its square: they differ by up to a quarter of their distance from the fill"
        )
    return {"interpolation": name, "fill": _fill(transform)}


def _sides(given: Any) -> Any:
    """Return a tuple of sides, or one number, which torchvision also writes as a list of one."""
    sides = list(given) if isinstance(given, (list, tuple)) else [given]
    return sides[0] if len(sides) == 1 else tuple(sides)


def _antialias(transform: Any) -> bool:
    antialias = getattr(transform, "antialias", True)
    return True if antialias is None or antialias == "warn" else bool(antialias)


# Frames --------------------------------------------------------------------------------------------------------------


def _resize(t: Any, notes: Notes) -> list[Pipeline]:
    if t.size is None:
        return [fitting.LongestSide(t.max_size, **_filter(t, notes), rounding="down")]
    return [frames.Resize(_sides(t.size), max_size=t.max_size, **_filter(t, notes))]


def _center_crop(t: Any, notes: Notes) -> list[Pipeline]:
    return [frames.CenterCrop(_sides(t.size), pad_if_needed=True)]


def _pad(t: Any, notes: Notes) -> list[Pipeline]:
    return [frames.Pad(_sides(t.padding), _fill(t), BORDERS[t.padding_mode])]


def _random_crop(t: Any, notes: Notes) -> list[Pipeline]:
    padding = None if t.padding is None else _sides(t.padding)
    return [frames.RandomCrop(_sides(t.size), padding, bool(t.pad_if_needed), _fill(t), BORDERS[t.padding_mode])]


def _random_resized_crop(t: Any, notes: Notes) -> list[Pipeline]:
    notes.differs("near the edge of the window, the filter reads the image's pixels beyond it")
    return [frames.RandomResizedCrop(_sides(t.size), tuple(t.scale), tuple(t.ratio), **_filter(t, notes))]


def _shortest_size(t: Any, notes: Notes) -> list[Pipeline]:
    made: list[Pipeline] = [
        fitting.ShortestSide(size, t.max_size, **_filter(t, notes), rounding="down") for size in t.min_size
    ]
    return made if len(made) == 1 else [choice.RandomChoice(made)]


# Maps ----------------------------------------------------------------------------------------------------------------


def _rotation(t: Any, notes: Notes) -> list[Pipeline]:
    center = None if t.center is None else tuple(t.center)
    if t.expand:
        notes.differs("the canvas may be a pixel smaller: it is the smallest one that holds the image")
    return [RandomRotation(tuple(t.degrees), expand=bool(t.expand), center=center, **_resampling(t, notes))]


def _affine(t: Any, notes: Notes) -> list[Pipeline]:
    low, high = t.degrees
    if t.translate is not None:
        notes.differs("shifts are not rounded to whole pixels")
    return [
        RandomAffine(
            (-high, -low),  # torchvision's positive angles turn clockwise here, and counter-clockwise in RandomRotation
            translate=None if t.translate is None else tuple(t.translate),
            scale=None if t.scale is None else tuple(t.scale),
            shear=None if t.shear is None else tuple(t.shear),
            center=None if t.center is None else tuple(t.center),
            antialias=False,
            **_resampling(t, notes),
        )
    ]


def _perspective(t: Any, notes: Notes) -> list[Pipeline]:
    return [perspective.RandomPerspective(t.distortion_scale, t.p, **_resampling(t, notes))]


def _elastic(t: Any, notes: Notes) -> list[Pipeline]:
    notes.differs("the displacement is a smooth spline of the same spread, not filtered noise of each pixel")
    return [elastic.ElasticTransform(tuple(t.alpha), tuple(t.sigma), **_resampling(t, notes))]


# Colours -------------------------------------------------------------------------------------------------------------


def _jitter(t: Any, notes: Notes) -> list[Pipeline]:
    ranges = {name: getattr(t, name) for name in ("brightness", "contrast", "saturation", "hue")}
    given: dict[str, Any] = {name: tuple(ends) for name, ends in ranges.items() if ends is not None}
    if "hue" in given:
        notes.differs(HUE)
    if len(given) > 1:
        notes.differs("values are clamped once, after all adjustments, and no order is drawn")
    return [colour.ColorJitter(**given)]


def _photometric(t: Any, notes: Notes) -> list[Pipeline]:
    """Convert the distortion of SSD: each adjustment with probability p, contrast before or after the others."""
    notes.differs("contrast always comes before saturation and hue; torchvision draws the order")
    notes.differs(HUE)
    made = [
        colour.ColorJitter(brightness=tuple(t.brightness)),
        colour.ColorJitter(contrast=tuple(t.contrast)),
        colour.ColorJitter(saturation=tuple(t.saturation)),
        colour.ColorJitter(hue=tuple(t.hue)),
        colour.RandomChannelPermutation(),
    ]
    return [choice.RandomApply([one], t.p) for one in made]


def _blur(t: Any, notes: Notes) -> list[Pipeline]:
    width, height = t.kernel_size if isinstance(t.kernel_size, (list, tuple)) else (t.kernel_size, t.kernel_size)
    return [blur.GaussianBlur((width, height) if width != height else width, tuple(t.sigma))]


def _erasing(t: Any, notes: Notes) -> list[Pipeline]:
    value = t.value
    if value == "random" or value is None:
        value = "random"
        notes.differs("random values are uniform over the image's range; torchvision's are standard normal")
    return [erasing.RandomErasing(t.p, tuple(t.scale), tuple(t.ratio), value)]


def _gaussian_noise(t: Any, notes: Notes) -> list[Pipeline]:
    return [noise.GaussianNoise(t.mean, t.sigma, bool(t.clip))]


# Values --------------------------------------------------------------------------------------------------------------


def _to_tensor(t: Any, notes: Notes) -> list[Pipeline]:
    return [values.ToDtype("float32", scale=True)]


def _convert_dtype(t: Any, notes: Notes) -> list[Pipeline]:
    dtype = _of_images(t.dtype)
    return [] if dtype is None else [values.ToDtype(dtype, bool(getattr(t, "scale", True)))]


def _normalize(t: Any, notes: Notes) -> list[Pipeline]:
    return [values.Normalize(tuple(t.mean), tuple(t.std))]


def _nothing(t: Any, notes: Notes) -> list[Pipeline]:
    """Convert what augsynth does by itself: any image is taken, and a tensor (C, H, W) comes out."""
    return []


def _sanitize(t: Any, notes: Notes) -> list[Pipeline]:
    notes.rules.update(min_width=float(t.min_size), min_height=float(t.min_size), min_area=float(t.min_area))
    return []


# Choices and policies ------------------------------------------------------------------------------------------------


def _auto_augment(t: Any, notes: Notes) -> list[Pipeline]:
    return [policies.AutoAugment(t.policy.value, **_resampling(t, notes))]


def _rand_augment(t: Any, notes: Notes) -> list[Pipeline]:
    notes.differs("shifts may be by fractions of a pixel")
    return [policies.RandAugment(t.num_ops, t.magnitude, t.num_magnitude_bins, **_resampling(t, notes))]


def _trivial_augment(t: Any, notes: Notes) -> list[Pipeline]:
    notes.differs("shifts may be by fractions of a pixel")
    return [policies.TrivialAugmentWide(t.num_magnitude_bins, **_resampling(t, notes))]


def _iou_crop(t: Any, notes: Notes) -> list[Pipeline]:
    return [
        object_crops.RandomIoUCrop(
            t.min_scale, t.max_scale, t.min_aspect_ratio, t.max_aspect_ratio, tuple(t.options), t.trials
        )
    ]


def _apply(t: Any, notes: Notes) -> list[Pipeline]:
    inner = _each(t.transforms, notes)
    return [choice.RandomApply(inner, t.p)] if inner else []


def _choice(t: Any, notes: Notes) -> list[Pipeline]:
    weights = getattr(t, "p", None)
    return [choice.RandomChoice(_branches(t.transforms, notes), None if weights is None else tuple(weights))]


TABLE: dict[str, Converter] = {
    "Compose": lambda t, notes: _each(t.transforms, notes),
    "RandomApply": _apply,
    "RandomChoice": _choice,
    "RandomOrder": lambda t, notes: [orders.RandomOrder(_branches(t.transforms, notes))],
    "Resize": _resize,
    "RandomShortestSize": _shortest_size,
    "CenterCrop": _center_crop,
    "Pad": _pad,
    "RandomCrop": _random_crop,
    "RandomResizedCrop": _random_resized_crop,
    "RandomIoUCrop": _iou_crop,
    "RandomHorizontalFlip": lambda t, notes: [flips.RandomHorizontalFlip(t.p)],
    "RandomVerticalFlip": lambda t, notes: [flips.RandomVerticalFlip(t.p)],
    "RandomRotation": _rotation,
    "RandomAffine": _affine,
    "RandomPerspective": _perspective,
    "ElasticTransform": _elastic,
    "ColorJitter": _jitter,
    "RandomPhotometricDistort": _photometric,
    "RandomChannelPermutation": lambda t, notes: [colour.RandomChannelPermutation()],
    "Grayscale": lambda t, notes: [colour.Grayscale(t.num_output_channels)],
    "RandomGrayscale": lambda t, notes: [colour.RandomGrayscale(t.p)],
    "GaussianBlur": _blur,
    "GaussianNoise": _gaussian_noise,
    "JPEG": lambda t, notes: [degradations.JPEGCompression(tuple(t.quality), p=1.0)],
    "RandomInvert": lambda t, notes: [points.RandomInvert(t.p)],
    "RandomPosterize": lambda t, notes: [points.RandomPosterize(t.bits, t.p)],
    "RandomSolarize": lambda t, notes: [points.RandomSolarize(t.threshold, t.p)],
    "RandomAdjustSharpness": lambda t, notes: [blur.RandomAdjustSharpness(t.sharpness_factor, t.p)],
    "RandomAutocontrast": lambda t, notes: [histograms.RandomAutocontrast(t.p)],
    "RandomEqualize": lambda t, notes: [histograms.RandomEqualize(t.p)],
    "RandomErasing": _erasing,
    "AutoAugment": _auto_augment,
    "RandAugment": _rand_augment,
    "TrivialAugmentWide": _trivial_augment,
    "ToTensor": _to_tensor,
    "ConvertImageDtype": _convert_dtype,
    "ToDtype": _convert_dtype,
    "Normalize": _normalize,
    "SanitizeBoundingBoxes": _sanitize,
    **dict.fromkeys(
        ("PILToTensor", "ToPILImage", "ToImage", "ToPureTensor", "ToImageTensor", "Identity", "ClampBoundingBoxes"),
        _nothing,
    ),
}
"""Converters by the names of torchvision's classes."""
