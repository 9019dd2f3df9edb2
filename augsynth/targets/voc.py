"""Pascal VOC annotations: {"annotation": {"size": …, "object": [{"name": …, "bndbox": …}, …]}}.

Their boxes name the first and the last pixel, counted from 1: (xmin, ymin, xmax, ymax) are the corners
(xmin − 1, ymin − 1, xmax, ymax) in augsynth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from augsynth.core.typing import Array, Floats
from augsynth.errors import ArgumentError, ArgumentTypeError, shown
from augsynth.plan.coordinates import CoordinateMap
from augsynth.targets.boxes import place_boxes, read_boxes
from augsynth.targets.guard import check_beside
from augsynth.targets.masks import Moving
from augsynth.targets.rules import TargetRules

_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_FIRST_PIXEL = np.array([1.0, 1.0, 0.0, 0.0])


def is_voc(target: Any) -> bool:
    """Return whether a target has the form of a VOC annotation."""
    return isinstance(target, Mapping) and isinstance(target.get("annotation"), Mapping)


class VocReading:
    """VOC annotation, read for an image of any size. The parts of an object are filtered like objects.

    Numbers that came as text are returned as text, whole numbers without a decimal point.

    Args:
        target: the annotation.
        rules: rules for what is kept.
    """

    masks: Sequence[Moving] = ()

    def __init__(self, target: Mapping[str, Any], rules: TargetRules) -> None:
        self._target = target
        self._rules = rules
        self._objects = _listed(target["annotation"].get("object") or ())
        self.boxes = _read(self._objects, "object", rules)
        self._check_others()

    def _check_others(self) -> None:
        """Refuse fields that are no part of the format and would stay behind."""
        annotation = self._target["annotation"]
        parts = [(self._target, "annotation"), (annotation, "object"), *((entry, "bndbox") for entry in self._objects)]
        for fields, form in parts:
            others = {name: value for name, value in fields.items() if name not in (form, "part")}
            check_beside(others, f"the VOC annotation's {form!r}", self._rules.passthrough)

    def place(self, where: CoordinateMap, masks: Sequence[Array]) -> dict[str, Any]:
        """Return the annotation in the output of the image's plan, with its size.

        Args:
            where: map from the image to the output.
            masks: empty, as annotations have no masks.
        """
        annotation = dict(self._target["annotation"])
        if "object" in annotation:
            annotation["object"] = self._placed(self._objects, where, "object")
        if isinstance(annotation.get("size"), Mapping):
            sides = zip(("height", "width"), where.output_size, strict=True)
            before = annotation["size"]
            annotation["size"] = {**before, **{name: _like(side, before.get(name, 0)) for name, side in sides}}
        return {**self._target, "annotation": annotation}

    def _placed(self, objects: Sequence[Mapping[str, Any]], where: CoordinateMap, what: str) -> list[dict[str, Any]]:
        placed = place_boxes(where, _read(objects, what, self._rules), self._rules)
        corners = placed.boxes + _FIRST_PIXEL
        kept = zip(objects, corners, placed.kept, strict=True)
        return [self._moved(entry, box, where, what) for entry, box, keep in kept if keep]

    def _moved(self, entry: Mapping[str, Any], box: Floats, where: CoordinateMap, what: str) -> dict[str, Any]:
        before = entry["bndbox"]
        values = {name: _like(float(value), before[name]) for name, value in zip(_CORNERS, box, strict=True)}
        result = {**entry, "bndbox": {**before, **values}}
        if "part" in entry:
            result["part"] = self._placed(_listed(entry["part"]), where, f"{what}'s part")
        return result


def _listed(objects: Any) -> Sequence[Mapping[str, Any]]:
    # Readers of XML give what comes once as itself, and not as a list of one.
    if isinstance(objects, (list, tuple)):
        return objects
    if not isinstance(objects, Mapping):
        raise ArgumentTypeError(f"the objects of an annotation must be a list of dicts, got {type(objects).__name__}")
    return [objects]


def _read(objects: Sequence[Mapping[str, Any]], what: str, rules: TargetRules) -> Floats:
    boxes = np.zeros((len(objects), 4))
    for number, entry in enumerate(objects):
        try:
            boxes[number] = [float(entry["bndbox"][name]) for name in _CORNERS]
        except (LookupError, TypeError, ValueError, OverflowError):
            raise ArgumentError(
                f"{what}[{number}] must have a 'bndbox' with {', '.join(_CORNERS)}, got {shown(entry)}"
            ) from None
    return read_boxes(boxes - _FIRST_PIXEL, f"the boxes of {what}", rules.reversed_boxes)


def _like(value: float, original: Any) -> Any:
    """Return a number in the form of another one: text if that is text."""
    if isinstance(original, str):
        return str(int(value)) if value == int(value) else repr(value)
    return value
