"""The guard: a field moves with its image, or it is refused, or the caller says that it stays."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from PIL import Image

from augsynth import transforms as T
from augsynth.errors import ArgumentError, ArgumentTypeError

IMAGE = np.zeros((8, 12, 3), np.uint8)
HALF = np.zeros((8, 12), np.uint8)
HALF[:, :6] = 1
TWO = [[0.0, 0, 2, 2], [4, 4, 8, 8]]


def _flipped(target: Any, **rules: Any) -> Any:
    return T.Compose([T.RandomHorizontalFlip(1.0)], **rules)(IMAGE, target)[1]


@dataclass
class _Objects:
    boxes: Any


class _Pair(NamedTuple):
    name: str
    mask: Any


@pytest.mark.parametrize(
    ("name", "value", "right"),
    [
        ("bbox", [0, 0, 2, 2], "boxes"),
        ("bboxes", TWO, "boxes"),
        ("gt_bboxes", [], "boxes"),
        ("boundingBox", [0, 0, 2, 2], "boxes"),
        ("hbox", [0, 0, 2, 2], "boxes"),
        ("head_boxes", TWO, "boxes"),
        ("rois", TWO, "boxes"),
        ("oriented_boxes", np.zeros((2, 5)), "rotated_boxes"),
        ("rotated_bboxes", np.zeros((2, 5)), "rotated_boxes"),
        ("mask", HALF, "masks"),
        ("segmentation_mask", HALF, "masks"),
        ("segmap", HALF, "masks"),
        ("keypoint", [[1.0, 1]], "keypoints"),
        ("key_points", [[1.0, 1]], "keypoints"),
        ("kpts", [1.0, 1, 2], "keypoints"),
        ("face_landmarks", np.zeros(10), "keypoints"),
        ("gt_polygons", [[0, 0, 1, 0, 1, 1]], "polygons"),
        ("polylines", [[0, 0, 1, 0, 1, 1]], "line_strings"),
    ],
)
def test_names_that_are_taken_for_a_field_say_which(name: str, value: Any, right: str) -> None:
    with pytest.raises(ArgumentError, match=f"call it '{right}', or say passthrough="):
        _flipped({name: value})


@pytest.mark.parametrize(
    "value",
    [
        np.zeros((8, 12), np.float32),
        np.zeros((4, 6), np.float32),
        torch.zeros(3, 8, 12),
        Image.new("RGB", (12, 8)),
        [HALF, HALF],
        [[1, 2], [3, 4]],
        ((1.0, 2.0), (3.0, 4.0)),
        np.array([[1, 2], [3, 4]], object),
        [0, 0, 5, 5],
        np.array([1.0, 2, 3, 4]),
        {"bbox": [0, 0, 2, 2]},
        {"deep": {"deeper": [{"mask": HALF}]}},
        [{"bbox": [0, 0, 2, 2]}],
        {"camera": np.eye(3)},
        SimpleNamespace(boxes=TWO),
        _Objects(TWO),
        _Pair("a", HALF),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_that_hold_positions_or_pixels_are_refused_under_any_name(value: Any) -> None:
    for name in ("depth", "extra", "label"):
        with pytest.raises(ArgumentError, match=rf"the field '{name}' would not move .*passthrough=\('{name}',\)"):
            _flipped({name: value})
    with pytest.raises(ArgumentError, match="the field 'depth' would not move"):
        _flipped({"boxes": TWO, "depth": value})


@pytest.mark.parametrize(
    "value",
    [
        7,
        "a dog",
        b"raw",
        None,
        np.float32(0.5),
        torch.tensor(3),
        [1, 0, 1],
        np.array([0.1, 0.2, 0.3, 0.4]),
        torch.zeros(10),
        ["a", "b", "c"],
        {"city": "Berlin", "year": 2026, "tags": ["a"]},
        [["a", "b"], ["c"], []],
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_of_the_whole_picture_pass_through(value: Any) -> None:
    assert _flipped({"boxes": TWO, "note": value})["note"] is value
    assert _flipped({"note": value})["note"] is value


def test_fields_of_the_picture_may_have_as_many_entries_as_there_are_boxes() -> None:
    target = {"boxes": TWO, "orig_size": torch.tensor([8, 12]), "size": (8, 12), "attention_mask": [1, 1, 0]}
    moved = _flipped(target)
    assert all(moved[name] is target[name] for name in target if name != "boxes")
    assert _flipped({"boxes": TWO[:1], "image_id": torch.tensor([5])})["image_id"].tolist() == [5]


@pytest.mark.parametrize(
    "name",
    ["label", "class_labels", "classes", "category", "category_id", "class_ids", "bbox_classes", "gt_labels", "score"],
)
def test_entries_of_dropped_boxes_go_under_all_usual_names(name: str) -> None:
    boxes = [[0.0, 0, 1, 1], [5, 3, 7, 5]]
    moved = T.CenterCrop(4)(IMAGE, {"boxes": boxes, name: [7, 8]})[1]
    assert moved[name] == [8]
    assert T.CenterCrop(4)(IMAGE, {"boxes": boxes, name: 7})[1][name] == 7
    with pytest.raises(ArgumentError, match=f"{name} must have one entry an object, 2 in all"):
        T.CenterCrop(4)(IMAGE, {"boxes": boxes, name: [7, 8, 9]})


def test_one_entry_a_box_under_an_unknown_name_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"'captions' would not move .* one entry for each of 2 boxes"):
        _flipped({"boxes": TWO, "captions": ["a", "b"]})


@pytest.mark.parametrize("name", ["mask", "depth", "objects", "masks"])
def test_a_named_field_stays_as_it_is(name: str) -> None:
    value = {"bbox": [0, 0, 2, 2]} if name == "objects" else HALF
    moved = _flipped({"boxes": TWO, name: value}, passthrough=[name])
    assert moved[name] is value
    assert moved["boxes"][0] == [10, 0, 12, 2]


def test_passthrough_is_part_of_the_description_and_is_checked() -> None:
    t = T.Compose([T.Pad(1)], passthrough=["depth", "mask"])
    assert t.passthrough == ("depth", "mask")
    assert T.from_dict(t.to_dict()) == t
    for wrong in ("depth", 3, [3]):
        with pytest.raises(ArgumentTypeError, match="passthrough must"):
            T.Compose([], passthrough=wrong)  # type: ignore[arg-type]


def test_rules_of_an_inner_pipeline_are_not_lost() -> None:
    inner = T.Compose([T.Pad(1)], min_area=4.0)
    for outer in (lambda: T.Compose([inner]), lambda: T.RandomApply([inner]), lambda: T.RandomChoice([inner])):
        with pytest.raises(ArgumentError, match=r"transforms\[0\] has rules for targets of its own"):
            outer()
    assert T.Compose([inner], min_area=4.0).rules.min_area == 4.0


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ({"annotations": [], "masks": HALF}, "the field 'masks' would not move with the image beside annotations"),
        ([{"bbox": [0, 0, 1, 1], "face_kpts": [1, 1, 2]}], "'face_kpts' .* call it 'keypoints'"),
        ([{"bbox": [0, 0, 1, 1], "boxes": TWO}], "the field 'boxes' would not move with the image beside a 'bbox'"),
        ([{"bbox": [0, 0, 1, 1], "bbox_mode": 0}], "bbox_mode 0: convert it to XYWH_ABS"),
        ({"annotation": {"object": []}, "mask": HALF}, "call it 'masks'"),
        (
            {"annotation": {"object": [], "masks": HALF}},
            "'masks' would not move .* beside the VOC",
        ),
    ],
)
def test_what_stands_beside_an_annotation_does_not_stay_behind(target: Any, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        _flipped(target)


def test_annotations_keep_what_their_formats_have() -> None:
    one = {"bbox": [0, 0, 2, 2], "bbox_mode": 1, "id": 4, "category_id": 1, "iscrowd": 0, "attributes": {"red": True}}
    assert _flipped([one])[0] == {**one, "bbox": [10.0, 0.0, 2.0, 2.0]}
    box = {"xmin": "1", "ymin": "1", "xmax": "2", "ymax": "2"}
    voc = {"annotation": {"folder": "a", "source": {"database": "b"}, "object": {"name": "c", "bndbox": box}}}
    assert _flipped(voc)["annotation"]["object"][0]["bndbox"]["xmin"] == "11"
    assert _flipped({"annotation": {"folder": "a", "object": None}})["annotation"]["object"] == []
