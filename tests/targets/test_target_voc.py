"""Pascal VOC annotations go through and come back as VOC annotations."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from augsynth import transforms as T
from augsynth.errors import ArgumentError

IMAGE = np.zeros((20, 30, 3), np.uint8)


def _object(name: str, *corners: Any) -> dict[str, Any]:
    return {
        "name": name,
        "difficult": "0",
        "bndbox": dict(zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=True)),
    }


def _annotation(*objects: dict[str, Any]) -> dict[str, Any]:
    size = {"width": "30", "height": "20", "depth": "3"}
    return {"annotation": {"filename": "a.jpg", "size": size, "object": list(objects)}}


def _moved(t: Any, *objects: dict[str, Any]) -> Any:
    return t(IMAGE, _annotation(*objects))[1]["annotation"]


def test_pixels_from_1_stay_pixels_from_1() -> None:
    first = _moved(T.RandomHorizontalFlip(1.0), _object("dog", "1", "1", "1", "20"))["object"][0]
    assert first == _object("dog", "30", "1", "30", "20")
    same = _moved(T.Compose([]), _object("dog", "3", "4", "10", "20"))
    assert same == _annotation(_object("dog", "3", "4", "10", "20"))["annotation"]


def test_sizes_follow_and_objects_are_filtered() -> None:
    target = _annotation(_object("dog", "1", "1", "12", "8"), _object("cat", "1", "1", "5", "5"))
    before = copy.deepcopy(target)
    moved = T.CenterCrop(10)(IMAGE, target)[1]["annotation"]
    assert target == before
    assert moved["object"] == [_object("dog", "1", "1", "2", "3")]
    assert moved["size"] == {"width": "10", "height": "10", "depth": "3"}
    assert moved["filename"] == "a.jpg"


def test_numbers_that_are_not_whole_are_not_cut() -> None:
    (one,) = _moved(T.Resize((10, 15)), _object("dog", "2", "4", "11", "20"))["object"]
    assert one["bndbox"] == {"xmin": "1.5", "ymin": "2.5", "xmax": "5.5", "ymax": "10"}


def test_numbers_stay_numbers() -> None:
    (one,) = _moved(T.RandomHorizontalFlip(1.0), _object("dog", 1, 1, 1, 20))["object"]
    assert one["bndbox"] == {"xmin": 30.0, "ymin": 1.0, "xmax": 30.0, "ymax": 20.0}


def test_parts_are_moved_and_filtered_with_their_object() -> None:
    person = _object("person", "8", "6", "18", "14")
    person["part"] = [_object("head", "8", "6", "10", "8"), _object("hand", "15", "10", "16", "11")]
    (one,) = _moved(T.CenterCrop(10), person)["object"]
    assert [part["name"] for part in one["part"]] == ["hand"]
    assert one["part"][0]["bndbox"] == {"xmin": "5", "ymin": "5", "xmax": "6", "ymax": "6"}
    person["part"] = _object("hand", "15", "10", "16", "11")  # as readers of XML give a single one
    assert len(_moved(T.CenterCrop(10), person)["object"][0]["part"]) == 1


def test_annotations_need_no_objects_and_no_size() -> None:
    assert T.Resize(10)(IMAGE, {"annotation": {"segmented": "1"}})[1] == {"annotation": {"segmented": "1"}}


@pytest.mark.parametrize("broken", [{"name": "dog"}, {"bndbox": {"xmin": "1"}}, {"bndbox": {"xmin": "a"}}, "dog"])
def test_an_object_without_its_corners_is_refused(broken: Any) -> None:
    with pytest.raises(ArgumentError, match=r"object\[0\] must have a 'bndbox' with xmin, ymin, xmax, ymax"):
        _moved(T.Resize(10), broken)
