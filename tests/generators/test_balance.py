"""Balanced batches: every class equally often, however many images it has."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from generators.toy import ClassMean, TinyDecoder
from torch.utils.data import TensorDataset

from augsynth.errors import ArgumentError, CheckpointError
from augsynth.generators.training.batches import BalancedOrder, BatchOrder

FIT = {"batch_size": 8, "device": "cpu", "progress": False}
COUNTS = (50, 7, 1)


@pytest.fixture
def long_tail() -> TensorDataset:
    """58 images of 1x8x8, 50, 7 and 1 of three classes."""
    labels = torch.repeat_interleave(torch.arange(3), torch.tensor(COUNTS))
    shuffled = labels[torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))]
    noise = torch.randint(0, 256, (58, 1, 8, 8), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    return TensorDataset(noise, shuffled)


@pytest.mark.parametrize("batch_size", [1, 4, 64])
def test_every_class_comes_equally_often(long_tail: TensorDataset, batch_size: int) -> None:
    labels = long_tail.tensors[1]
    order = BalancedOrder(labels, batch_size, seed=0)
    drawn = torch.cat([order.batch(step) for step in range(360 // batch_size)])
    drawn = drawn[: len(drawn) // 3 * 3]
    assert torch.bincount(labels[drawn]).tolist() == [len(drawn) // 3] * 3


def test_images_of_a_class_come_in_shuffled_epochs(long_tail: TensorDataset) -> None:
    labels = long_tail.tensors[1]
    order = BalancedOrder(labels, 30, seed=0)
    drawn = torch.cat([order.batch(step) for step in range(15)])
    for label, count in enumerate(COUNTS):
        of_class = drawn[labels[drawn] == label]
        epochs = [of_class[i : i + count] for i in range(0, len(of_class) - count + 1, count)]
        assert all(torch.equal(epoch.sort().values, epochs[0].sort().values) for epoch in epochs)
        assert count == 1 or not torch.equal(epochs[0], epochs[1])


def test_a_batch_depends_on_seed_and_step_alone(long_tail: TensorDataset) -> None:
    labels = long_tail.tensors[1]
    forward, other = BalancedOrder(labels, 16, seed=0), BalancedOrder(labels, 16, seed=1)
    batches = [forward.batch(step) for step in range(9)]
    backward = BalancedOrder(labels, 16, seed=0)
    assert all(torch.equal(backward.batch(step), batches[step]) for step in reversed(range(9)))
    assert not torch.equal(other.batch(0), batches[0])


def test_plain_batches_follow_the_long_tail(long_tail: TensorDataset) -> None:
    labels = long_tail.tensors[1]
    drawn = torch.cat([BatchOrder(58, 58, seed=0).batch(step) for step in range(2)])
    assert torch.bincount(labels[drawn]).tolist() == [2 * count for count in COUNTS]


def test_a_balanced_fit_sees_rare_classes_as_often(long_tail: TensorDataset) -> None:
    plain, balanced = ClassMean(), ClassMean()
    plain.fit(long_tail, steps=30, **FIT)
    balanced.fit(long_tail, steps=30, balance="classes", **FIT)
    assert balanced.networks["means"].count.tolist() == [80, 80, 80]  # type: ignore[operator, union-attr]
    assert plain.networks["means"].count[2] < 8  # type: ignore[operator, index]


def test_a_balanced_fit_is_resumed_exactly_and_as_such(long_tail: TensorDataset, tmp_path: Path) -> None:
    whole, part = TinyDecoder(), TinyDecoder()
    whole.fit(long_tail, steps=6, balance="classes", **FIT)
    part.fit(long_tail, steps=4, balance="classes", checkpoint_dir=tmp_path, **FIT)
    with pytest.raises(CheckpointError, match="another balance: 'classes', now None"):
        part.fit(long_tail, steps=6, checkpoint_dir=tmp_path, resume=True, **FIT)
    part.fit(long_tail, steps=6, balance="classes", checkpoint_dir=tmp_path, resume=True, **FIT)
    assert part.digest() == whole.digest()


class Unlabelled(TinyDecoder):
    name = "unlabelled"
    capabilities = frozenset()


def test_a_wrong_balance_is_refused(long_tail: TensorDataset) -> None:
    with pytest.raises(ArgumentError, match="balance must be one of classes, got 'images'"):
        ClassMean().fit(long_tail, steps=1, balance="images", **FIT)
    with pytest.raises(ArgumentError, match="balance='classes' needs labels, and 'unlabelled' uses none"):
        Unlabelled().fit(long_tail, steps=1, balance="classes", **FIT)
