"""torchvision's tv_tensors go through by their class, and come back as what they were."""

from __future__ import annotations

import importlib.util
import sys
from typing import Any

import numpy as np
import pytest
import stand_in_tv_tensors
import torch
from hypothesis import given
from hypothesis import strategies as st

from augsynth import transforms as T
from augsynth.errors import ArgumentError, ArgumentTypeError

IMAGE = torch.zeros(3, 20, 30, dtype=torch.uint8)
FLIP = T.RandomHorizontalFlip(1.0)
CROP = T.CenterCrop(10)  # x from 10 to 20, y from 5 to 15


@pytest.fixture(autouse=True)
def tv(monkeypatch: pytest.MonkeyPatch) -> Any:
    """torchvision's own classes where it is installed, else those of the stand-in."""
    if importlib.util.find_spec("torchvision") is not None:
        return importlib.import_module("torchvision.tv_tensors")
    monkeypatch.setitem(sys.modules, "torchvision.tv_tensors", stand_in_tv_tensors)
    return stand_in_tv_tensors


def _boxes(tv: Any, layout: str, rows: list[list[float]]) -> Any:
    return tv.BoundingBoxes(torch.tensor(rows), format=layout, canvas_size=(20, 30))


@pytest.mark.parametrize(
    ("layout", "before", "away", "after"),
    [
        ("XYXY", [8.0, 6, 14, 14], [0.0, 0, 1, 1], [0.0, 1, 4, 9]),
        ("XYWH", [8.0, 6, 6, 8], [0.0, 0, 1, 1], [0.0, 1, 4, 8]),
        ("CXCYWH", [11.0, 10, 6, 8], [0.5, 0.5, 1, 1], [2.0, 5, 4, 8]),
        ("XYWHR", [12.0, 6, 6, 8, 0], [0.0, 0, 1, 1, 0], [2.0, 1, 6, 8, 0]),
        ("CXCYWHR", [15.0, 10, 6, 8, 20], [0.5, 0.5, 1, 1, 20], [5.0, 5, 6, 8, 20]),
        ("XYXYXYXY", [12.0, 6, 18, 6, 18, 14, 12, 14], [0.0, 0, 1, 0, 1, 1, 0, 1], [2.0, 1, 8, 1, 8, 9, 2, 9]),
    ],
)
def test_boxes_of_every_format(
    tv: Any, layout: str, before: list[float], away: list[float], after: list[float]
) -> None:
    boxes = _boxes(tv, layout, [before, away])
    _, moved = CROP(IMAGE, {"boxes": boxes, "labels": torch.tensor([1, 2])})
    assert type(moved["boxes"]) is tv.BoundingBoxes
    assert moved["boxes"].format.value == layout
    assert moved["boxes"].canvas_size == (10, 10)
    assert moved["boxes"].dtype == torch.float32
    np.testing.assert_allclose(moved["boxes"].as_subclass(torch.Tensor), [after], atol=1e-5)
    assert moved["labels"].tolist() == [1]


@given(st.floats(5, 25), st.floats(5, 15), st.floats(1, 9), st.floats(1, 9), st.floats(-179, 179))
def test_rotated_formats_name_the_same_rectangles(cx: float, cy: float, w: float, h: float, angle: float) -> None:
    tv = sys.modules["torchvision.tv_tensors"]
    turn = np.radians(angle)
    along = np.array([np.cos(turn), -np.sin(turn)]) * w / 2
    down = np.array([np.sin(turn), np.cos(turn)]) * h / 2
    corners = np.array([cx, cy]) + np.array([-along - down, along - down, along + down, -along + down])
    rows = {
        "CXCYWHR": [cx, cy, w, h, angle],
        "XYWHR": [*corners[0], w, h, angle],
        "XYXYXYXY": corners.reshape(-1).tolist(),
    }
    shown = []
    for layout, row in rows.items():
        boxes = tv.BoundingBoxes(torch.tensor([row], dtype=torch.float64), format=layout, canvas_size=(20, 30))
        _, moved = FLIP(IMAGE, {"boxes": boxes})
        shown.append(_corners(moved["boxes"].as_subclass(torch.Tensor).numpy()[0], layout))
    expected = np.array([30, 0]) + corners * np.array([-1, 1])
    for found in shown:
        distances = np.abs(found[:, None] - expected[None]).max(axis=-1)
        assert distances.min(axis=1).max() < 1e-6


def _corners(row: Any, layout: str) -> Any:
    if layout == "XYXYXYXY":
        return row.reshape(4, 2)
    x, y, w, h, angle = row
    turn = np.radians(angle)
    along = np.array([np.cos(turn), -np.sin(turn)]) * w
    down = np.array([np.sin(turn), np.cos(turn)]) * h
    first = np.array([x, y]) if layout == "XYWHR" else np.array([x, y]) - (along + down) / 2
    return first + np.array([0 * along, along, along + down, down])


def test_the_class_says_what_a_field_is_whatever_its_name(tv: Any) -> None:
    mask = torch.arange(600).reshape(20, 30)
    target = {
        "here": tv.Mask(mask),
        "there": _boxes(tv, "XYXY", [[1.0, 2, 3, 4]]),
        "points": tv.KeyPoints(torch.tensor([[1.0, 2.0]]), canvas_size=(20, 30)),
    }
    _, moved = FLIP(IMAGE, target)
    assert type(moved["here"]) is tv.Mask
    assert torch.equal(moved["here"].as_subclass(torch.Tensor), mask.flip(-1))
    assert moved["there"].tolist() == [[27, 2, 29, 4]]
    assert type(moved["points"]) is tv.KeyPoints
    assert moved["points"].tolist() == [[29, 2]]
    assert moved["points"].canvas_size == (20, 30)
    assert target["there"].tolist() == [[1, 2, 3, 4]]


def test_a_tv_tensor_can_be_a_target_by_itself(tv: Any) -> None:
    _, moved = FLIP(IMAGE, tv.Mask(torch.arange(600).reshape(20, 30)))
    assert type(moved) is tv.Mask
    assert moved[0, 0] == 29


def test_instance_masks_go_with_their_boxes(tv: Any) -> None:
    boxes = _boxes(tv, "XYWH", [[0.0, 0, 5, 5], [12, 6, 6, 8]])
    _, moved = CROP(IMAGE, {"boxes": boxes, "masks": tv.Mask(torch.ones(2, 20, 30, dtype=torch.bool))})
    assert moved["masks"].shape == (1, 10, 10)


def test_an_image_comes_back_as_one(tv: Any) -> None:
    image = tv.Image(torch.arange(1800.0).reshape(3, 20, 30))
    alone = FLIP(image)
    together, _ = FLIP(image, {"labels": [1]})
    for moved in (alone, together):
        assert type(moved) is tv.Image
        assert torch.equal(moved.as_subclass(torch.Tensor), image.as_subclass(torch.Tensor).flip(-1))
    assert type(FLIP(IMAGE)) is torch.Tensor


def test_pictures_in_a_target_are_refused(tv: Any) -> None:
    with pytest.raises(ArgumentTypeError, match=r"tv_tensors\.Image within a target"):
        FLIP(IMAGE, {"depth": tv.Image(IMAGE)})


def test_two_sets_of_boxes_are_refused(tv: Any) -> None:
    boxes = _boxes(tv, "XYXY", [[1.0, 2, 3, 4]])
    with pytest.raises(ArgumentError, match="got them as boxes and others"):
        FLIP(IMAGE, {"boxes": boxes, "others": boxes})


def test_torchvision_is_never_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torchvision.tv_tensors", raising=False)
    monkeypatch.setitem(sys.modules, "torchvision", None)  # an import would raise
    assert FLIP(IMAGE, {"boxes": torch.tensor([[1.0, 2, 3, 4]])})[1]["boxes"].tolist() == [[27, 2, 29, 4]]
