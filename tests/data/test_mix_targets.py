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
