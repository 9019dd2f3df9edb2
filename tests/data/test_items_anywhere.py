"""Keys of dicts, soft labels, loss weights and data sets that are only augmented: the same under every DataLoader."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mixing_toys import Pictures
from torch.utils.data import DataLoader

from augsynth import transforms as T
from augsynth.data import AugmentedDataset, MixBatchSampler, MixSampler, SoftLabels, SyntheticMixDataset, collate

LABELS = np.arange(23) % 3
PIPELINE = T.Compose([T.RandomRotation(20), T.GaussianNoise(sigma=3.0), T.ToDtype("float32", scale=True)])


def dicts(seed: int) -> list[Any]:
    pictures = Pictures(LABELS, seed)
    boxes = np.array([[0.0, 0.0, 2.0, 3.0]])
    return [{"img": image, "kind": label, "boxes": boxes, "number": k} for k, (image, label) in enumerate(pictures)]


def mixed(**options: Any) -> SyntheticMixDataset:
    options = {"ratio": 0.4, "transform": PIPELINE, "seed": 3, **options}
    return SyntheticMixDataset(Pictures(LABELS), Pictures(np.repeat(LABELS, 2), seed=1), **options)


KINDS: dict[str, Callable[[], SyntheticMixDataset]] = {
    "soft labels": lambda: mixed(pairing="index", soft_labels=SoftLabels(np.linspace(0, 1, 46)), return_source=True),
    "weights": lambda: mixed(mode="extend", return_weight=True, synthetic_weight=0.7, return_source=True),
    "dicts": lambda: SyntheticMixDataset(
        dicts(0), dicts(1), ratio=0.4, transform=PIPELINE, image_key="img", label_key="kind", return_weight=True
    ),
    "augmented": lambda: AugmentedDataset(Pictures(LABELS), PIPELINE, seed=3),
    "augmented images": lambda: AugmentedDataset([image for image, _ in Pictures(LABELS)], PIPELINE),
}


def flat(value: Any) -> list[torch.Tensor]:
    """Return all numbers of a batch or an item, as tensors with one row for each item."""
    if isinstance(value, dict):
        return [part for field in value.values() for part in flat(field)]
    if isinstance(value, (list, tuple)):
        return [part for field in value for part in flat(field)]
    return [torch.as_tensor(value)]


def alone(kind: str, epoch: int, positions: Sequence[int]) -> list[torch.Tensor]:
    """Return the numbers of some items of an epoch, read in this process in one batch of one after another."""
    data = KINDS[kind]()
    data.set_epoch(epoch)
    return [part for position in positions for part in flat(data[position])]


@settings(max_examples=10)
@given(
    st.sampled_from(list(KINDS)),
    st.sampled_from([0, 2]),
    st.integers(1, 30),
    st.sampled_from(["plain", "sampler", "batches"]),
    st.lists(st.integers(0, 5), min_size=1, max_size=2),
)
def test_loaders_change_no_number(kind: str, workers: int, size: int, by: str, epochs: list[int]) -> None:
    data = KINDS[kind]()
    samplers: dict[str, Any] = {
        "plain": {"batch_size": size},
        "sampler": {"batch_size": size, "sampler": MixSampler(data)},
        "batches": {"batch_sampler": MixBatchSampler(data, size)},
    }
    forked: dict[str, Any] = {"multiprocessing_context": "fork", "persistent_workers": True} if workers else {}
    loader = DataLoader(data, num_workers=workers, collate_fn=list, **forked, **samplers[by])
    for epoch in epochs:
        data.set_epoch(epoch)
        found = [part for batch in loader for item in batch for part in flat(item)]
        order = range(len(data)) if by == "plain" else [p for batch in MixBatchSampler(data, size) for p in batch]
        expected = alone(kind, epoch, order if by != "sampler" else list(MixSampler(data)))
        assert len(found) == len(expected)
        assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_any_start_method(method: str) -> None:
    data = KINDS["soft labels"]()
    loader: Any = DataLoader(data, 8, num_workers=1, collate_fn=collate, multiprocessing_context=method)
    data.set_epoch(1)
    labels = torch.cat([batch[1] for batch in loader])
    images = torch.cat([batch[0] for batch in loader])
    fresh = KINDS["soft labels"]()
    fresh.set_epoch(1)
    assert torch.equal(labels, torch.stack([item[1] for item in fresh]))
    assert torch.equal(images, torch.stack([item[0] for item in fresh]))


@settings(max_examples=15)
@given(st.sampled_from(list(KINDS)), st.integers(0, 5), st.integers(1, 9), st.data())
def test_an_epoch_goes_on_from_any_point(kind: str, epoch: int, size: int, draw: st.DataObject) -> None:
    whole = MixBatchSampler(KINDS[kind](), size)
    whole.set_epoch(epoch)
    done = draw.draw(st.integers(0, len(whole)))
    resumed = MixBatchSampler(KINDS[kind](), size)
    resumed.load_state_dict(whole.state_dict(done))
    assert list(resumed) == list(whole)[done:]
