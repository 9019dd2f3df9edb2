"""Pipelines of Albumentations and AlbumentationsX. Neither library is imported: a pipeline is read in serialised form.

Names and defaults are those of Albumentations 1.4 and 2.0 and of AlbumentationsX. Older names of a parameter are read
too, because stored pipelines keep them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from augsynth.errors import ArgumentError, ArgumentTypeError, shown
from augsynth.transforms import (
    choice,
    orders,
)
from augsynth.transforms.compose import Compose
from augsynth.transforms.converting.albumentations.colours import COLOURS
from augsynth.transforms.converting.albumentations.degradations import DEGRADATIONS
from augsynth.transforms.converting.albumentations.geometry import GEOMETRY
from augsynth.transforms.converting.albumentations.parameters import (
    Values,
    first_given,
    sometimes,
)
from augsynth.transforms.converting.conversion import Converted, Converter, Notes, convert_with
from augsynth.transforms.pipeline import Pipeline

LIBRARY = "Albumentations"
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


def _compose(v: Values, notes: Notes) -> list[Pipeline]:
    boxes, keypoints = v.get("bbox_params"), v.get("keypoint_params")
    if boxes:
        form = first_given(boxes, "coord_format format", "pascal_voc")
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
        form = first_given(keypoints, "coord_format format", "xy")
        if form != "xy":
            raise ArgumentError(f"keypoints of the format {form!r} have no counterpart: give (x, y)")
        notes.rules.update(remove_invisible=bool(keypoints.get("remove_invisible", True)), pixel_center=True)
    return sometimes(v, _each(v["transforms"], notes), default=1.0)


def _one_of(v: Values, notes: Notes) -> list[Pipeline]:
    made, weights = _branches(v, notes)
    return sometimes(v, [choice.RandomChoice(made, tuple(weights))]) if made else []


def _some_of(v: Values, notes: Notes) -> list[Pipeline]:
    if v.get("replace"):
        notes.differs("no transform is chosen twice")
    made, weights = _branches(v, notes)
    n = v.get("n", len(made))
    count = tuple(n) if isinstance(n, list) else n
    return sometimes(v, [orders.SomeOf(made, count, tuple(weights))], 1.0) if made else []


CONTAINERS: dict[str, Converter] = {
    "Compose": _compose,
    "Sequential": lambda v, notes: sometimes(v, _each(v["transforms"], notes)),
    "OneOf": _one_of,
    "SomeOf": _some_of,
    "RandomOrder": _some_of,
}
"""Converters of pipelines inside pipelines."""

TABLE: dict[str, Converter] = {**CONTAINERS, **GEOMETRY, **COLOURS, **DEGRADATIONS}
"""Converters by the names of Albumentations' classes."""
