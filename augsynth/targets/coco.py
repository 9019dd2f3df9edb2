"""COCO annotations: a list of dicts, or {"image_id": …, "annotations": [...]}; positions count from the corner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain, islice
from numbers import Real
from typing import Any

import numpy as np

from augsynth.core.arrays import as_float, coordinates, to_numpy
from augsynth.core.geometry import Outline, as_outline, bounding_box, outline_area
from augsynth.core.typing import Array, Floats
from augsynth.errors import ArgumentError, ArgumentTypeError, shown
from augsynth.plan.coordinates import CoordinateMap
from augsynth.targets.boxes import ROUNDING, area_scales, large_enough, mask_box, place_boxes, read_boxes
from augsynth.targets.guard import check_beside
from augsynth.targets.masks import Moving, read_masks
from augsynth.targets.points import place_keypoints
from augsynth.targets.rle import decode, encode_like, is_rle
from augsynth.targets.rules import TargetRules

Annotation = Mapping[str, Any]
_MOVING = ("segmentation", "keypoints")
_XYWH_OF_DETECTRON2 = 1


class CocoReading:
    """COCO annotations, read for an image.

    Annotations without a box, such as captions, stay as they are. An object is dropped if its box is dropped, or if
    nothing of its segmentation is left in the frame.

    Args:
        target: the annotations.
        size: (H, W) of the image.
        rules: rules for what is kept.
    """

    def __init__(self, target: Any, size: tuple[int, int], rules: TargetRules) -> None:
        self._target = target
        self._rules = rules
        self._annotations: Sequence[Annotation] = _annotations(target)
        self._check_others()
        self._objects = [
            number for number, annotation in enumerate(self._annotations) if _is_object(annotation, number)
        ]
        self.boxes = _read_boxes(self._annotations, self._objects, rules.reversed_boxes)
        self._encoded = [number for number in self._objects if is_rle(self._annotations[number].get("segmentation"))]
        self.masks: Sequence[Moving] = [self._decoded(number, size) for number in self._encoded]

    def place(self, where: CoordinateMap, masks: Sequence[Array]) -> Any:
        """Return the annotations in the output of the image's plan.

        Args:
            where: map from the image to the output.
            masks: the masks of this reading, moved.
        """
        moved = dict(zip(self._encoded, masks, strict=True))
        placed = place_boxes(where, self.boxes, self._rules)
        scales = area_scales(where, self.boxes) * placed.visible
        outlines = self._outlines(where, np.flatnonzero(placed.kept).tolist())
        results: list[Annotation | None] = [dict(annotation) for annotation in self._annotations]
        for number, box, scale, kept in zip(self._objects, placed.boxes, scales, placed.kept, strict=True):
            shape = moved[number] if number in moved else outlines.get(number, [])
            annotation = self._placed(number, where, shape, float(scale)) if kept else None
            if annotation and self._rules.tight_boxes and annotation.get("segmentation"):
                box = _around(shape)
                annotation = annotation if large_enough(box[None], self._rules)[0] else None
            bbox = [*box[:2].tolist(), *(box[2:] - box[:2]).tolist()]
            results[number] = annotation and {**annotation, "bbox": bbox}
        remaining = [annotation for annotation in results if annotation is not None]
        return {**self._target, "annotations": remaining} if isinstance(self._target, Mapping) else remaining

    def _check_others(self) -> None:
        """Refuse fields that are no part of the format and would stay behind, and boxes in another format."""
        if isinstance(self._target, Mapping):
            check_beside(_without(self._target, "annotations"), "annotations", self._rules.passthrough)
        for number, annotation in enumerate(self._annotations):
            if "bbox_mode" in annotation and int(annotation["bbox_mode"]) != _XYWH_OF_DETECTRON2:
                raise ArgumentError(
                    f"annotations[{number}]['bbox'] must be [x, y, width, height], got bbox_mode "
                    f"{annotation['bbox_mode']!r}: convert it to XYWH_ABS first"
                )
            check_beside(_without(annotation, "bbox", "bbox_mode", *_MOVING), "a 'bbox'", self._rules.passthrough)

    def _outlines(self, where: CoordinateMap, kept: Sequence[int]) -> dict[int, list[Outline]]:
        """Return the polygons of the `kept` objects in the output, by annotation; one call finds them all."""
        polygons = {number: self._polygons(number) for number in (self._objects[position] for position in kept)}
        found = iter(where.outlines(list(chain.from_iterable(polygons.values()))))
        return {number: list(islice(found, len(given))) for number, given in polygons.items()}

    def _polygons(self, number: int) -> list[Outline]:
        """Return the polygons of an annotation that have an area; none for a mask."""
        if number in self._encoded:
            return []
        what = f"annotations[{number}]['segmentation']"
        given = [_polygon(flat, what) for flat in self._annotations[number].get("segmentation") or ()]
        return [polygon for polygon in given if outline_area(polygon) > ROUNDING]

    def _placed(
        self, number: int, where: CoordinateMap, shape: Array | list[Outline], scale: float
    ) -> Annotation | None:
        """Return an object's annotation in the output without its box; None if its segmentation is not visible.

        `shape` is the segmentation in the output: a mask, or polygons.
        """
        what, original = f"annotations[{number}]", self._annotations[number]
        result = dict(original)
        if "area" in original:
            result["area"] = _number(original["area"], f"{what}['area']") * scale
        if original.get("segmentation"):
            segmentation, area = _segmentation(original["segmentation"], shape, f"{what}['segmentation']")
            if not area > 0:
                return None
            result |= {"segmentation": segmentation} | ({"area": area} if "area" in original else {})
        if "keypoints" in original:
            keypoints = _keypoints(original["keypoints"], where, self._rules, f"{what}['keypoints']")
            result["keypoints"] = keypoints
            result["num_keypoints"] = sum(visibility > 0 for visibility in keypoints[2::3])
        return result

    def _decoded(self, number: int, size: tuple[int, int]) -> Moving:
        what = f"annotations[{number}]['segmentation']"
        return Moving(read_masks(decode(self._annotations[number]["segmentation"], what), size, what), 0)


def _without(fields: Annotation, *names: str) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in names}


def _annotations(target: Any) -> Sequence[Annotation]:
    annotations = target["annotations"] if isinstance(target, Mapping) else target
    if not isinstance(annotations, (list, tuple)):
        raise ArgumentTypeError(f"annotations must be a list of dicts, got {type(annotations).__name__}")
    for number, annotation in enumerate(annotations):
        if not isinstance(annotation, Mapping):
            raise ArgumentTypeError(
                f"annotations[{number}] must be a dict, as COCO has them, got {type(annotation).__name__}"
            )
    return list(annotations)


def _is_object(annotation: Annotation, number: int) -> bool:
    if "bbox" not in annotation and any(name in annotation for name in _MOVING):
        raise ArgumentError(f"annotations[{number}] must have a 'bbox', got {sorted(annotation)}")
    outline = annotation.get("segmentation")
    if outline is not None and not isinstance(outline, (list, tuple, Mapping)):
        raise ArgumentTypeError(
            f"annotations[{number}]['segmentation'] must be polygons or run-length encoded, got {shown(outline)}"
        )
    return "bbox" in annotation


def _read_boxes(annotations: Sequence[Annotation], objects: Sequence[int], reversed_boxes: str) -> Floats:
    boxes = np.zeros((len(objects), 4))
    for box, number in zip(boxes, objects, strict=True):
        what = f"annotations[{number}]['bbox']"
        given = to_numpy(annotations[number]["bbox"], what)
        box[:] = coordinates(given[None], what, 4)[0] if given.shape == (4,) else -1.0
        if given.shape != (4,) or (box[2:].min() < 0 and reversed_boxes == "refuse"):
            raise ArgumentError(f"{what} must be [x, y, width, height], got {shown(annotations[number]['bbox'])}")
        box[2:] += box[:2]
    return read_boxes(boxes, "bbox", reversed_boxes)


def _number(value: Any, what: str) -> float:
    if not isinstance(value, Real):
        raise ArgumentTypeError(f"{what} must be a number, got {shown(value)}")
    return as_float(value)


def _reshaped(flat: Any, width: int, what: str) -> Array:
    try:
        return np.reshape(flat, (-1, width))
    except (ValueError, TypeError, RuntimeError):  # the latter two from tensors
        raise ArgumentError(f"{what} must be a list of numbers, got {shown(flat)}") from None


def _segmentation(original: Any, shape: Array | list[Outline], what: str) -> tuple[Any, float]:
    """Return a segmentation in the output, a mask or polygons, in its original form, and its area in square pixels."""
    if not isinstance(shape, list):
        return encode_like(shape, original, what), float(np.count_nonzero(shape))
    areas = [outline_area(outline) for outline in shape]
    left = [list(chain(*outline)) for outline, area in zip(shape, areas, strict=True) if area > ROUNDING]
    return left, sum(areas) if left else 0.0


def _around(shape: Array | list[Outline]) -> Floats:
    """Return the box (4,) around a segmentation in the output."""
    if isinstance(shape, list):
        return bounding_box(list(chain.from_iterable(one for one in shape if outline_area(one) > ROUNDING)))
    return mask_box(shape != 0)


def _polygon(flat: Any, what: str) -> Outline:
    if not isinstance(flat, (list, tuple, np.ndarray)) or len(flat) % 2 or len(flat) < 6:
        raise ArgumentError(f"{what} must be polygons [x1, y1, x2, y2, x3, y3, ...], got {shown(flat)}")
    return as_outline(coordinates(_reshaped(flat, 2, what), what, 2))


def _keypoints(flat: Any, where: CoordinateMap, rules: TargetRules, what: str) -> list[Any]:
    """Return [x, y, visibility, ...] in the output; unlabelled keypoints are three zeros, as the format requires."""
    if not isinstance(flat, (list, tuple, np.ndarray)) or len(flat) % 3:
        raise ArgumentError(f"{what} must be [x1, y1, v1, x2, y2, v2, ...], got {shown(flat)}")
    triples = coordinates(_reshaped(flat, 3, what), what, 3)
    points, visibility = place_keypoints(where, triples[:, :2], triples[:, 2].astype(np.int64), rules)
    points[visibility == 0] = 0.0
    placed = zip(points.tolist(), visibility.tolist(), strict=True)
    return [value for (x, y), visible in placed for value in (x, y, visible)]
