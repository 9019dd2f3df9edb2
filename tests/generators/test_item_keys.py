"""Data sets of dicts with keys of their own: `image_key` and `label_key` of `fit`."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch
from generators.toy import ClassMean
from torch.utils.data import Subset, TensorDataset

from augsynth.errors import ArgumentError, ArgumentTypeError, DataError

FIT: dict[str, Any] = {"steps": 2, "batch_size": 8, "device": "cpu", "progress": False}
KEYS = {"image_key": "img", "label_key": "species"}


class Columns(list[Any]):
    """Items, and the names of a class column."""

    features: ClassVar[Any] = {"img": None, "species": type("ClassLabel", (), {"names": ["ant", "bee", "cat"]})}


def as_dicts(images: TensorDataset) -> Columns:
    return Columns({"img": image, "caption": "a photo", "species": int(label)} for image, label in images)


def test_a_fit_reads_the_keys_that_are_named(images: TensorDataset) -> None:
    plain, keyed = ClassMean(), ClassMean()
    plain.fit(images, **FIT)
    keyed.fit(Subset(as_dicts(images), range(len(images))), **FIT, **KEYS)  # type: ignore[arg-type]
    assert keyed.digest() == plain.digest()
    assert keyed.class_names == ("ant", "bee", "cat")


def test_held_out_images_have_the_same_keys(images: TensorDataset) -> None:
    dicts = as_dicts(images)
    report = ClassMean().fit(dicts[:20], held_out=dicts[20:], **FIT, **KEYS)
    assert report.steps == 2
    assert ClassMean().fit(dicts[:20], held_out=torch.stack([item["img"] for item in dicts[20:]]), **FIT, **KEYS)


@pytest.mark.parametrize(
    ("keys", "error", "message"),
    [
        ({}, DataError, "item 0 must have the key 'image', got the keys img, caption, species; .* image_key"),
        ({"image_key": "img", "label_key": "name"}, DataError, "must have the key 'name'.*name the right one in label"),
        ({"image_key": "img"}, DataError, "item 0 has no label"),
        ({"image_key": 0}, ArgumentTypeError, "image_key must be a text"),
        ({"image_key": "x", "label_key": "x"}, ArgumentError, "must differ"),
    ],
)
def test_keys_that_are_missing_are_named(images: TensorDataset, keys: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        ClassMean().fit(as_dicts(images), **FIT, **keys)


def test_pairs_have_no_keys(images: TensorDataset) -> None:
    with pytest.raises(DataError, match="are for items that are dicts, and item 0 is a tuple"):
        ClassMean().fit(images, **FIT, **KEYS)
