"""Boxes on the image's matrix: where they go, what is kept of them, and what goes with them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from augsynth import transforms as T
from augsynth.core.geometry import as_outline, clip_outline, map_boxes, outline_area
from augsynth.errors import ArgumentError, ArgumentTypeError
from augsynth.plan import Plan
from augsynth.testing import strategies as aug
from augsynth.transforms.pipeline import Pipeline

IMAGE = np.zeros((40, 60, 3), np.uint8)
KEY = (0, 0, 0)


def _moved(t: Pipeline, target: Any, image: npt.NDArray[Any] = IMAGE, key: tuple[int, int, int] = KEY) -> Any:
    return t(image, target, key=key)[1]


def _boxes(t: Pipeline, boxes: Any, image: npt.NDArray[Any] = IMAGE) -> list[list[float]]:
    return np.asarray(_moved(t, {"boxes": np.asarray(boxes, np.float64)}, image)["boxes"]).tolist()


def test_a_flip_mirrors_corner_coordinates() -> None:
    assert _boxes(T.RandomHorizontalFlip(1.0), [[10, 5, 20, 30]]) == [[40, 5, 50, 30]]
    assert _boxes(T.RandomVerticalFlip(1.0), [[10, 5, 20, 30]]) == [[10, 10, 20, 35]]


def test_a_quarter_turn_is_exact() -> None:
    turn = T.RandomRotation((90, 90), expand=True)
    assert _boxes(turn, [[10, 5, 20, 30]]) == [[5, 40, 30, 50]]


def test_resizing_scales_each_axis() -> None:
    assert _boxes(T.Resize((20, 120)), [[10, 6, 20, 30]]) == [[20, 3, 40, 15]]


def test_boxes_are_clipped_and_those_outside_dropped() -> None:
    kept = _boxes(T.CenterCrop((20, 20)), [[0, 0, 30, 20], [0, 0, 20, 10], [25, 15, 35, 25]])
    assert kept == [[0, 0, 10, 10], [5, 5, 15, 15]]


def test_what_one_pass_cuts_off_no_later_one_brings_back() -> None:
    t = T.Compose([T.CenterCrop((20, 20)), T.Pad(10)])
    assert _boxes(t, [[0, 0, 30, 20], [0, 0, 20, 10]]) == [[10, 10, 20, 20]]


def test_padding_keeps_boxes_that_reach_beyond_the_source() -> None:
    assert _boxes(T.Pad(10), [[-5, -5, 10, 10]]) == [[5, 5, 20, 20]]


def test_min_area_counts_what_is_left() -> None:
    crop = T.CenterCrop((20, 20))
    boxes = [[0, 0, 21, 21], [0, 0, 30, 30]]
    assert len(_boxes(T.Compose([crop], min_area=11.0), boxes)) == 2
    assert len(_boxes(T.Compose([crop], min_area=11.1), boxes)) == 1


def test_min_visibility_is_a_fraction_of_the_mapped_box() -> None:
    crop = [T.CenterCrop((40, 30)), T.Resize((80, 60))]
    assert len(_boxes(T.Compose(crop, min_visibility=0.5), [[5, 0, 25, 10]])) == 1
    assert len(_boxes(T.Compose(crop, min_visibility=0.51), [[5, 0, 25, 10]])) == 0


def test_a_box_without_area_is_dropped() -> None:
    assert _boxes(T.Compose([]), [[5, 5, 5, 9], [1, 1, 2, 2]]) == [[1, 1, 2, 2]]


def test_all_that_belongs_to_a_box_goes_with_it() -> None:
    target = {
        "boxes": np.array([[0.0, 0, 5, 5], [20, 10, 30, 20], [28, 18, 32, 22]]),
        "labels": torch.tensor([3, 1, 2]),
        "scores": [0.5, 0.25, 1.0],
        "names": ("a", "b", "c"),
        "iscrowd": np.array([0, 1, 0], np.uint8),
        "masks": np.stack([np.full((40, 60), value, np.uint8) for value in (7, 8, 9)]),
        "keypoints": np.arange(18.0).reshape(3, 2, 3),
        "image_id": 17,
        "path": "a.png",
    }
    moved = _moved(T.CenterCrop((20, 20)), target)
    assert moved["labels"].tolist() == [1, 2]
    assert moved["scores"] == [0.25, 1.0]
    assert moved["names"] == ("b", "c")
    assert moved["iscrowd"].tolist() == [1, 0]
    assert moved["iscrowd"].dtype == np.uint8
    assert moved["masks"].shape == (2, 20, 20)
    assert moved["masks"][:, 0, 0].tolist() == [8, 9]
    assert moved["keypoints"].shape == (2, 2, 3)
    assert moved["image_id"] == 17
    assert moved["path"] == "a.png"


def test_areas_scale_with_the_map_and_with_what_is_left() -> None:
    target = {"boxes": [[20.0, 10, 30, 20], [10, 10, 30, 20]], "area": np.array([50.0, 100.0])}
    unchanged = _moved(T.Compose([]), target)
    assert unchanged["area"].tolist() == [50.0, 100.0]
    moved = _moved(T.Compose([T.CenterCrop((20, 20)), T.Resize((40, 60))]), target)
    assert moved["area"] == pytest.approx([50.0 * 6, 100.0 * 6 / 2])
    turned = _moved(T.RandomRotation((30, 30), expand=True), target)
    assert turned["area"] == pytest.approx([50.0, 100.0])


def test_areas_are_counted_where_there_are_masks() -> None:
    mask = np.zeros((1, 40, 60), bool)
    mask[0, 10:20, 25:45] = True
    moved = _moved(T.CenterCrop((40, 30)), {"boxes": [[25, 10, 45, 20]], "masks": mask, "area": [999.0]})
    assert moved["area"] == [200.0]


@pytest.mark.parametrize(
    ("boxes", "dtype"),
    [
        (np.array([[1.0, 1, 9, 9]]), np.dtype(np.float64)),
        (np.array([[1, 1, 9, 9]], np.float32), np.dtype(np.float32)),
        (np.array([[1, 1, 9, 9]], np.int64), np.dtype(np.float32)),
        (torch.tensor([[1, 1, 9, 9]]), torch.float32),
        (torch.tensor([[1.0, 1, 9, 9]], dtype=torch.float64), torch.float64),
        (torch.tensor([[1.0, 1, 9, 9]], dtype=torch.bfloat16), torch.bfloat16),
    ],
)
def test_types_come_back_and_whole_numbers_become_float32(boxes: Any, dtype: Any) -> None:
    moved = _moved(T.Resize((41, 61)), {"boxes": boxes})["boxes"]
    assert type(moved) is type(boxes)
    assert moved.dtype == dtype
    assert float(moved[0, 2]) == pytest.approx(9 * 61 / 60, rel=1e-2)


@pytest.mark.parametrize("empty", [np.zeros((0, 4), np.float32), torch.zeros((0, 4)), np.zeros(0), []])
def test_no_boxes_are_boxes_too(empty: Any) -> None:
    target = {"boxes": empty, "labels": np.zeros(0, np.int64), "masks": np.zeros((0, 40, 60), bool)}
    moved = _moved(T.Resize(20), target)
    assert type(moved["boxes"]) is type(empty)
    assert len(moved["boxes"]) == len(moved["labels"]) == 0
    assert moved["masks"].shape == (0, 20, 30)


@given(aug.images(shape=(17, 23, 1), strided=False), st.data(), aug.keys())
def test_two_flips_are_none(image: npt.NDArray[Any], data: st.DataObject, key: tuple[int, int, int]) -> None:
    target = data.draw(aug.targets(17, 23))
    for flip in (T.RandomHorizontalFlip(1.0), T.RandomVerticalFlip(1.0)):
        moved = _moved(T.Compose([flip, flip], fuse=False), target, image, key)
        for name in target:
            np.testing.assert_allclose(moved[name], target[name], atol=1e-9, err_msg=name)
            assert moved[name].dtype == target[name].dtype


def _oracle(plan: Any, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Points (n, 2) through all passes, by solving for where the output looks."""
    for one in plan.passes:
        columns = np.linalg.solve(one.rows["inverse"][0], np.concatenate([points, np.ones((len(points), 1))], axis=1).T)
        points = (columns[:2] / columns[2]).T
    return points


def _shown(plan: Any, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the positions of those of the points (n, 2) that no pass cuts off."""
    for number in range(len(plan.passes)):
        points = _oracle(Plan(plan.passes[number : number + 1]), points)
        size = plan.passes[number].rows["output_size"][0]
        points = points[np.all((points >= 0) & (points <= size[::-1]), axis=1)]
    return points


@given(aug.cases(st.lists(aug.geometry(), max_size=3).map(T.Compose)), st.data())
def test_kept_boxes_hold_their_objects_points_in_their_order(case: aug.Case, data: st.DataObject) -> None:
    height, width = case.image.shape[:2]
    target = data.draw(aug.targets(height, width))
    moved = _moved(case.pipeline, target, case.image, case.key)
    labels = moved["labels"].tolist()
    assert labels == sorted(labels)
    assert len(moved["boxes"]) == len(labels)
    for label, box in zip(labels, moved["boxes"], strict=True):
        x1, y1, x2, y2 = target["boxes"][label]
        grid = np.stack(np.meshgrid(np.linspace(x1, x2, 5), np.linspace(y1, y2, 5)), axis=-1).reshape(-1, 2)
        shown = _shown(case.plan, grid)
        size = case.plan.passes[-1].rows["output_size"][0]
        assert np.all(shown >= box[:2] - 1e-6)
        assert np.all(shown <= box[2:] + 1e-6)
        assert np.all(box >= 0)
        assert np.all(box <= [*size[::-1], *size[::-1]])
        assert np.all(box[2:] > box[:2])


@given(aug.cases(st.lists(aug.geometry(), max_size=2).map(T.Compose)), st.data())
def test_dropped_boxes_are_out_of_sight(case: aug.Case, data: st.DataObject) -> None:
    assume(len(case.plan.passes) == 1)
    height, width = case.image.shape[:2]
    target = data.draw(aug.targets(height, width))
    moved = _moved(case.pipeline, target, case.image, case.key)
    size = case.plan.passes[-1].rows["output_size"][0]
    for label in set(range(len(target["labels"]))) - set(moved["labels"].tolist()):
        x1, y1, x2, y2 = target["boxes"][label]
        corners = as_outline(_oracle(case.plan, np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]])))
        assert outline_area(clip_outline(corners, (0, 0, *size[::-1]))) <= 1e-6 * outline_area(corners)


def test_perspective_cuts_boxes_at_the_horizon() -> None:
    matrix = np.array([[1.0, 0, 0], [0, 1, 0], [-0.1, 0, 1]])  # the horizon is x = 10
    inside, across, behind = map_boxes(matrix, [[0, 0, 5, 4], [0, 1, 20, 4], [11, 0, 20, 4]])
    assert inside.tolist() == [0, 0, 10, 8]
    assert across[0] == 0
    assert across[1] == 1
    assert across[2] > 1e5
    assert across[3] > 1e5
    assert np.isnan(behind).all()


@pytest.mark.parametrize(
    ("target", "error", "words"),
    [
        ({"boxes": [[10, 10, 5, 20]]}, ArgumentError, "width, height"),
        ({"boxes": [[1, 2, 3]]}, ArgumentError, r"shape \(..., 4\)"),
        ({"boxes": np.zeros((1, 1, 4))}, ArgumentError, r"shape \(N, 4\)"),
        ({"boxes": [[0, 0, np.nan, 5]]}, ArgumentError, "finite"),
        ({"boxes": [[0, 0, 1e300, 5]]}, ArgumentError, r"within 2\*\*53, got 1e\+300 at \[0, 2\]"),
        ({"boxes": [["a", "b", "c", "d"]]}, ArgumentTypeError, "numbers"),
        ({"boxes": "none"}, ArgumentTypeError, "list"),
        ({"boxes": [[1, 2, 3], [4]]}, ArgumentError, "one length"),
        ({"boxes": [[0, 0, 5, 5]], "labels": [1, 2]}, ArgumentError, "labels must have one entry an object, 1"),
        ({"boxes": [[0, 0, 5, 5]], "labels": 3}, ArgumentError, "labels must have one entry an object"),
        ({"boxes": [[0, 0, 5, 5]], "labels": torch.tensor(3)}, ArgumentError, "labels must have one entry an object"),
        ({"boxes": [[0, 0, 5, 5]], "area": [1.0, 2.0]}, ArgumentError, "area must have one entry an object"),
        ({"bboxes": [[0, 0, 5, 5]]}, ArgumentError, "call it 'boxes'"),
        ({"mask": IMAGE[..., 0]}, ArgumentError, "call it 'masks'"),
        ({"boxes": [[0, 0, 1, 1]], "rotated_boxes": np.zeros((2, 5))}, ArgumentError, "same objects"),
        (5, ArgumentTypeError, "target must be a dict"),
    ],
)
def test_refusals_say_what_is_wrong(target: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        T.Resize(20)(IMAGE, target)


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"min_area": -1.0}, "min_area"),
        ({"min_visibility": 1.5}, "min_visibility"),
        ({"min_visibility": float("nan")}, "min_visibility"),
        ({"pixel_center": 1}, "pixel_center"),
        ({"mask_fill": "red"}, "mask_fill"),
    ],
)
def test_rules_are_checked(rules: dict[str, Any], words: str) -> None:
    with pytest.raises((ArgumentError, ArgumentTypeError), match=words):
        T.Compose([], **rules)


def test_rules_are_part_of_the_description() -> None:
    t = T.Compose([T.Resize(20)], min_area=4.0, min_visibility=0.25, pixel_center=True, mask_fill=255)
    again = T.from_dict(t.to_dict())
    assert again == t
    assert "mask_fill=255" in repr(again)
    assert again != T.Compose([T.Resize(20)])
