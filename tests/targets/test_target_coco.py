"""COCO annotations go through and come back as COCO annotations."""

from __future__ import annotations

import copy
import json
import sys
import types
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augsynth import transforms as T
from augsynth.errors import ArgumentError, ArgumentTypeError
from augsynth.targets.rle import decode, encode_like

IMAGE = np.zeros((20, 30, 3), np.uint8)
CENTER = T.CenterCrop(10)  # x from 10 to 20, y from 5 to 15


def _person(**changes: Any) -> dict[str, Any]:
    return {
        "id": 7,
        "image_id": 3,
        "category_id": 1,
        "bbox": [8, 6, 6, 8],
        "area": 24.0,
        "iscrowd": 0,
        "segmentation": [[8, 6, 14, 6, 14, 14]],
        "keypoints": [9, 7, 2, 13, 13, 1, 0, 0, 0],
        "num_keypoints": 2,
        **changes,
    }


def _away() -> dict[str, Any]:
    return {"id": 8, "category_id": 2, "bbox": [0.0, 0.0, 5.0, 5.0], "area": 25.0, "iscrowd": 0}


def _moved(t: Any, target: Any) -> Any:
    return t(IMAGE, target, key=(0, 0, 0))[1]


def test_boxes_polygons_and_keypoints_move_together() -> None:
    (one,) = _moved(T.RandomHorizontalFlip(1.0), [_person()])
    assert one["bbox"] == [16, 6, 6, 8]
    assert one["segmentation"] == [[22, 6, 16, 6, 16, 14]]
    assert one["keypoints"] == [21, 7, 2, 17, 13, 1, 0, 0, 0]
    assert one["area"] == 24
    assert one["num_keypoints"] == 2
    assert (one["id"], one["image_id"], one["category_id"], one["iscrowd"]) == (7, 3, 1, 0)


def test_what_leaves_the_frame_is_cut_and_dropped() -> None:
    before = [_person(), _away(), {"id": 9, "caption": "a person"}]
    given_ = copy.deepcopy(before)
    one, caption = _moved(CENTER, given_)
    assert given_ == before
    assert one["bbox"] == [0, 1, 4, 8]
    assert caption == {"id": 9, "caption": "a person"}
    assert caption is not given_[2]
    assert one["keypoints"] == [0, 0, 0, 3, 8, 1, 0, 0, 0]
    assert one["num_keypoints"] == 1
    (polygon,) = one["segmentation"]
    points = np.reshape(polygon, (-1, 2))
    assert points.min() >= 0
    assert points[:, 0].max() <= 4
    assert one["area"] == pytest.approx(24 - 2 * (2 * 8 / 6) / 2)


def test_the_form_comes_back() -> None:
    target = {"image_id": 3, "annotations": [_person(), _away()]}
    moved = _moved(CENTER, target)
    assert moved["image_id"] == 3
    assert [one["id"] for one in moved["annotations"]] == [7]
    assert len(target["annotations"]) == 2
    assert _moved(CENTER, []) == []
    assert json.loads(json.dumps(moved)) == moved


def test_an_object_without_anything_left_of_its_polygons_is_dropped() -> None:
    corner = _person(bbox=[0, 0, 12, 7], segmentation=[[0, 0, 12, 0, 0, 7]])  # reaches the crop only as a box
    assert _moved(CENTER, [corner]) == []
    half = _person(segmentation=[[0, 0, 5, 0, 0, 5], [11, 6, 13, 6, 13, 8]])
    assert len(_moved(CENTER, [half])[0]["segmentation"]) == 1


def test_run_lengths_move_as_masks() -> None:
    mask = np.zeros((20, 30), np.uint8)
    mask[6:14, 8:14] = 1
    crowd = _person(iscrowd=1, segmentation=encode_like(mask, {"size": [], "counts": []}, "mask"))
    (one,) = _moved(CENTER, [crowd])
    assert one["segmentation"]["size"] == [10, 10]
    assert one["area"] == 4 * 8
    np.testing.assert_array_equal(decode(one["segmentation"], "mask"), mask[5:15, 10:20])
    assert json.dumps(one)


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.2, 0.5, 0.9, 1.0]))
def test_run_lengths_hold_any_mask(height: int, width: int, seed: int, share: float) -> None:
    mask = (np.random.default_rng(seed).random((height, width)) < share).astype(np.uint8)
    encoded = encode_like(mask, {"size": [0, 0], "counts": []}, "mask")
    assert sum(encoded["counts"]) == mask.size
    assert all(type(run) is int for run in encoded["counts"])
    np.testing.assert_array_equal(decode(encoded, "mask"), mask)


def test_area_without_a_segmentation_scales_as_the_box_does() -> None:
    box = {"bbox": [5.0, 5.0, 10.0, 5.0], "area": 20.0}
    (one,) = _moved(CENTER, [box])
    assert one == {"bbox": [0, 0, 5, 5], "area": 10.0}
    (one,) = _moved(CENTER, [{"bbox": [5.0, 5.0, 10.0, 5.0], "segmentation": []}])
    assert one == {"bbox": [0, 0, 5, 5], "segmentation": []}


def test_compressed_run_lengths_need_pycocotools(monkeypatch: pytest.MonkeyPatch) -> None:
    target = [_person(segmentation={"size": [20, 30], "counts": b"abc"})]
    monkeypatch.setitem(sys.modules, "pycocotools", None)
    with pytest.raises(ArgumentTypeError, match="pip install pycocotools"):
        _moved(CENTER, target)


@pytest.mark.parametrize("kind", [bytes, str])
def test_compressed_run_lengths_come_back_compressed(monkeypatch: pytest.MonkeyPatch, kind: type[Any]) -> None:
    stand_in = types.ModuleType("pycocotools")
    stand_in.mask = _PlainMask  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pycocotools", stand_in)
    mask = np.zeros((20, 30), np.uint8)
    mask[6:14, 8:14] = 1
    counts = _PlainMask.encode(mask)["counts"]
    counts = counts if kind is bytes else counts.decode()
    (one,) = _moved(CENTER, [_person(segmentation={"size": [20, 30], "counts": counts})])
    assert type(one["segmentation"]["counts"]) is kind
    assert one["segmentation"]["size"] == [10, 10]
    np.testing.assert_array_equal(_PlainMask.decode(one["segmentation"]), mask[5:15, 10:20])


class _PlainMask:
    """Stand-in for pycocotools.mask: the same calls and types, with another compression."""

    @staticmethod
    def encode(mask: npt.NDArray[np.uint8]) -> dict[str, Any]:
        return {"size": list(mask.shape), "counts": bytes(48 + mask.T.reshape(-1))}

    @staticmethod
    def decode(encoded: dict[str, Any]) -> npt.NDArray[np.uint8]:
        counts = encoded["counts"]
        values = np.frombuffer(counts if isinstance(counts, bytes) else counts.encode(), np.uint8) - 48
        return values.reshape(encoded["size"][::-1]).T


@pytest.mark.parametrize(
    ("annotation", "error", "words"),
    [
        (5, ArgumentTypeError, r"annotations\[0\] must be a dict"),
        ({"segmentation": []}, ArgumentError, r"annotations\[0\] must have a 'bbox'"),
        ({"bbox": [1, 2, 3]}, ArgumentError, "bbox"),
        ({"bbox": [1, 2, -3, 4]}, ArgumentError, r"\[x, y, width, height\]"),
        ({"bbox": [11, 6, 3, 4], "segmentation": [[1, 2, 3]]}, ArgumentError, "polygons"),
        ({"bbox": [11, 6, 3, 4], "segmentation": [5]}, ArgumentError, "polygons"),
        ({"bbox": [11, 6, 3, 4], "keypoints": [1, 2]}, ArgumentError, r"\[x1, y1, v1"),
        ({"bbox": [11, 6, 3, 4], "segmentation": {"size": [2, 2], "counts": [1]}}, ArgumentError, "sum to H"),
        ({"bbox": [11, 6, 3, 4], "segmentation": {"size": [2, 2], "counts": [4]}}, ArgumentError, "its image's"),
        ({"bbox": [11, 6, 3, 4], "segmentation": {"counts": 7}}, ArgumentError, "sum to H"),
    ],
)
def test_refusals_name_the_annotation(annotation: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        _moved(CENTER, [annotation])
