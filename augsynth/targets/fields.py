"""Targets as a dict of arrays: which of its fields move with the image, and which go with the objects that are kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import compress
from typing import Any, TypeVar

import numpy as np
import torch

from augsynth.core.arrays import coordinates, like, same_values, select, to_numpy
from augsynth.core.geometry import bounding_box
from augsynth.core.typing import Array, Floats
from augsynth.errors import ArgumentError
from augsynth.plan.coordinates import CoordinateMap
from augsynth.targets import tv_tensors
from augsynth.targets.box_formats import as_corners, from_corners
from augsynth.targets.boxes import Placed, area_scales, place_boxes, read_boxes, tightened
from augsynth.targets.guard import check_fields, has_entries
from augsynth.targets.masks import Moving, is_boolean, read_masks, with_axis_first, with_axis_last
from augsynth.targets.names import MOVING, PER_OBJECT, PER_OBJECT_OR_PICTURE
from augsynth.targets.points import place_keypoints
from augsynth.targets.polygons import outline_boxes, outlines_like, place_line_strings, place_polygons, read_outlines
from augsynth.targets.rotated import corners_of, place_rotated, read_rotated
from augsynth.targets.rules import TargetRules
from augsynth.targets.showing import EVERYTHING, Showing

_Read = TypeVar("_Read")


class FieldsReading:
    """Dict of arrays, tensors or lists, read for an image.

    Args:
        target: the fields by name.
        size: (H, W) of the image.
        rules: rules for what is kept.

    Attributes:
        boxes: upright boxes (n, 4) of the objects; None if the target has no boxes of any kind.
        masks: masks to be moved, in the order of their fields.
    """

    def __init__(self, target: Mapping[str, Any], size: tuple[int, int], rules: TargetRules) -> None:
        self._target = target
        self._roles = _roles(target, rules.passthrough)
        self._rules = rules
        self._size = size
        self._upright = self._read("boxes", self._read_upright)
        self._rotated = self._read("rotated_boxes", _read_turned)
        self._polygons = self._read("polygons", lambda value, name: read_outlines(value, name, 3))
        self._lines = {name: read_outlines(target[name], name, 1) for name in self._names("line_strings")}
        self.boxes = self._upright
        if self.boxes is None and self._rotated is not None:
            self.boxes = np.array([bounding_box(corners) for corners in corners_of(self._rotated)]).reshape(-1, 4)
        elif self.boxes is None and self._polygons is not None:
            self.boxes = outline_boxes(self._polygons)
        self._check_counts()
        self._channels_last: set[str] = set()
        objects = None if self.boxes is None else len(self.boxes)
        check_fields(target, rules.passthrough, objects, moves=bool(self._roles))
        self.masks: Sequence[Moving] = [self._read_masks(name, size) for name in self._names("masks")]

    def place(self, where: CoordinateMap, masks: Sequence[Array], showing: Showing = EVERYTHING) -> dict[str, Any]:
        """Return the target in the output of the image's plan.

        Args:
            where: map from the image to the output.
            masks: the masks of this reading, moved.
            showing: the part that the output shows; default everything.
        """
        self._require_cuttable(showing)
        whole, masks = masks, self._shown_masks(masks, showing)
        upright = None if self._upright is None else self._placed_boxes(where, self._upright, masks)
        rotated = None if self._rotated is None else place_rotated(where, self._rotated, self._rules)
        polygons = None if self._polygons is None else place_polygons(where, self._polygons, self._rules)
        decides = upright or rotated or (polygons and polygons[1])
        if decides is not None:
            decides = showing.chosen(showing.of_boxes(decides, self._mask_an_object(whole), self._rules))
        kept = None if decides is None else decides.kept
        result = dict(self._target)
        for role, placed in (("boxes", upright), ("rotated_boxes", rotated)):
            if placed is not None:
                name = self._names(role)[0]
                boxes = decides.boxes if placed is upright and decides is not None else placed.boxes
                result[name] = self._boxes_like(boxes[kept], name, where.output_size)
        if polygons is not None and kept is not None:
            name = self._names("polygons")[0]
            result[name] = list(compress(outlines_like(polygons[0], self._target[name]), kept))
        for name, lines in self._lines.items():
            result[name] = outlines_like(place_line_strings(where, lines), self._target[name])
        for name, moved in zip(self._names("masks"), masks, strict=True):
            chosen = with_axis_last(moved) if name in self._channels_last else moved
            if kept is not None and self._has_mask_an_object(name, moved):
                chosen = select(moved, kept, name)
            result[name] = self._wrapped(same_values(chosen, self._plain(name)), name)
        for name in self._names("keypoints"):
            fields, shown = self._keypoints(name, where, kept, showing)
            result.update(fields)
            if decides is None and self._rules.remove_invisible:
                result.update(self._of_points(shown))
        if decides is not None:
            result.update(self._followers(decides, where, masks))
        return result

    def _placed_boxes(self, where: CoordinateMap, boxes: Floats, masks: Sequence[Array]) -> Placed:
        placed = place_boxes(where, boxes, self._rules)
        moved = self._mask_an_object(masks)
        if self._rules.tight_boxes and moved is not None:
            return tightened(placed, to_numpy(moved != 0, "masks"), self._rules)
        return placed

    @property
    def joined(self) -> frozenset[str]:
        """The names of the fields that have one entry an object or a point: those of several targets follow another."""
        roles = ("boxes", "rotated_boxes", "polygons", "line_strings", "keypoints")
        names = [name for role in roles for name in self._names(role)]
        names += [name for name in self._names("masks") if name not in self.pictures]
        if self.boxes is not None or self._names("keypoints"):
            names += [name for name in (*self._followed(), "area", "visibility") if name in self._target]
        return frozenset(names) - {*self._rules.passthrough}

    @property
    def pictures(self) -> tuple[str, ...]:
        """The names of the masks that belong to the picture, and not to single objects."""
        read = zip(self._names("masks"), self.masks, strict=True)
        return tuple(name for name, moving in read if not self._has_mask_an_object(name, moving.values))

    def object_mask(self, number: int) -> Array:
        """Return the pixels (H, W) of an object, as booleans: its mask, or its box if it has none.

        Args:
            number: the number of the object.
        """
        if self.boxes is None or not 0 <= number < len(self.boxes):
            count = 0 if self.boxes is None else len(self.boxes)
            raise ArgumentError(f"object {number} is to be cut out of a target with {count} objects")
        masks = self._mask_an_object([moving.values for moving in self.masks])
        if masks is not None:
            return to_numpy(masks[number] != 0, "masks")
        left, top, right, bottom = self.boxes[number]
        rows, columns = (np.arange(length) + 0.5 for length in self._size)
        inside: Array = ((rows >= top) & (rows < bottom))[:, None] & ((columns >= left) & (columns < right))
        return inside

    def _mask_an_object(self, masks: Sequence[Any]) -> Any | None:
        """Return the masks of the objects among the masks of this reading; None if there are none."""
        read = zip(self._names("masks"), masks, strict=True)
        return next((values for name, values in read if self._has_mask_an_object(name, values)), None)

    def _shown_masks(self, masks: Sequence[Any], showing: Showing) -> Sequence[Any]:
        read = zip(self._names("masks"), masks, strict=True)
        return [showing.of_masks(moved) if self._has_mask_an_object(name, moved) else moved for name, moved in read]

    def _require_cuttable(self, showing: Showing) -> None:
        """Raise `ArgumentError` for fields that cannot follow where other images cover a part."""
        for role in ("rotated_boxes", "polygons"):
            if showing.hidden is not None and self._names(role):
                raise ArgumentError(
                    f"{role} cannot be cut along other images that lie above them: give 'masks' with 'boxes' instead"
                )
        for name in self._names("keypoints") if showing.only is not None else ():
            if name not in self._points_of_objects():
                raise ArgumentError(
                    f"{name} must have shape (objects, K, 2), so that those of one object can be pasted; got those of "
                    "the whole picture"
                )

    def _points_of_objects(self) -> list[str]:
        """Return the names of the keypoints (n, K, 2) of n objects."""
        arrays = {name: coordinates(self._plain(name), name, 2, 3, nowhere=True) for name in self._names("keypoints")}
        return [
            name
            for name, points in arrays.items()
            if self.boxes is not None and points.ndim > 2 and len(points) == len(self.boxes)
        ]

    def _check_counts(self) -> None:
        """Raise `ArgumentError` if boxes, rotated boxes and polygons are of different numbers of objects."""
        given = {"boxes": self._upright, "rotated_boxes": self._rotated, "polygons": self._polygons}
        counts = {role: len(values) for role, values in given.items() if values is not None}
        if len(set(counts.values())) > 1:
            raise ArgumentError(
                f"{' and '.join(counts)} are of the same objects, got {' and '.join(map(str, counts.values()))}"
            )

    def _names(self, role: str) -> list[str]:
        return [name for name, this in self._roles.items() if this == role]

    def _plain(self, name: str) -> Any:
        return tv_tensors.plain(self._target[name])

    def _read(self, role: str, reader: Callable[[Any, str], _Read]) -> _Read | None:
        names = self._names(role)
        if len(names) > 1:
            raise ArgumentError(f"a target has its {role} once, got them as {' and '.join(names)}")
        for name in names:
            return reader(self._target[name], name)
        return None

    def _read_upright(self, value: Any, name: str) -> Floats:
        rules = self._rules
        if tv_tensors.role_of(value):
            return tv_tensors.read(value, name, rules.reversed_boxes)
        if rules.box_format == "xyxy":
            return read_boxes(value, name, rules.reversed_boxes)
        numbers = coordinates(value, name, 4).reshape(-1, 4)
        return read_boxes(as_corners(numbers, rules.box_format, self._size, name), name, rules.reversed_boxes)

    def _read_masks(self, name: str, size: tuple[int, int]) -> Moving:
        given = self._plain(name)
        if has_channels_last(given, size):
            self._channels_last.add(name)
            given = with_axis_first(given)
        values = read_masks(given, size, name)
        return Moving(values, 0 if self._has_mask_an_object(name, values) else self._rules.mask_fill)

    def _has_mask_an_object(self, name: str, masks: Any) -> bool:
        """Return whether masks (N, H, W) are those of N boxes.

        One mask (1, H, W) of numbers beside one box is a picture's classes. It is the object's if it is boolean, or in
        a list.
        """
        if masks.ndim != 3 or self.boxes is None or len(masks) != len(self.boxes) or name in self._channels_last:
            return False
        return len(masks) != 1 or is_boolean(masks) or isinstance(self._target[name], (list, tuple))

    def _boxes_like(self, boxes: Floats, name: str, size: tuple[int, int]) -> Any:
        original = self._target[name]
        if tv_tensors.role_of(original):
            return tv_tensors.boxes_like(boxes, original, size)
        # A rotated box has one format.
        return like(from_corners(boxes, self._rules.box_format, size) if boxes.shape[1] == 4 else boxes, original)

    def _wrapped(self, value: Any, name: str, **changes: Any) -> Any:
        original = self._target[name]
        return tv_tensors.wrap(value, original, **changes) if tv_tensors.role_of(original) else value

    def _keypoints(
        self, name: str, where: CoordinateMap, kept: Array | None, showing: Showing
    ) -> tuple[dict[str, Any], Array]:
        """Return the field `name`, and the field beside it with the visibility of its points; a mask of those shown."""
        original = self._plain(name)
        points = coordinates(original, name, 2, 3, nowhere=True)
        within = points.shape[-1] == 3
        beside = self._target.get("visibility") if name == "keypoints" and not within else None
        visibility = points[..., 2] if within else np.full(points.shape[:-1], 2)
        if beside is not None:
            visibility = _visibility(beside, points.shape[:-1])
        placed, visibility = place_keypoints(where, points[..., :2], visibility, self._rules)
        visibility = showing.of_points(placed + self._rules.offset, visibility)
        if kept is not None and points.ndim > 2 and len(points) == len(kept):
            placed, visibility = placed[kept], visibility[kept]
        shown = visibility > 0
        if self._rules.remove_invisible:
            _check_single(name, visibility)
            placed, visibility = placed[shown], visibility[shown]
        if within:
            placed = np.concatenate([placed, visibility[..., None]], axis=-1)
        canvas = {} if tv_tensors.role_of(self._target[name]) is None else {"canvas_size": where.output_size}
        result = {name: self._wrapped(like(placed, original), name, **canvas)}
        if beside is not None:
            result["visibility"] = same_values(visibility, beside)
        return result, shown

    def _of_points(self, shown: Array) -> dict[str, Any]:
        """Return the fields with one entry for each point, of those that are `shown` (n,)."""
        fields = {name: self._target[name] for name in self._followed()}
        return {name: select(value, shown, name) for name, value in fields.items() if len(value) == len(shown)}

    def _followers(self, placed: Placed, where: CoordinateMap, masks: Sequence[Array]) -> dict[str, Any]:
        """Return the fields that describe each object, for the objects that are kept."""
        result = {name: select(self._target[name], placed.kept, name) for name in self._followed()}
        if "area" in self._target and "area" not in self._rules.passthrough:
            before = self._target["area"]
            areas = self._areas(to_numpy(before, "area"), placed, where, masks)
            result["area"] = like(areas[placed.kept], before)
        return result

    def _followed(self) -> list[str]:
        """Return the names of the fields that have one entry for each object."""
        return [
            name
            for name, value in self._target.items()
            if name not in self._rules.passthrough
            and (name in PER_OBJECT or (name in PER_OBJECT_OR_PICTURE and has_entries(value)))
        ]

    def _areas(self, before: Array, placed: Placed, where: CoordinateMap, masks: Sequence[Array]) -> Floats:
        """Return areas (n,): pixels of an object's mask, or its former area, scaled by the map and cut by the frame."""
        assert self.boxes is not None
        if before.shape != (len(self.boxes),) or before.dtype.kind not in "iuf":
            raise ArgumentError(
                f"area must have one entry an object, {len(self.boxes)} numbers in all; got {before.dtype} "
                f"{before.shape}"
            )
        for name, moved in zip(self._names("masks"), masks, strict=True):
            if self._has_mask_an_object(name, moved):
                shown = to_numpy(moved != 0, name)
                counts: Floats = np.count_nonzero(shown, axis=(1, 2)).astype(np.float64)
                return counts
        areas: Floats = before * area_scales(where, self.boxes) * placed.visible
        return areas


def _read_turned(value: Any, name: str) -> Floats:
    return tv_tensors.read(value, name) if tv_tensors.role_of(value) else read_rotated(value, name)


def _check_single(name: str, visibility: Array) -> None:
    if visibility.ndim != 1:
        raise ArgumentError(
            f"remove_invisible removes points (N, 2) or (N, 3), and {name} has shape {(*visibility.shape, 2)}: the "
            "points of a skeleton stay together, and their visibility says which are in the frame"
        )


def has_channels_last(masks: Any, size: tuple[int, int]) -> bool:
    """Return whether masks are an array or a tensor (H, W, C), and not (C, H, W), of an image of `size` (H, W)."""
    if not isinstance(masks, (np.ndarray, torch.Tensor)) or masks.ndim != 3:
        return False
    return tuple(masks.shape[:2]) == size and tuple(masks.shape[1:]) != size


def _roles(target: Mapping[str, Any], passthrough: Sequence[str]) -> dict[str, str]:
    """Return the role of each field that moves with the image: by class for tv_tensors, by name for others."""
    roles = {name: tv_tensors.role_of(value) or name for name, value in target.items() if name not in passthrough}
    return {name: role for name, role in roles.items() if role in MOVING}


def _visibility(value: Any, shape: tuple[int, ...]) -> Array:
    array = to_numpy(value, "visibility")
    if array.shape != shape:
        raise ArgumentError(f"visibility must have one entry a keypoint, {shape} in all; got {array.shape}")
    return array
