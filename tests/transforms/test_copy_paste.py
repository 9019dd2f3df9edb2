"""Copy-paste: pixels name the images of objects; masks, boxes and labels agree, and lose what is hidden."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from several_sources import equal_targets, keys, level_of, stored, two_objects, whole

import augsynth
from augsynth import transforms as T
from augsynth.data import AugmentedDataset
from augsynth.errors import ArgumentError, ArgumentTypeError, PlanError
from augsynth.plan import Composition
from augsynth.targets import mask_box

DATA = [two_objects(number, 24 + number, 30) for number in range(4)]
BASE = [two_objects(number, 24, 30) for number in (20, 21, 22)]
IMAGES, TARGETS = map(list, zip(*BASE, strict=True))
MOVES = T.Compose([T.RandomHorizontalFlip(), T.RandomRotation(40, expand=True)], tight_boxes="masks")
SEEDS = st.integers(0, 2**40)


@settings(max_examples=25)
@given(SEEDS, st.tuples(st.integers(0, 2), st.integers(2, 5)), st.booleans())
def test_masks_and_boxes_agree_with_the_pixels(seed: int, n: tuple[int, int], own: bool) -> None:
    paste = T.CopyPaste(None if own else DATA, n=n, transform=MOVES, scale=(0.3, 2.0))
    made, joined = paste.batch(IMAGES, TARGETS, keys=keys(3, seed))
    for number, (image, before, target) in enumerate(zip(made.numpy(), TARGETS, joined, strict=True)):
        assert (image == image[:1]).all()
        below = image[0] == level_of(20 + number)
        pasted = target["labels"] // 10 != 20 + number
        pasted_masks = target["masks"][pasted]
        np.testing.assert_array_equal(pasted_masks.any(axis=0), ~below)
        assert (target["masks"].sum(axis=0) <= 1).all()  # nothing that is hidden is still in a mask
        for label, mask in zip(target["labels"], target["masks"], strict=True):
            assert (image[0][mask] == level_of(label // 10)).all()
        for label, mask, box in zip(before["labels"], before["masks"], before["boxes"], strict=True):
            found = np.flatnonzero(target["labels"] == label)
            rest = mask & below
            assert len(found) == rest.any()
            if len(found):
                np.testing.assert_array_equal(target["masks"][found[0]], rest)
                np.testing.assert_array_equal(target["boxes"][found[0]], mask_box(rest))
                assert rest.sum() < mask.sum() or (target["boxes"][found[0]] == box).all()


@settings(max_examples=25)
@given(SEEDS)
def test_objects_without_masks_are_cut_out_by_their_boxes(seed: int) -> None:
    data, base = (
        [(image, {k: v for k, v in target.items() if k != "masks"}) for image, target in part] for part in (DATA, BASE)
    )
    images, targets = map(list, zip(*base, strict=True))
    made, joined = T.CopyPaste(data, n=1, scale=1.0).batch(images, targets, keys=keys(3, seed))
    for number, (image, target) in enumerate(zip(made.numpy(), joined, strict=True)):
        left, top, right, bottom = target["boxes"][-1].astype(int)
        inside = np.zeros(image.shape[1:], bool)
        inside[top:bottom, left:right] = True
        np.testing.assert_array_equal(image[0] != level_of(20 + number), inside)
        for label, box in zip(target["labels"][:-1], target["boxes"], strict=False):
            left, top, right, bottom = targets[number]["boxes"][label % 10].astype(int)
            whole_box = np.zeros(inside.shape, bool)
            whole_box[top:bottom, left:right] = True
            np.testing.assert_array_equal(box, mask_box(whole_box & ~inside))


@settings(max_examples=20)
@given(SEEDS, st.sampled_from(["none", "gaussian"]), st.sampled_from([np.uint8, np.uint16, np.float32]))
def test_the_same_bits_in_any_split_and_from_a_file(seed: int, blend: str, dtype: Any) -> None:
    data, base = ([(image.astype(dtype), target) for image, target in part] for part in (DATA, BASE))
    images, targets = map(list, zip(*base, strict=True))
    pipeline = T.Compose([T.RandomRotation(30), T.GaussianNoise(0.1), T.GaussianBlur(3)], min_visibility=0.2)
    paste = T.CopyPaste(data, transform=pipeline, base=T.RandomHorizontalFlip(), blend=blend, p=0.8)
    made, joined = paste.batch(images, targets, keys=keys(3, seed))
    split = [paste.batch(images[n : n + 1], targets[n : n + 1], keys=keys(3, seed)[n : n + 1]) for n in range(3)]
    assert torch.equal(torch.cat([part for part, _ in split]), made)
    assert equal_targets([target for _, part in split for target in part], joined)
    again, others = paste.replay(images, stored(paste.compose(images, targets, keys=keys(3, seed))), targets)
    assert torch.equal(made, again)
    assert equal_targets(joined, others)
    assert torch.equal(paste.batch(images, keys=keys(3, seed)), made)


def test_min_visibility_measures_what_is_left() -> None:
    image, target = whole(0, 10, 10)
    patch = (
        np.full((6, 10, 3), 200, np.uint8),
        {"boxes": [[0.0, 0, 10, 6]], "labels": [1], "masks": np.ones((1, 6, 10), bool)},
    )
    kept = {}
    for least in (0.3, 0.5):
        paste = T.CopyPaste([patch], n=1, scale=1.0, transform=T.Compose([], min_visibility=least))
        made, joined = paste(image, target, key=(0, 0, 0))
        kept[least] = [int(label) for label in joined["labels"]]
        assert int((made[0] == 200).sum()) == 60
    assert kept == {0.3: [0, 1], 0.5: [1]}


def test_area_and_keypoints_know_what_is_hidden() -> None:
    y, x = np.mgrid[:10, :10]
    points = np.stack([x, y], axis=-1).reshape(1, -1, 2) + 0.5
    target = {**whole(0, 10, 10)[1], "area": np.array([100.0]), "keypoints": points, "visibility": np.full((1, 100), 2)}
    patch = np.full((4, 4, 3), 200, np.uint8)
    pasted = {
        **whole(1, 4, 4)[1],
        "area": np.array([16.0]),
        "keypoints": np.zeros((1, 100, 2)),
        "visibility": np.zeros((1, 100), int),
    }
    made, joined = T.CopyPaste([(patch, pasted)], n=1, scale=1.0)(whole(0, 10, 10)[0], target, key=(0, 0, 0))
    assert joined["area"].tolist() == [84, 16]
    hidden = (made[0] == 200).numpy()
    assert hidden.sum() == 16
    np.testing.assert_array_equal(joined["visibility"][0].reshape(10, 10), np.where(hidden, 1, 2))


def test_blurred_edges_change_only_pixels_near_them() -> None:
    image = np.zeros((40, 40), np.float32)
    disc = np.hypot(*(np.mgrid[:40, :40] - 19.5)) < 10
    source = np.ones((40, 40), np.float32), {"boxes": mask_box(disc)[None], "masks": disc[None], "labels": [1]}
    target = {"boxes": np.zeros((0, 4)), "masks": np.zeros((0, 40, 40), bool), "labels": []}
    paste = T.CopyPaste([source], n=1, scale=1.0, blend="gaussian", sigma=1.5)
    made, joined = paste(image, target, key=(0, 0, 1))
    mask, values = joined["masks"][0], made[0].numpy()
    assert ((values > 0.5) == mask).mean() > 0.99
    assert ((values > 0.02) & (values < 0.98)).sum() < 4.4 * 2 * np.pi * 10 * 1.5
    assert 0 < values[~mask].max() < 0.6


def test_single_objects_with_alpha_are_pasted() -> None:
    rgba = np.zeros((12, 9, 4), np.uint8)
    rgba[2:8, 3:7] = (200, 100, 50, 255)
    rgba[2:8, 7] = (1, 2, 3, 127)
    image, target = np.zeros((20, 20, 3), np.uint8), {"boxes": [], "labels": []}
    empty = np.zeros((5, 5, 4), np.uint8)
    paste = T.CopyPaste([(rgba, 4), (empty, 5)], n=1, scale=1.0)
    labels = []
    for seed in range(8):
        made, joined = paste(image, target, key=(seed, 0, 0))
        labels += joined["labels"]
        assert int((made[0] == 200).sum()) == 24 * len(joined["labels"])
        assert int((made > 0).sum()) == 72 * len(joined["labels"])
    assert set(labels) == {4}
    assert 0 < len(labels) < 8
    masked = {"image": rgba[:, :, :3], "masks": rgba[:, :, 3] > 127, "label": 4}
    made, joined = T.CopyPaste([masked], n=1, scale=1.0)(image, target, key=(0, 0, 0))
    assert int((made[0] == 200).sum()) == 24
    assert joined["labels"] == [4]


def test_objects_come_from_one_item_until_it_has_no_more() -> None:
    for seed in range(10):
        composition = T.CopyPaste(DATA, n=4).compose(IMAGES[:1], TARGETS[:1], keys=keys(1, seed))
        drawn = [(int(layer.sources[0]), int(layer.objects[0])) for layer in composition.layers[1:]]
        assert len(drawn) == 4
        assert drawn[0][0] == drawn[1][0]
        assert {drawn[0][1], drawn[1][1]} == {0, 1}


def test_semantic_masks_show_what_is_pasted() -> None:
    data = [
        (image, {"boxes": t["boxes"], "labels": t["labels"], "masks": np.full(image.shape[:2], number + 1)})
        for number, (image, t) in enumerate(DATA)
    ]
    base = {"boxes": np.zeros((0, 4)), "labels": np.zeros(0, int), "masks": np.full((24, 30), 9)}
    made, joined = T.CopyPaste(data, n=3).batch([np.full((24, 30, 3), 99, np.uint8)] * 4, [base] * 4, keys=keys(4))
    for image, target in zip(made[:, 0].numpy(), joined, strict=True):
        np.testing.assert_array_equal(np.where(image == 99, 9, image // 8), target["masks"])


def test_images_of_several_sizes_need_a_base_of_one_size() -> None:
    images = [np.zeros((20, 30, 3), np.uint8), np.zeros((25, 20, 3), np.uint8)]
    with pytest.raises(ArgumentError, match="give base= a transform of fixed output size"):
        T.CopyPaste(DATA).batch(images)
    assert T.CopyPaste(DATA, base=T.Letterbox(32)).batch(images).shape == (2, 3, 32, 32)


def test_a_data_set_gives_the_same_pictures_whatever_the_workers() -> None:
    real = [{"image": image, **target} for image, target in BASE]
    paste = T.CopyPaste(DATA, transform=MOVES, then=T.Mosaic(16, source=real))
    data = AugmentedDataset(real, paste, seed=3)
    found = []
    for workers, size in ((0, 3), (2, 1)):
        loader = torch.utils.data.DataLoader(data, batch_size=size, num_workers=workers, collate_fn=augsynth.collate)
        found.append([image for batch in loader for image in batch["image"]])
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


def test_other_images_than_the_drawn_ones_are_refused() -> None:
    paste = T.CopyPaste(DATA, n=2)
    composition = paste.compose(IMAGES, TARGETS, keys=keys(3))
    with pytest.raises(PlanError, match="source image 0 has shape"):
        paste.replay([image[1:] for image in IMAGES], composition)
    with pytest.raises(ArgumentError, match=r"takes item \d of a data set, and none was given"):
        T.CopyPaste().replay(IMAGES, composition, TARGETS)
    with pytest.raises(ArgumentTypeError, match="must be a Composition"):
        paste.replay(IMAGES, None)
    assert isinstance(composition[:1], Composition)


def test_descriptions_come_back_through_json() -> None:
    paste = T.CopyPaste(n=2, transform=MOVES, blend="gaussian", base=T.Compose([T.Resize((8, 8))], tight_boxes="masks"))
    assert T.CopyPaste.from_dict(json.loads(json.dumps(paste.to_dict()))) == paste
    assert "2 to 2 objects of the other images of the batch" in paste.explain()


def further(name: str, values: Any) -> Any:
    """Paste onto images whose targets have a field that the objects lack."""
    return T.CopyPaste(DATA, n=1).batch(IMAGES, [{**target, name: values} for target in TARGETS])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: T.CopyPaste(n=(3, 1)), "n must be .lowest, highest."),
        (lambda: T.CopyPaste(n=1.5), "n must be an integer"),
        (lambda: T.CopyPaste(scale=0), "scale must be greater than 0"),
        (lambda: T.CopyPaste(blend="poisson"), "blend must be none or gaussian"),
        (lambda: T.CopyPaste(base=T.Compose([], min_area=2)), "rules for targets of its own"),
        (lambda: T.CopyPaste().batch(IMAGES), "objects are cut out of targets with boxes, and images"),
        (lambda: T.CopyPaste([(IMAGES[0], 3)]).batch(IMAGES), "item 0 of source has no boxes"),
        (lambda: T.CopyPaste([(IMAGES[0][:, :, :1], TARGETS[0])]).batch(IMAGES), "one number of channels"),
        (lambda: further("ids", [1, 2]), "ids .one entry an object. is in the target of images"),
        (lambda: further("polygons", [np.eye(3)[:, :2] * 9] * 2), "polygons"),
    ],
)  # fmt: skip
def test_refused(make: Any, message: str) -> None:
    with pytest.raises((ArgumentError, ArgumentTypeError), match=message):
        make()
