"""Rules of `Compose` for targets: formats, tight boxes, pairs of keypoints; polygons and lines."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from augsynth import transforms as T
from augsynth.core.geometry import box_corners, outline_area
from augsynth.errors import ArgumentError, AugsynthError
from augsynth.testing import strategies as aug

IMAGE = np.zeros((20, 30, 3), np.uint8)
KEY = (0, 0, 0)
FLIP, TURN = T.RandomHorizontalFlip(1.0), T.RandomRotation((180, 180))


def _moved(transforms: list[T.Pipeline], target: Any, image: Any = IMAGE, key: Any = KEY, **rules: Any) -> Any:
    return T.Compose(transforms, **rules)(image, target, key=key)[1]


# Boxes ------------------------------------------------------------------------------------------------------------


def test_small_and_thin_boxes_are_dropped_with_all_that_is_theirs() -> None:
    boxes = np.array([[0, 0, 4, 9], [0, 0, 9, 4], [0, 0, 9, 9], [0, 0, 20, 6]], float)
    target = {"boxes": boxes, "labels": np.arange(4)}
    assert _moved([], target, min_width=5)["labels"].tolist() == [1, 2, 3]
    assert _moved([], target, min_height=5)["labels"].tolist() == [0, 2, 3]
    assert _moved([], target, max_aspect=2.0)["labels"].tolist() == [2]
    assert _moved([T.Resize((10, 15))], target, min_width=5)["labels"].tolist() == [3]


@given(data=st.data(), layout=st.sampled_from(["xywh", "cxcywh", "yolo"]))
def test_formats_of_boxes_come_in_and_go_out(data: st.DataObject, layout: str) -> None:
    corners = data.draw(aug.boxes(20, 30))
    x1, y1, x2, y2 = corners.T
    sides = [x2 - x1, y2 - y1]
    first = {"xywh": [x1, y1]}.get(layout, [(x1 + x2) / 2, (y1 + y2) / 2])
    given_boxes = np.stack([*first, *sides], axis=1)
    if layout == "yolo":
        given_boxes = given_boxes / (30, 20, 30, 20)
    t = [T.Resize((40, 90)), T.CenterCrop((32, 50))]
    expected = _moved(t, {"boxes": corners, "labels": np.arange(len(corners))})
    found = _moved(t, {"boxes": given_boxes, "labels": np.arange(len(corners))}, box_format=layout)
    np.testing.assert_array_equal(found["labels"], expected["labels"])
    back = found["boxes"] * (50, 32, 50, 32) if layout == "yolo" else found["boxes"]
    low = back[:, :2] if layout == "xywh" else back[:, :2] - back[:, 2:] / 2
    np.testing.assert_allclose(np.concatenate([low, low + back[:, 2:]], axis=1), expected["boxes"], atol=1e-9)


def test_pixels_are_no_yolo_boxes() -> None:
    with pytest.raises(ArgumentError, match="fractions of the image"):
        _moved([], {"boxes": [[3.0, 4, 5, 6]]}, box_format="yolo")


@pytest.mark.parametrize("boxes", [[[9.0, 8, 1, 2], [0, 0, 5, 5]], torch.tensor([[9.0, 8, 1, 2], [0, 0, 5, 5]])])
def test_reversed_boxes_are_refused_repaired_or_dropped(boxes: Any) -> None:
    target = {"boxes": boxes, "labels": [0, 1]}
    with pytest.raises(ArgumentError, match="reversed_boxes='repair'"):
        _moved([], target)
    repaired = _moved([], target, reversed_boxes="repair")
    assert np.asarray(repaired["boxes"]).tolist() == [[1, 2, 9, 8], [0, 0, 5, 5]]
    assert _moved([], target, reversed_boxes="drop")["labels"] == [1]
    coco = [{"bbox": [9, 8, -8, -6]}, {"bbox": [0, 0, 5, 5]}]
    assert [one["bbox"] for one in _moved([], coco, reversed_boxes="repair")] == [[1, 2, 8, 6], [0, 0, 5, 5]]
    assert len(_moved([], coco, reversed_boxes="drop")) == 1


def test_boxes_are_tight_around_their_masks_after_a_turn() -> None:
    y, x = np.indices((20, 30)) + 0.5
    disc = (x - 12) ** 2 + (y - 10) ** 2 < 36
    target = {
        "boxes": [[6.0, 4, 18, 16], [0, 0, 3, 3]],
        "masks": np.stack([disc, np.zeros_like(disc)]),
        "labels": [5, 6],
    }
    t: list[T.Pipeline] = [T.RandomRotation((45, 45))]
    moved = _moved(t, target, tight_boxes="masks")
    rows, columns = np.nonzero(moved["masks"][0])
    assert moved["boxes"] == [[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]]
    assert moved["labels"] == [5]  # nothing of the other one's mask is there
    loose = _moved(t, target)
    assert outline_area(box_corners(loose["boxes"])[0].tolist()) > 1.6 * outline_area(
        box_corners(moved["boxes"])[0].tolist()
    )


def test_coco_boxes_are_tight_around_polygons() -> None:
    octagon = [10, 4, 14, 4, 17, 7, 17, 11, 14, 14, 10, 14, 7, 11, 7, 7]
    annotation = {"bbox": [7, 4, 10, 10], "segmentation": [octagon]}
    tight = _moved([T.RandomRotation((45, 45))], [annotation], tight_boxes="masks")[0]
    points = np.reshape(tight["segmentation"][0], (-1, 2))
    np.testing.assert_allclose(tight["bbox"], [*points.min(axis=0), *np.ptp(points, axis=0)])
    loose = _moved([T.RandomRotation((45, 45))], [annotation])[0]
    assert loose["bbox"][2] > tight["bbox"][2] + 1


# Keypoints --------------------------------------------------------------------------------------------------------

PAIRS = [(0, 2), (3, 1)]
POINTS = np.array([[1.0, 2], [3, 4], [5, 6], [7, 8], [9, 10]])
SWAPPED = [2, 3, 0, 1, 4]


@pytest.mark.parametrize(
    ("transforms", "mirrors"),
    [
        ([FLIP], True),
        ([T.RandomVerticalFlip(1.0)], True),
        ([FLIP, T.RandomVerticalFlip(1.0)], False),
        ([FLIP, T.GaussianBlur(3), TURN], True),
        ([FLIP, T.GaussianBlur(3), FLIP], False),
        ([T.RandomTranspose(1.0)], True),
        ([T.RandomQuarterTurn(1)], False),
        ([T.RandomPerspective(0.3, p=1.0), FLIP], True),
        ([T.ElasticTransform(5.0, 5.0), FLIP], True),
        ([T.RandomAffine(30, scale=(0.5, 2))], False),
    ],
)
@pytest.mark.parametrize("shape", [(5, 2), (1, 5, 2)])
def test_pairs_of_keypoints_change_places_exactly_where_the_map_mirrors(
    transforms: list[T.Pipeline], mirrors: bool, shape: tuple[int, ...]
) -> None:
    target = {"keypoints": POINTS.reshape(shape), "visibility": np.array([2, 1, 2, 0, 2]).reshape(shape[:-1])}
    plain, paired = _moved(transforms, target), _moved(transforms, target, keypoint_flip_pairs=PAIRS)
    order = SWAPPED if mirrors else [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(paired["keypoints"], plain["keypoints"][..., order, :])
    np.testing.assert_array_equal(paired["visibility"], plain["visibility"][..., order])


def test_coco_keypoints_change_places_too() -> None:
    annotation = {"bbox": [0, 0, 20, 20], "keypoints": [5, 5, 2, 9, 5, 2, 7, 9, 2]}
    moved = _moved([FLIP], [annotation], keypoint_flip_pairs=[(0, 1)])[0]
    assert moved["keypoints"] == [21, 5, 2, 25, 5, 2, 23, 9, 2]


def test_keypoints_out_of_the_frame_are_removed_where_that_is_asked_for() -> None:
    target = {"keypoints": [[1.0, 1.0], [15.0, 10.0]], "labels": [3, 4]}
    moved = _moved([T.CenterCrop(10)], target, remove_invisible=True)
    assert moved == {"keypoints": [[5.0, 5.0]], "labels": [4]}
    beside = {**target, "boxes": [[10.0, 5, 20, 15]], "labels": [7], "visibility": [2, 1]}
    moved = _moved([T.CenterCrop(10)], beside, remove_invisible=True)
    assert (moved["keypoints"], moved["labels"], moved["visibility"]) == ([[5.0, 5.0]], [7], [1])
    with pytest.raises(ArgumentError, match="skeleton"):
        _moved([], {"keypoints": np.zeros((1, 4, 2))}, remove_invisible=True)


# Masks ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [np.asarray, torch.as_tensor])
def test_masks_with_channels_last_keep_them_there(make: Any) -> None:
    planes = np.random.default_rng(0).integers(0, 9, (4, 20, 30), dtype=np.uint8)
    last = make(np.moveaxis(planes, 0, -1).copy())
    target = {"boxes": np.tile([0.0, 0, 9, 9], (4, 1)), "masks": last}
    moved = _moved([FLIP, T.CenterCrop(6)], target)["masks"]
    assert type(moved) is type(last)
    expected = np.moveaxis(_moved([FLIP, T.CenterCrop(6)], {"masks": planes})["masks"], 0, -1)
    np.testing.assert_array_equal(moved, expected)


# Polygons and lines -----------------------------------------------------------------------------------------------


def test_polygons_are_objects_that_are_cut_at_the_frame() -> None:
    target = {
        "polygons": [np.array([[2.0, 2], [10, 2], [6, 8]]), [[12, 5], [18, 5], [18, 15], [12, 15]], torch.zeros(3, 2)],
        "labels": ["left", "middle", "nothing"],
    }
    moved = _moved([T.CenterCrop((20, 10))], target)
    assert moved["labels"] == ["middle"]
    assert moved["polygons"] == [[[2.0, 5.0], [8.0, 5.0], [8.0, 15.0], [2.0, 15.0]]]
    cut = _moved([T.CropAt((6, 0, 30, 20))], target)
    assert cut["labels"] == ["left", "middle"]
    assert outline_area(cut["polygons"][0].tolist()) == pytest.approx(12.0)
    assert _moved([T.CropAt((6, 0, 30, 20))], target, min_visibility=0.6)["labels"] == ["middle"]


@given(data=st.data(), key=aug.keys())
def test_polygons_move_as_the_corners_of_boxes_do(data: st.DataObject, key: tuple[int, int, int]) -> None:
    boxes = data.draw(aug.boxes(20, 30))
    t = data.draw(aug.geometry())
    target = {"boxes": boxes, "labels": np.arange(len(boxes)), "polygons": list(box_corners(boxes))}
    try:
        both = _moved([t], target, key=key)
        alone = _moved([t], {"polygons": target["polygons"], "labels": target["labels"]}, key=key)
    except AugsynthError:
        return
    np.testing.assert_array_equal(both["labels"], alone["labels"])
    for box, polygon in zip(both["boxes"], both["polygons"], strict=True):
        if t.explain().find("nearest") < 0 and not isinstance(t, T.RandomPerspective):
            whole = np.concatenate([polygon.min(axis=0), polygon.max(axis=0)])
            assert (whole[:2] >= box[:2] - 1e-6).all()
            assert (whole[2:] <= box[2:] + 1e-6).all()


def test_lines_keep_all_their_points() -> None:
    target = {"line_strings": [np.array([[1.0, 1], [15, 10]]), [[3, 4], [5, 6], [7, 8]]], "boxes": [[0.0, 0, 3, 3]]}
    moved = _moved([T.CenterCrop(10)], target)
    assert moved["line_strings"][0].tolist() == [[-9.0, -4.0], [5.0, 5.0]]
    assert moved["line_strings"][1] == [[-7.0, -1.0], [-5.0, 1.0], [-3.0, 3.0]]
    assert len(moved["boxes"]) == 0


# Words and storing ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"box_format": "coco"}, "'xyxy' or 'xywh'"),
        ({"reversed_boxes": "swap"}, "'refuse' or 'repair' or 'drop'"),
        ({"tight_boxes": "polygons"}, "None or 'masks'"),
        ({"keypoint_flip_pairs": [(0, 1), (1, 2)]}, "in one pair"),
        ({"keypoint_flip_pairs": [(0, 1, 2)]}, "pairs of numbers"),
        ({"keypoint_flip_pairs": [(0, -1)]}, "at least 0"),
        ({"max_aspect": 0.5}, "max_aspect"),
        ({"min_width": -1}, "min_width"),
        ({"remove_invisible": 1}, "remove_invisible"),
    ],
)
def test_rules_that_cannot_be_are_refused_in_words(rules: dict[str, Any], words: str) -> None:
    with pytest.raises(AugsynthError, match=words):
        T.Compose([], **rules)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ({"keypoints": [[1.0, 2.0]]}, "names keypoint 1, and there are 1"),
        ({"polygons": [[[1, 2], [3, 4]]]}, "K of at least 3"),
        ({"polygons": 3}, "a sequence of points"),
        ({"polygons": [[[1, 2], [3, 4], [5, 9]]], "boxes": []}, "of the same objects, got 0 and 1"),
    ],
)
def test_targets_that_do_not_fit_are_refused_in_words(target: Any, words: str) -> None:
    with pytest.raises(AugsynthError, match=words):
        _moved([FLIP], target, keypoint_flip_pairs=[(0, 1)])


def test_rules_are_stored_with_the_pipeline() -> None:
    t = T.Compose([FLIP], keypoint_flip_pairs=[[0, 1]], max_aspect=9, box_format="yolo", tight_boxes="masks")
    assert T.from_dict(json.loads(json.dumps(t.to_dict()))) == t
