"""Items with targets: mixed, decoded and collated with their boxes, masks and keypoints."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from augsynth import SyntheticMixDataset, collate
from augsynth import transforms as T
from augsynth.data.loading.decoding import DecodingTransform
from augsynth.data.loading.encoded import EncodedImage
from augsynth.data.prefetching.planned import Planned
from augsynth.errors import ArgumentError

PIPELINE = T.Compose([T.RandomCrop((16, 16)), T.RandomHorizontalFlip()])


def _image(number: int) -> Any:
    return np.full((20, 30, 3), number, np.uint8)


def _fields(number: int) -> dict[str, Any]:
    corners = np.random.default_rng(number).random((number % 4, 2)) * 15
    return {
        "boxes": np.concatenate([corners, corners + 5], axis=1),
        "labels": np.arange(number % 4),
        "masks": np.random.default_rng(number).integers(0, 5, (20, 30)),
    }


def _dict_item(number: int) -> Any:
    return {"image": _image(number), "label": number % 2, **_fields(number)}


def _pair_item(number: int) -> Any:
    return _image(number), _fields(number)


def _coco_item(number: int) -> Any:
    boxes = _fields(number)["boxes"]
    return _image(number), [{"bbox": [*box[:2], 5.0, 5.0], "category_id": 1} for box in boxes.tolist()]


ITEMS: list[Callable[[int], Any]] = [_dict_item, _pair_item, _coco_item]


def _split(item: Any) -> tuple[Any, Any]:
    return (item["image"], {k: v for k, v in item.items() if k != "image"}) if isinstance(item, dict) else item


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else np.asarray(value).tolist()


@pytest.mark.parametrize("item", ITEMS)
def test_targets_are_transformed_with_their_image(item: Callable[[int], Any]) -> None:
    real, synthetic = [item(number) for number in range(8)], [item(number) for number in range(8, 16)]
    mix = SyntheticMixDataset(real, synthetic, ratio=0.5, pairing="free", transform=PIPELINE, seed=4)
    for position in range(8):
        source = mix.source(position)
        image, target = _split((synthetic if source.synthetic else real)[source.item])
        expected, moved = PIPELINE(image, target, key=(4, 0, position))
        got, got_target = _split(mix[position])
        assert torch.equal(got, expected)
        assert _plain(got_target) == _plain(moved)


@pytest.mark.parametrize("item", ITEMS)
def test_collated_images_are_one_tensor_and_targets_a_list(item: Callable[[int], Any]) -> None:
    real = [item(number) for number in range(8)]
    mix = SyntheticMixDataset(real, real, ratio=0.5, pairing="free", transform=PIPELINE)
    for batch in DataLoader(mix, batch_size=4, collate_fn=collate):
        images, targets = _split(batch) if isinstance(batch, dict) else batch
        assert images.shape == (4, 3, 16, 16)
        for one in targets.values() if isinstance(targets, dict) else [targets]:
            assert type(one) is list
            assert len(one) == 4


def test_a_source_goes_with_them() -> None:
    real = [_dict_item(number) for number in range(4)]
    mix = SyntheticMixDataset(real, real, ratio=0.5, pairing="free", transform=PIPELINE, return_source=True)
    assert mix[0]["source"] == mix.source(0)


class _Keyed:
    def __call__(self, image: Any) -> Any:
        return image

    def batch(self, images: list[Any], *, keys: Any) -> torch.Tensor:
        return torch.zeros(len(images), 3, 2, 2)


@pytest.mark.parametrize("item", ITEMS)
@pytest.mark.parametrize("transform", [lambda image: image, _Keyed()])
def test_targets_are_not_left_behind_by_another_transform(item: Callable[[int], Any], transform: Any) -> None:
    real = [item(number) for number in range(4)]
    with pytest.raises(ArgumentError, match="which would not move with the transformed image"):
        SyntheticMixDataset(real, real, ratio=0.5, pairing="free", transform=transform)
    assert len(SyntheticMixDataset(real, real, ratio=0.5, pairing="free")) == 4


def _encoded(number: int, kind: str) -> bytes:
    file = io.BytesIO()
    waves = np.sin(np.arange(80)[:, None] / 9 + np.arange(120) / (7 + number))
    Image.fromarray((127 + 100 * waves).astype(np.uint8)).convert("RGB").save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize("reduce", [False, True])
def test_targets_of_encoded_images(reduce: bool) -> None:
    pytest.importorskip("simplejpeg")
    images = [_encoded(number, "png" if number % 2 else "jpeg") for number in range(4)]
    masks = np.arange(9600).reshape(80, 120)
    targets = [{"boxes": [[10.0, 10, 50, 70]], "masks": masks, "labels": [number]} for number in range(4)]
    pipeline = T.Compose([T.RandomResizedCrop(16, min_visible=0.3), T.RandomHorizontalFlip()])
    keys = [(0, 0, number) for number in range(4)]
    t = DecodingTransform(pipeline, reduce=reduce)
    batch, moved = t.batch([EncodedImage(image) for image in images], targets, keys=keys)
    whole, expected = pipeline.batch([EncodedImage(image).decode() for image in images], targets, keys=keys)
    assert _plain(moved) == _plain(expected)
    assert reduce or torch.equal(batch, whole)
    one, target = t(EncodedImage(images[1]), targets[1], key=keys[1])
    assert torch.equal(one, batch[1])
    assert _plain(target) == _plain(moved[1])
    assert isinstance(t(EncodedImage(images[1]), key=keys[1]), torch.Tensor)


HALF = np.zeros((20, 30), np.uint8)
HALF[:, :15] = 1


def _flipping(items: list[Any], transform: Any = None, **arguments: Any) -> SyntheticMixDataset:
    flip = T.RandomHorizontalFlip(1.0) if transform is None else transform
    return SyntheticMixDataset(items, None, ratio=0, pairing="free", transform=flip, **arguments)


@pytest.mark.parametrize("form", [np.asarray, torch.from_numpy, Image.fromarray])
@pytest.mark.parametrize("collate_fn", [None, collate])
def test_a_mask_as_the_second_half_of_a_pair_moves_and_is_stacked(form: Any, collate_fn: Any) -> None:
    mix = _flipping([(_image(number), form(HALF)) for number in range(4)])
    images, masks = next(iter(DataLoader(mix, batch_size=4, collate_fn=collate_fn)))
    assert images.shape == (4, 3, 20, 30)
    assert torch.equal(masks, torch.from_numpy(HALF[:, ::-1].copy()).expand(4, 20, 30))


MISNAMED = [
    {"mask": HALF},
    {"bboxes": [[0.0, 0, 2, 2]]},
    {"segmentation_mask": Image.fromarray(HALF)},
    {"kpts": [[1.0, 1]]},
    {"objects": {"bbox": [[0.0, 0, 2, 2]], "category": [1]}},
    {"depth": np.zeros((20, 30), np.float32)},
    {"label": HALF},
]


@pytest.mark.parametrize("fields", MISNAMED, ids=lambda fields: next(iter(fields)))
@pytest.mark.parametrize("transform", [None, DecodingTransform(PIPELINE), Planned(PIPELINE), lambda image: image])
def test_nothing_stays_behind_in_a_mix(fields: dict[str, Any], transform: Any) -> None:
    name = next(iter(fields))
    for item in ({"image": _image(0), **fields}, (_image(0), fields)):
        with pytest.raises(ArgumentError, match=f"the field '{name}' would not move with the image"):
            _flipping([item] * 2, transform)
        late = _flipping([{"image": _image(0), name: 1} if isinstance(item, dict) else (_image(0), 1), item], transform)
        with pytest.raises(ArgumentError, match=f"the field '{name}' would not move with the image"):
            late[1]
        assert len(_flipping([item] * 2, transform, passthrough=[name, "label"])[0]) == len(item)


@pytest.mark.parametrize("second", [(1, HALF), [HALF, HALF], np.zeros((3, 4)), [10, 20, 25, 30]])
def test_a_pair_of_another_form_is_refused(second: Any) -> None:
    with pytest.raises(ArgumentError, match=r"would not move with the image|must have shape"):
        _flipping([(_image(0), second)] * 2)[0]
    assert _flipping([(_image(0), second)] * 2, passthrough=["label"])[0][1] is second


@pytest.mark.parametrize("second", [HALF, torch.from_numpy(HALF), Image.fromarray(HALF), [], _fields(1)])
def test_a_function_of_the_image_alone_is_refused_beside_a_target(second: Any) -> None:
    with pytest.raises(ArgumentError, match="would not move with the transformed image"):
        _flipping([(_image(0), second)] * 2, lambda image: image[:, ::-1])
    late = _flipping([(_image(0), 3), (_image(0), second)], lambda image: image[:, ::-1])
    with pytest.raises(ArgumentError, match="would not move with the transformed image"):
        late[1]


def test_labels_of_every_usual_form_stay_labels() -> None:
    for label in (3, "cat", None, np.int64(3), torch.tensor(3), [0, 1, 0], np.array([0.2, 0.8]), {"caption": "a dog"}):
        for transform in (None, lambda image: image):
            assert _flipping([(_image(0), label)] * 2, transform)[0][1] is label


def test_what_the_pipeline_lets_pass_the_mix_does_too() -> None:
    pipeline = T.Compose([T.RandomHorizontalFlip(1.0)], passthrough=["depth"])
    for transform in (pipeline, DecodingTransform(pipeline)):
        item = _flipping([{"image": _image(0), "depth": HALF, "masks": HALF}] * 2, transform)[0]
        assert item["depth"] is HALF
        np.testing.assert_array_equal(item["masks"], HALF[:, ::-1])


def test_items_with_and_without_targets_go_into_one_batch() -> None:
    mix = _flipping([(_image(0), _fields(number) if number % 2 else 7) for number in range(4)])
    labels = [label for _, label in mix.__getitems__([0, 1, 2, 3])]
    assert labels[0] == labels[2] == 7
    assert labels[1].keys() == _fields(1).keys()
