"""Mosaics: each pixel, mask and box names its source; keys decide, files replay, and any split gives the same bits."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from several_sources import DTYPES, equal_targets, keys, level_of, stored, whole

import augsynth
from augsynth import transforms as T
from augsynth.data import AugmentedDataset
from augsynth.errors import ArgumentError, ArgumentTypeError

SIDES = st.integers(1, 40)
FITS = st.sampled_from(["cover", "contain"])
DARK = np.zeros((3, 3), np.uint8)
FLIPS = T.Compose([T.RandomHorizontalFlip(), T.RandomVerticalFlip()])


@st.composite
def data_sets(draw: Any) -> list[tuple[Any, dict[str, Any]]]:
    dtype, channels = draw(st.sampled_from(DTYPES)), draw(st.integers(1, 4))
    sizes = draw(st.lists(st.tuples(SIDES, SIDES), min_size=1, max_size=5))
    return [whole(number, h, w, channels, dtype) for number, (h, w) in enumerate(sizes)]


@given(data_sets(), st.tuples(st.integers(1, 3), st.integers(1, 3)), FITS, st.integers(0, 2**40), st.booleans())
def test_each_pixel_names_its_source_and_masks_and_boxes_agree(
    data: Any, grid: tuple[int, int], fit: str, seed: int, own: bool
) -> None:
    images, targets = map(list, zip(*data, strict=True))
    mosaic = T.Mosaic((32, 27), grid, transform=FLIPS, source=None if own else data, fit=fit)
    made, joined = mosaic.batch(images, targets, keys=keys(len(data), seed))
    kind = images[0].dtype.type
    for number, (image, target) in enumerate(zip(made.numpy(), joined, strict=True)):
        np.testing.assert_allclose(target["boxes"], np.rint(target["boxes"]), atol=1e-9)
        image = np.round(image, 6)  # a mirrored edge may be off by 1e-16 of a pixel
        assert (image == image[:1]).all()
        assert target["image_id"] == number
        assert number in target["labels"] or fit == "contain"
        assert set(np.unique(image)) <= {level_of(label, kind) for label in target["labels"]} | {kind(0)}
        for label in np.unique(target["labels"]):
            shown = target["masks"][target["labels"] == label].sum(axis=0)
            np.testing.assert_array_equal(shown, image[0] == level_of(label, kind))
        for box, mask in zip(np.rint(target["boxes"]).astype(int), target["masks"], strict=True):
            inside = np.zeros(mask.shape, bool)
            inside[box[1] : box[3], box[0] : box[2]] = True
            np.testing.assert_array_equal(inside, mask)
        if fit == "cover":
            assert (target["masks"].sum(axis=0) == 1).all()
            assert len(target["labels"]) == grid[0] * grid[1]


@settings(max_examples=20)
@given(data_sets(), FITS, st.integers(0, 2**40), st.integers(1, 4))
def test_any_split_of_a_batch_gives_the_same_bits(data: Any, fit: str, seed: int, first: int) -> None:
    images, targets = map(list, zip(*data, strict=True))
    mosaic = T.Mosaic(
        20, transform=T.Compose([T.RandomRotation(30), T.GaussianNoise(0.1)]), source=data, fit=fit, p=0.7
    )
    all_keys = keys(len(data), seed)
    made, joined = mosaic.batch(images, targets, keys=all_keys)
    again, others = mosaic.batch(images, targets, keys=all_keys)
    assert torch.equal(made, again)
    assert equal_targets(joined, others)
    parts = [slice(0, first), slice(first, None)] if first < len(data) else [slice(None)]
    split = [mosaic.batch(images[part], targets[part], keys=all_keys[part]) for part in parts]
    assert torch.equal(torch.cat([part for part, _ in split]), made)
    assert equal_targets([target for _, part in split for target in part], joined)
    assert torch.equal(mosaic.batch(images, keys=all_keys), made)  # targets change no pixel


@settings(max_examples=20)
@given(data_sets(), FITS, st.integers(0, 2**40), st.booleans())
def test_a_stored_composition_gives_the_same_bits(data: Any, fit: str, seed: int, own: bool) -> None:
    images, targets = map(list, zip(*data, strict=True))
    pipeline = T.Compose([T.RandomRotation(30), T.GaussianBlur(3), T.ColorJitter(0.3), T.GaussianNoise(0.1)])
    mosaic = T.Mosaic(20, transform=pipeline, source=None if own else data, fit=fit, p=0.7)
    given_keys = keys(len(data), seed)
    made, joined = mosaic.batch(images, targets, keys=given_keys)
    composition = stored(mosaic.compose(images, keys=given_keys))
    again, others = mosaic.replay(images, composition, targets)
    assert torch.equal(made, again)
    assert equal_targets(joined, others)
    part = mosaic.replay(images, composition[-1:]) if len(composition.items) == len(images) else None
    assert part is None or torch.equal(part, made[-1:])
    assert composition.explain() == mosaic.compose(images, keys=given_keys).explain()


@given(st.integers(0, 2**40), st.floats(0, 1), st.floats(0, 1), st.integers(1, 5), st.integers(5, 40))
def test_lines_are_in_order_and_no_cell_is_empty(seed: int, one: float, other: float, cells: int, length: int) -> None:
    mosaic = T.Mosaic((length, 9), (cells, 1), center=sorted((one, other)))
    composition = mosaic.compose([np.zeros((3, 3), np.uint8)] * 4, keys=keys(4, seed))
    boxes = np.concatenate([layer.boxes for layer in composition.layers])
    assert (boxes[:, 2] > boxes[:, 0]).all()
    assert (boxes[:, 2] - boxes[:, 0]).sum() == 4 * length


def test_the_crossing_point_is_uniform_over_center() -> None:
    composition = T.Mosaic(400).compose([np.zeros((3, 3), np.uint8)] * 2000, keys=keys(2000))
    places = np.stack([layer.boxes for layer in composition.layers]).min(axis=0)[:, 2:]
    assert (places >= 100).all()
    assert (places <= 300).all()
    np.testing.assert_allclose(places.mean(axis=0), 200, atol=4 * 200 / np.sqrt(12 * 2000))
    own = composition.layers[0].corners > 0
    np.testing.assert_allclose((own @ [2, 1] == np.arange(4)[:, None]).mean(axis=1), 0.25, atol=0.04)


def test_contain_lays_images_at_the_crossing_point_as_yolo_does() -> None:
    data = [whole(number, 10, 20) for number in range(4)]
    made, joined = T.Mosaic(80, source=data, fit="contain", fill=114).batch(
        *map(list, zip(*data, strict=True)), keys=keys(4)
    )
    assert set(np.unique(made)) <= {*(level_of(number) for number in range(4)), 114}
    for target in joined:
        sides = target["boxes"][:, 2:] - target["boxes"][:, :2]
        assert (sides <= (40, 20)).all()  # half of the mosaic
        corners = target["boxes"].reshape(-1, 2)
        shared, counts = np.unique(corners, axis=0, return_counts=True)
        x, y = np.median(corners, axis=0)
        assert ((target["boxes"][:, [0, 2]] == x).any(axis=1) & (target["boxes"][:, [1, 3]] == y).any(axis=1)).all()
        assert len(shared) == len(counts)


def test_images_without_a_mosaic_are_alone() -> None:
    data = [whole(number, 10, 10) for number in range(3)]
    made, joined = T.Mosaic(12, source=data, p=0).batch(*map(list, zip(*data, strict=True)), keys=keys(3))
    for number in range(3):
        assert (made[number] == level_of(number)).all()
        assert joined[number]["labels"].tolist() == [number]


def test_one_image_alone_is_its_own_partner_and_no_objects_are_fine() -> None:
    image, target = whole(0, 9, 9)
    made, joined = T.Mosaic(8)(image, target, key=(0, 0, 0))
    assert (made == level_of(0)).all()
    assert joined["labels"].tolist() == [0] * 4
    empty = {
        "boxes": np.zeros((0, 4)),
        "labels": np.zeros(0, np.int64),
        "masks": np.zeros((0, 9, 9), bool),
        "image_id": 1,
    }
    _, joined = T.Mosaic(8)(image, empty, key=(0, 0, 0))
    assert joined["boxes"].shape == (0, 4)
    assert joined["masks"].shape == (0, 8, 8)
    lists = [{"boxes": [], "labels": []}, {"boxes": [[0, 0, 9, 9]], "labels": [3]}, {}]
    _, joined = T.Mosaic(8).batch([image] * 3, lists, keys=keys(3))
    assert all(isinstance(target.get("labels", []), list) for target in joined)
    assert 3 in joined[1]["labels"]


def test_masks_of_classes_are_those_of_the_pixels() -> None:
    images = [np.full((9, 7, 3), level_of(number), np.uint8) for number in range(3)]
    maps = [np.full((9, 7), number + 1) for number in range(3)]
    for targets in (maps, [torch.from_numpy(found) for found in maps]):
        made, joined = T.Mosaic(16, transform=FLIPS).batch(images, targets, keys=keys(3))
        assert all(type(found) is type(targets[0]) for found in joined)
        np.testing.assert_array_equal(
            made[:, 0].numpy(), np.stack([np.asarray(found) for found in joined]) * level_of(0)
        )


def test_keypoints_polygons_and_rotated_boxes_follow() -> None:
    target = {
        "boxes": torch.tensor([[2.0, 2, 6, 8]]),
        "labels": torch.tensor([1]),
        "keypoints": torch.tensor([[[3.0, 3], [5.0, 6]]]),
        "visibility": torch.tensor([[2, 2]]),
        "polygons": [np.array([[2.0, 2], [6, 2], [6, 8], [2, 8]])],
        "rotated_boxes": torch.tensor([[4.0, 5, 4, 6, 0]]),
        "line_strings": [np.array([[0.0, 0], [10, 10]])],
    }
    _, joined = T.Mosaic(40)(np.zeros((10, 10, 3), np.uint8), target, key=(0, 0, 3))
    count = len(joined["labels"])
    assert {len(joined[name]) for name in target if name != "line_strings"} == {count}
    assert len(joined["line_strings"]) == 4
    for box, outline, points in zip(joined["boxes"], joined["polygons"], joined["keypoints"], strict=True):
        np.testing.assert_allclose(np.concatenate([outline.min(axis=0), outline.max(axis=0)]), box, atol=1e-4)
        scale = float(points[1, 1] - points[0, 1]) / 3
        assert scale == pytest.approx(float(points[1, 0] - points[0, 0]) / 2, rel=1e-4)


def test_a_data_set_gives_the_same_mosaics_whatever_the_workers() -> None:
    real = [
        {"image": image, "boxes": target["boxes"], "labels": target["labels"]}
        for image, target in (whole(number, 8 + number, 9) for number in range(6))
    ]
    then = T.Compose([T.RandomCrop(16), T.ToDtype("float32", scale=True)])
    data = AugmentedDataset(real, T.Mosaic(24, source=real, then=then, transform=FLIPS), seed=3)
    found = []
    for workers, size in ((0, 6), (2, 2), (1, 4)):
        data.set_epoch(1)
        loader = torch.utils.data.DataLoader(data, batch_size=size, num_workers=workers, collate_fn=augsynth.collate)
        found.append([image for batch in loader for image in batch["image"]])
    assert all(torch.equal(a, b) for others in found[1:] for a, b in zip(found[0], others, strict=True))
    data.set_epoch(2)
    assert not torch.equal(data[0]["image"], found[0][0])


def test_descriptions_come_back_through_json() -> None:
    mosaic = T.Mosaic(
        (8, 9), (2, 3), transform=T.RandomRotation(10), then=T.Compose([T.RandomCrop(4)], min_area=3), p=0.5
    )
    assert T.Mosaic.from_dict(json.loads(json.dumps(mosaic.to_dict()))) == mosaic
    with pytest.raises(ArgumentError, match="a description of Mosaic"):
        T.Mosaic.from_dict({"type": "CopyPaste"})
    assert "cells in 8x9 pixels, with a probability of 0.5" in mosaic.explain()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: T.Mosaic(1), "needs a pixel for each"),
        (lambda: T.Mosaic(8, fit="crop"), "fit must be cover or contain"),
        (lambda: T.Mosaic(8, center=(0.5, 0.1)), "center must be"),
        (lambda: T.Mosaic(8, source=[]), "source has no items"),
        (lambda: T.Mosaic(8, source=7), "source must be a data set"),
        (lambda: T.Mosaic(8, transform=None), "transform must be one of"),
        (lambda: T.Mosaic(8).batch([DARK, np.zeros((3, 3, 3), np.uint8)]), "one number of channels"),
        (lambda: T.Mosaic(8).batch([DARK, np.zeros((3, 3), np.float32)]), "one dtype"),
        (lambda: T.Mosaic(8, source=[(DARK, 3)]).batch([DARK], [{"boxes": []}]), "item 0 of source has no boxes"),
        (lambda: T.Mosaic(8).batch([DARK] * 2, [{"boxes": []}, {"boxes": [], "labels": []}]), "labels .one entry an"),
        (lambda: T.Mosaic(8).batch([DARK], [[{"bbox": [0, 0, 1, 1]}]]), "must be dicts of fields"),
        (lambda: T.Mosaic(8).batch([]), "at least one image"),
    ],
)  # fmt: skip
def test_refused(make: Any, message: str) -> None:
    with pytest.raises((ArgumentError, ArgumentTypeError), match=message):
        make()
