"""A data set that is only augmented: the keys, epochs, batches, warnings and states of a mix."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from mixing_toys import Pictures
from torch.utils.data import DataLoader

import augsynth
from augsynth import transforms as T
from augsynth.data import AugmentedDataset, Batch, MixBatchSampler, MixSampler, SyntheticMixDataset, collate
from augsynth.errors import ArgumentError, CheckpointError

LABELS = np.arange(24) % 3
PIPELINE = T.Compose([T.RandomRotation(20), T.ToDtype("float32", scale=True)])


def data(**options: Any) -> AugmentedDataset:
    return AugmentedDataset(Pictures(LABELS), PIPELINE, **options)


def test_items_are_those_of_the_pipeline_with_the_key_of_the_position() -> None:
    augmented = data(seed=5)
    augmented.set_epoch(2)
    batch = augmented.__getitems__([3, 0])
    assert isinstance(batch, Batch)
    expected = [PIPELINE(Pictures(LABELS)[k][0], key=(5, 2, k)) for k in (3, 0)]
    assert torch.equal(batch.images, torch.stack(expected))
    assert [item[1] for item in batch] == [0, 0]
    assert augsynth.AugmentedDataset is AugmentedDataset


@pytest.mark.parametrize("make", [MixSampler, lambda d: MixBatchSampler(d, 5)])
def test_it_resumes_and_advances_like_a_mix(make: Any) -> None:
    augmented = data()
    sampler = make(augmented)
    sampler.set_epoch(3)
    assert augmented.epoch == 3
    whole = list(sampler)
    assert sorted(np.hstack(whole)) == list(range(24))
    other = make(data())
    other.load_state_dict(sampler.state_dict(done=2))
    assert list(other) == whole[2:]
    with pytest.raises(CheckpointError, match="it differs in seed"):
        make(data(seed=1)).load_state_dict(sampler.state_dict(done=2))


def test_it_warns_of_an_epoch_that_is_read_twice() -> None:
    augmented = data()
    list(augmented)
    with pytest.warns(UserWarning, match="read again without set_epoch"):
        list(augmented)
    quiet = AugmentedDataset(Pictures(LABELS), T.CenterCrop(4))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            list(quiet)


@pytest.mark.parametrize("workers", [0, 1])
def test_bare_images_stay_bare(workers: int) -> None:
    images = [image for image, _ in Pictures(LABELS)]
    augmented = AugmentedDataset(images, PIPELINE)
    assert torch.equal(augmented[1], PIPELINE(images[1], key=(0, 0, 1)))
    loader: Any = DataLoader(augmented, 8, collate_fn=collate, num_workers=workers)
    assert [batch.shape for batch in loader] == [(8, 3, 6, 5)] * 3
    assert np.array_equal(AugmentedDataset(images, None)[2], images[2])
    with pytest.raises(TypeError, match="bare ndarray"):
        SyntheticMixDataset(images, None, ratio=0)  # type: ignore[arg-type]


def test_keys_and_targets_of_dicts() -> None:
    items = [{"img": image, "boxes": np.array([[0.0, 0.0, 2.0, 3.0]])} for image, _ in Pictures(LABELS)]
    augmented = AugmentedDataset(items, T.RandomHorizontalFlip(p=1.0), image_key="img")
    assert augmented[0]["boxes"].tolist() == [[3.0, 0.0, 5.0, 3.0]]
    with pytest.raises(ArgumentError, match="would not move"):
        AugmentedDataset(items, np.copy, image_key="img")


def test_it_pickles_and_names_the_item_of_an_error() -> None:
    assert torch.equal(pickle.loads(pickle.dumps(data()))[3][0], data()[3][0])

    class Torn(Pictures):
        def __getitem__(self, index: int) -> Any:
            if index == 4:
                raise ValueError("torn")
            return super().__getitem__(index)

    with pytest.raises(ValueError, match=r"torn .position 4 of epoch 0, real item 4"):
        list(AugmentedDataset(Torn(LABELS), PIPELINE))
    with pytest.raises(IndexError, match="the data set has 24 items"):
        data().__getitems__([24])
