"""Names of the fields of a target, and other names that mean one of them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

MOVING = ("boxes", "rotated_boxes", "masks", "keypoints", "polygons", "line_strings")

# fmt: off
# One entry an object, always.
PER_OBJECT = (
    "labels", "scores", "weights", "names", "ids", "track_ids", "category_ids", "iscrowd", "difficult",
    "truncated", "occluded", "attributes",
)
# One entry an object where there are several entries; a single value is that of the whole picture.
PER_OBJECT_OR_PICTURE = (
    "label", "class", "classes", "class_id", "class_ids", "class_label", "class_labels", "class_name",
    "class_names", "bbox_classes", "bbox_labels", "box_labels", "gt_labels", "gt_classes", "category",
    "categories", "category_id", "category_name", "category_names", "confidence", "confidences", "score",
    "weight", "name", "id", "track_id", "instance_id", "instance_ids", "is_crowd", "ignore",
)
# Fields of the whole picture, which may happen to have as many entries as there are boxes.
OF_THE_PICTURE = (
    "image_id", "image_ids", "img_id", "index", "path", "paths", "file_name", "filename", "source", "size",
    "orig_size", "original_size", "image_size", "img_size", "input_size", "canvas_size", "shape", "img_shape",
    "ori_shape", "pad_shape",
)
# fmt: on
FOLLOWING = frozenset((*PER_OBJECT, *PER_OBJECT_OR_PICTURE, "area", "visibility"))

_ROTATED = re.compile(r"(rotated|oriented).?b?box|\brb?box|\bobb")
_WORDS = {
    "boxes": re.compile(r"\w*box(es|s)?|rect(angle)?s?|rois?|proposals?"),
    "masks": re.compile(r"\w*masks?|seg(m|map|mentation)?s?|semseg|labelmaps?|trimaps?"),
    "keypoints": re.compile(r"\w*(keypoints?|kpts?|landmarks?)|kps?|joints?|points?"),
    "polygons": re.compile(r"polygons?|contours?|outlines?"),
    "line_strings": re.compile(r"polylines?|linestrings?|lanes?"),
}
_OF_TOKENS = ("attention_mask", "input_mask", "token_mask", "padding_mask")


@lru_cache(maxsize=1024)
def taken_for(name: Any) -> str | None:
    """Return the field that a name seems to mean, by the words in it; None for other names.

    >>> taken_for("gt_bboxes"), taken_for("faceKpts"), taken_for("caption")
    ('boxes', 'keypoints', None)
    """
    if not isinstance(name, str) or name in _OF_TOKENS:
        return None
    words = [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)]
    if _ROTATED.search(" ".join(words)):
        return "rotated_boxes"
    return next((field for field, known in _WORDS.items() if any(map(known.fullmatch, words))), None)
