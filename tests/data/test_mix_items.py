"""Tests of the items of a mix: forms of images, labels, dicts, transforms and batches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from generators.toy import ClassMean
from mixing_toys import Pictures, toy_generator
from PIL import Image
from torch.utils.data import Subset, TensorDataset, default_collate

from augsynth import transforms as T
from augsynth.data import Batch, SyntheticMixDataset, SyntheticPool, collate
from augsynth.errors import ArgumentError, ArgumentTypeError, DataError, PluginError
from augsynth.generators import Samples

LABELS = [0, 1, 2, 3] * 2
PIXELS = np.random.default_rng(0).integers(0, 256, (8, 6, 5, 3), np.uint8)
TENSORS = torch.from_numpy(PIXELS).permute(0, 3, 1, 2)

REAL: dict[str, Any] = {
    "numpy HWC": list(zip(PIXELS, LABELS, strict=True)),
    "numpy HW": list(zip(PIXELS[..., 0], LABELS, strict=True)),
    "torch CHW": list(zip(TENSORS, LABELS, strict=True)),
    "PIL RGB": [(Image.fromarray(pixels), label) for pixels, label in zip(PIXELS, LABELS, strict=True)],
    "PIL L": [(Image.fromarray(pixels[..., 0]), label) for pixels, label in zip(PIXELS, LABELS, strict=True)],
    "tensor labels": TensorDataset(TENSORS, torch.tensor(LABELS)),
    "NumPy labels": list(zip(PIXELS, np.array(LABELS, np.int32), strict=True)),
    "dict": [{"label": label, "image": pixels} for pixels, label in zip(PIXELS, LABELS, strict=True)],
    "list": [[pixels, label] for pixels, label in zip(PIXELS, LABELS, strict=True)],
}


def form(image: Any) -> tuple[Any, ...]:
    if isinstance(image, Image.Image):
        return image.mode, image.size
    return type(image), image.dtype, tuple(image.shape)


def both(dataset: SyntheticMixDataset) -> tuple[Any, Any]:
    """A real and a synthetic item."""
    numbers, _ = dataset.assignment().sources(np.arange(len(dataset)))
    return dataset[int(np.flatnonzero(numbers == 0)[0])], dataset[int(np.flatnonzero(numbers)[0])]


@pytest.mark.parametrize("name", REAL)
def test_synthetic_items_take_the_form_of_the_real_ones(name: str) -> None:
    channels = 1 if name in ("numpy HW", "PIL L") else 3
    pixels = np.arange(8 * channels * 30).reshape(8, channels, 6, 5).astype(np.uint8)
    synthetic = Samples(torch.from_numpy(pixels), torch.tensor(LABELS))
    dataset = SyntheticMixDataset(REAL[name], synthetic, ratio=0.5)
    items = both(dataset)
    if name == "dict":
        assert [list(item) for item in items] == [["image", "label"]] * 2
        items = tuple((item["image"], item["label"]) for item in items)
    real, made = items
    assert isinstance(made, tuple)
    assert form(real[0]) == form(made[0])
    assert type(real[1]) is type(made[1])
    assert getattr(real[1], "dtype", None) == getattr(made[1], "dtype", None)
    stored = pixels[LABELS.index(int(made[1]))], pixels[LABELS.index(int(made[1])) + 4]
    chw = made[0].numpy() if isinstance(made[0], torch.Tensor) else np.atleast_3d(made[0]).transpose(2, 0, 1)
    assert any(np.array_equal(chw, image) for image in stored)
    if "PIL" not in name:
        default_collate(list(items))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda image: image.astype(np.float32) / 255, "real images are float32, synthetic ones uint8"),
        (lambda image: image[:, :, :1], "real images have 1 channels, synthetic ones 3"),
    ],
)
def test_images_that_would_need_a_silent_conversion_are_refused(change: Any, message: str) -> None:
    real = [(change(image), label) for image, label in Pictures(LABELS)]
    with pytest.raises(DataError, match=message):
        SyntheticMixDataset(real, Pictures(LABELS), ratio=0.5)
    assert len(SyntheticMixDataset(real, Pictures(LABELS), ratio=0)) == 8


def test_fields_of_dicts_come_from_the_partner_or_are_asked_for() -> None:
    real = [{"image": image, "label": label, "id": f"r{i}"} for i, (image, label) in enumerate(Pictures(LABELS))]
    pool = Pictures(LABELS, seed=1)
    with pytest.raises(DataError, match="synthetic items lack id"):
        SyntheticMixDataset(real, pool, ratio=0.5)
    dataset = SyntheticMixDataset(real, pool, ratio=0.5, pairing="index", return_source=True)
    for position, item in enumerate(dataset):
        assert item["id"] == f"r{position}"
        assert list(item) == ["image", "label", "id", "source"]
    bare = Samples(TENSORS)
    unlabelled = SyntheticMixDataset(real, bare, ratio=1, pairing="index")
    assert [item["label"] for item in unlabelled] == LABELS
    with pytest.raises(DataError, match="synthetic items lack"):
        SyntheticMixDataset(REAL["numpy HWC"], bare, ratio=0.5, pairing="free")
    with pytest.raises(DataError, match="items of synthetic have no label"):
        SyntheticMixDataset(REAL["numpy HWC"], bare, ratio=0.5)


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (PIXELS[0], "bare ndarray"),
        ((PIXELS[0],), r"must be \(image, label\) or a dict"),
        ({"picture": PIXELS[0]}, "must have the key 'image'"),
        (("path.png", 0), "must be a NumPy array"),
    ],
)
def test_items_of_another_structure_are_refused(item: Any, message: str) -> None:
    with pytest.raises(ArgumentTypeError, match=message):
        SyntheticMixDataset([item], Pictures([0]), ratio=0.5, pairing="free")


def test_labels_that_are_no_classes_are_refused_where_classes_are_needed() -> None:
    real = [(image, float(label)) for image, label in Pictures(LABELS)]
    with pytest.raises(DataError, match="a class must be an integer"):
        SyntheticMixDataset(real, Pictures(LABELS), ratio=0.5)
    dataset = SyntheticMixDataset(real, Pictures(LABELS), ratio=0.5, pairing="free")
    assert {type(label) for _, label in dataset} == {float}


class Misleading(Pictures):
    """Declares `labels` that are not the labels of its items, as a `target_transform` makes them."""

    def __getitem__(self, index: int) -> Any:
        image, label = super().__getitem__(index)
        return image, 3 - label


def test_classes_are_those_of_the_items_also_in_subsets() -> None:
    for real in (Misleading(LABELS), Subset(Pictures(LABELS), [3, 2, 1, 0])):
        dataset = SyntheticMixDataset(real, Pictures([0, 1, 2, 3], seed=1), ratio=1)
        assert [label for _, label in dataset] == [real[i][1] for i in range(len(real))]


PIPELINE = T.Compose([T.RandomRotation(20), T.GaussianNoise(sigma=3.0), T.ToDtype("float32", scale=True)])


def test_our_transforms_get_keys_and_give_a_batch() -> None:
    dataset = SyntheticMixDataset(Pictures(LABELS), Pictures(LABELS, seed=1), ratio=0.5, transform=PIPELINE, seed=4)
    dataset.set_epoch(2)
    plain = SyntheticMixDataset(Pictures(LABELS), Pictures(LABELS, seed=1), ratio=0.5, seed=4)
    plain.set_epoch(2)
    batch = dataset.__getitems__([5, 0, 5])
    assert isinstance(batch, Batch)
    expected = [PIPELINE(plain[position][0], key=(4, 2, position)) for position in (5, 0, 5)]
    assert torch.equal(batch.images, torch.stack(expected))
    assert torch.equal(dataset[5][0], expected[0])
    assert not torch.equal(batch.images[0], dataset_at(dataset, 3)[5][0])


def dataset_at(dataset: SyntheticMixDataset, epoch: int) -> SyntheticMixDataset:
    dataset.set_epoch(epoch)
    return dataset


@pytest.mark.parametrize("real", ["numpy HWC", "dict"])
def test_collate_is_default_collate_without_the_copy(real: str) -> None:
    dataset = SyntheticMixDataset(REAL[real], Pictures(LABELS), ratio=0.5, transform=PIPELINE, return_source=True)
    batch = dataset.__getitems__(list(range(8)))
    fast, default = collate(batch), default_collate(batch)
    assert type(fast) is type(default)
    fast_values, default_values = (list(b.values()) if isinstance(b, dict) else b for b in (fast, default))
    assert torch.equal(fast_values[0], default_values[0])
    assert fast_values[0].data_ptr() == batch.images.data_ptr()
    assert torch.equal(fast_values[1], default_values[1])
    assert torch.equal(fast_values[2].item, default_values[2].item)
    assert torch.equal(collate(list(batch))[0] if real != "dict" else collate(list(batch))["image"], default_values[0])


def test_any_function_of_an_image_is_a_transform() -> None:
    dataset = SyntheticMixDataset(Pictures(LABELS), Pictures(LABELS), ratio=0.5, transform=lambda image: image.shape)
    assert dataset[0][0] == (6, 5, 3)
    with pytest.raises(ArgumentTypeError, match="callable"):
        SyntheticMixDataset(Pictures(LABELS), Pictures(LABELS), ratio=0.5, transform="flip")  # type: ignore[arg-type]


def test_a_generator_fills_a_pool_with_the_classes_of_the_real_items() -> None:
    real = Pictures([0] * 6 + [3] * 2)
    dataset = SyntheticMixDataset(real, toy_generator(), ratio=0.5, seed=1)
    assert isinstance(dataset.synthetic, SyntheticPool)
    assert np.bincount(dataset.synthetic.labels).tolist() == [6, 0, 0, 2]
    for size, counts in ((40, [30, 0, 0, 10]), (4, [3, 0, 0, 1])):
        other = SyntheticMixDataset(real, toy_generator(), ratio=0.5, pool_size=size)
        assert np.bincount(other.synthetic.labels).tolist() == counts
    path = dataset.synthetic.path
    assert path.is_dir()
    del dataset
    assert not path.exists()
    unused = toy_generator()
    assert SyntheticMixDataset(real, unused, ratio=0).synthetic is unused
    with pytest.raises(ArgumentError, match="pairing='index' needs items made from each real one"):
        SyntheticMixDataset(real, toy_generator(), ratio=0.5, pairing="index")


def test_what_is_no_source_of_synthetic_items_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"give SyntheticPool\.open"):
        SyntheticMixDataset(Pictures(LABELS), str(tmp_path), ratio=0.5)
    with pytest.raises(ArgumentTypeError, match="got int"):
        SyntheticMixDataset(Pictures(LABELS), 5, ratio=0.5)
    with pytest.raises(PluginError, match="no-such"):
        SyntheticMixDataset(Pictures(LABELS), "no-such", ratio=0.5)


def test_a_name_is_fitted_on_the_real_items(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("augsynth.data.mixing.synthetic.create_generator", {"means": ClassMean()}.__getitem__)
    dataset = SyntheticMixDataset(Pictures(LABELS), "means", ratio=0.5, fit_steps=2)
    assert len(dataset.synthetic) == 8
    assert dataset.synthetic.image_shape == (3, 6, 5)
