"""Objects without area, or wholly outside of their image, are dropped under every map and in every form."""

from __future__ import annotations

import importlib.util
import sys
from typing import Any

import numpy as np
import pytest
import stand_in_tv_tensors
import torch

from augsynth import transforms as T

IMAGE = np.zeros((40, 60, 3), np.uint8)
MAPS = [
    T.Compose([]),
    T.RandomHorizontalFlip(1.0),
    T.RandomRotation((30, 30)),
    T.RandomRotation((90, 90), expand=True),
    T.RandomShear((20, 20)),
    T.RandomPerspective(0.4, 1.0),
    T.Resize((77, 91)),
    T.Pad(30),
    T.Compose([T.RandomRotation((30, 30)), T.GaussianBlur(3), T.RandomRotation((-50, -50))]),
]
TINY = 5e-324
# The last one is real.
UPRIGHT = [
    [20.0, 10, 20, 30],
    [20, 10, 30, 10],
    [30, 20, 30, 20],
    [20, 10, 20 + 1e-9, 30],
    [0, 10, TINY, 30],
    [0, 10, 1e-9, 30],
    [20, 0, 30, TINY],
    [-8, 5, -2, 9],
    [60, 10, 66, 20],
    [20, 40, 30, 50],
    [25, 15, 35, 25],
]
REAL = len(UPRIGHT) - 1


@pytest.fixture
def tv(monkeypatch: pytest.MonkeyPatch) -> Any:
    if importlib.util.find_spec("torchvision") is not None:
        return importlib.import_module("torchvision.tv_tensors")
    monkeypatch.setitem(sys.modules, "torchvision.tv_tensors", stand_in_tv_tensors)
    return stand_in_tv_tensors


def _moved(t: Any, target: Any) -> Any:
    return t(IMAGE, target, key=(0, 0, 0))[1]


@pytest.mark.parametrize("t", MAPS, ids=repr)
def test_all_that_belongs_to_them_goes(t: Any) -> None:
    n = len(UPRIGHT)
    target = {
        "boxes": UPRIGHT,
        "labels": np.arange(n),
        "scores": [0.5] * n,
        "area": np.ones(n),
        "masks": np.zeros((n, 40, 60), bool),
        "keypoints": np.full((n, 2, 2), 20.0),
    }
    moved = _moved(t, target)
    assert moved["labels"].tolist() == [REAL]
    assert {name: len(value) for name, value in moved.items()} == dict.fromkeys(target, 1)


@pytest.mark.parametrize("t", MAPS, ids=repr)
def test_in_every_form(tv: Any, t: Any) -> None:
    boxes = np.array(UPRIGHT)
    sides = boxes[:, 2:] - boxes[:, :2]
    coco = [{"id": i, "bbox": [*low, *side]} for i, (low, side) in enumerate(zip(boxes[:, :2], sides, strict=True))]
    assert [one["id"] for one in _moved(t, coco)] == [REAL]
    names = ("xmin", "ymin", "xmax", "ymax")
    corners = [dict(zip(names, box.tolist(), strict=True)) for box in boxes + np.array([1.0, 1, 0, 0])]
    voc = {"annotation": {"object": [{"name": str(i), "bndbox": one} for i, one in enumerate(corners)]}}
    assert [one["name"] for one in _moved(t, voc)["annotation"]["object"]] == [str(REAL)]
    for layout, rows in {
        "XYXY": boxes,
        "XYWH": np.concatenate([boxes[:, :2], sides], axis=1),
        "CXCYWH": np.concatenate([boxes[:, :2] + sides / 2, sides], axis=1),
    }.items():
        given = tv.BoundingBoxes(torch.tensor(rows, dtype=torch.float64), format=layout, canvas_size=(40, 60))
        assert _moved(t, {"boxes": given, "labels": torch.arange(len(rows))})["labels"].tolist() == [REAL], layout


@pytest.mark.parametrize("t", MAPS, ids=repr)
def test_rotated_boxes_too(tv: Any, t: Any) -> None:
    rows = [
        [20.0, 10, 0, 20, 0],
        [20, 10, 20, 0, 30],
        [20, 10, 1e-9, 20, 15],
        [20, 10, TINY, 20, 15],
        [30, 20, 0, 0, 10],
        [-8, 5, 4, 4, 10],
        [70, 20, 10, 10, 45],
        [30, 20, 10, 10, 10],
    ]
    labels = torch.arange(len(rows))
    assert _moved(t, {"rotated_boxes": np.array(rows), "labels": labels})["labels"].tolist() == [7]
    given = tv.BoundingBoxes(torch.tensor(rows, dtype=torch.float64), format="CXCYWHR", canvas_size=(40, 60))
    assert _moved(t, {"rotated": given, "labels": labels})["labels"].tolist() == [7]


@pytest.mark.parametrize("t", MAPS, ids=repr)
def test_segmentations_that_are_lines(t: Any) -> None:
    line, triangle = [20, 10, 30, 20, 25, 15], [20, 10, 35, 12, 25, 25]
    annotations = [
        {"id": i, "bbox": [20, 10, 15, 15], "segmentation": one} for i, one in enumerate([[line], [triangle]])
    ]
    both = {"id": 2, "bbox": [20, 10, 15, 15], "segmentation": [line, triangle]}
    moved = _moved(t, [*annotations, both])
    assert [one["id"] for one in moved] == [1, 2]
    assert len(moved[1]["segmentation"]) == 1


def test_boxes_that_meet_the_frame_by_rounding_alone_are_outside() -> None:
    """Kept boxes have sides that float32 tells apart, as detectors refuse others."""
    for index in range(300):
        t = T.Compose([T.RandomScale((0.3, 3.0)), T.RandomRotation((90, 90))])
        scale = float(t.plan([IMAGE.shape], [(0, 0, index)]).matrices()[0, 0, 1])
        edge = 30 - 20 * abs(scale)
        beside = {"boxes": np.array([[edge - 5, 15, edge, 25]], np.float32), "labels": [1]}
        boxes = t(IMAGE, beside, key=(0, 0, index))[1]["boxes"]
        assert (boxes[:, 2:] > boxes[:, :2]).all()


def test_boxes_that_reach_beyond_the_image_stay() -> None:
    assert _moved(T.Pad(10), {"boxes": [[-5.0, -5, 10, 10]]})["boxes"] == [[5, 5, 20, 20]]
