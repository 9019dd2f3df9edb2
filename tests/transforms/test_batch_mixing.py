"""MixUp and CutMix: labels follow the pixels, shares have their distribution, and keys decide."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from torch.utils.data import DataLoader, TensorDataset

import augsynth
from augsynth import transforms as T
from augsynth.core import rng
from augsynth.errors import ArgumentError, ArgumentTypeError
from augsynth.transforms.beta import UNIFORMS, symmetric_beta

KINDS = (T.MixUp, T.CutMix)


def keys(count: int, seed: int = 0) -> np.ndarray:
    return np.column_stack([np.full(count, seed), np.zeros(count), np.arange(count)]).astype(np.int64)


def flags(count: int, height: int = 9, width: int = 13) -> tuple[torch.Tensor, torch.Tensor]:
    """Images that are 1 in the channel of their own number, so that a mixture shows its shares; and the numbers."""
    labels = torch.arange(count)
    images = torch.eye(count)[:, :, None, None].expand(count, count, height, width)
    return images.contiguous(), labels


@given(st.sampled_from(KINDS), st.integers(1, 8), st.floats(0.1, 5), st.integers(0, 2**40))
def test_labels_are_the_shares_of_the_pixels(kind: Any, count: int, alpha: float, seed: int) -> None:
    images, labels = flags(count)
    mixed, soft = kind(num_classes=count, alpha=alpha)(images, labels, keys=keys(count, seed))
    np.testing.assert_allclose(mixed.mean(dim=(2, 3)), soft, atol=1e-5)
    np.testing.assert_allclose(soft.sum(dim=1), 1, atol=1e-6)
    if count > 2:
        partners = np.array([[i, (i - 1) % count] for i in range(count)])
        others = np.ones((count, count), bool)
        np.put_along_axis(others, partners, False, axis=1)
        assert not soft.numpy()[others].any()


@given(st.integers(2, 6), st.integers(1, 20), st.integers(1, 20), st.integers(0, 2**40))
def test_cutmix_pastes_one_rectangle(count: int, height: int, width: int, seed: int) -> None:
    images, labels = flags(count, height, width)
    mixed, _ = T.CutMix(num_classes=count)(images, labels, keys=keys(count, seed))
    for i in range(count):
        pasted = (mixed[i] != images[i]).any(dim=0)
        rows, columns = pasted.any(dim=1).nonzero(), pasted.any(dim=0).nonzero()
        if len(rows):
            assert pasted.sum() == (rows.max() - rows.min() + 1) * (columns.max() - columns.min() + 1)
            np.testing.assert_array_equal(mixed[i][:, pasted], images[i - 1][:, pasted])


def test_cutmix_takes_integer_images_as_they_are() -> None:
    images = torch.arange(4, dtype=torch.uint8)[:, None, None, None].expand(4, 3, 16, 16)
    mixed, _ = T.CutMix(num_classes=2)(images, torch.tensor([0, 1, 0, 1]), keys=keys(4))
    assert mixed.dtype == torch.uint8
    for i in range(4):
        assert set(mixed[i].unique().tolist()) <= {i, (i - 1) % 4}


def test_mixup_is_a_weighted_sum_of_neighbours() -> None:
    images = torch.rand(5, 3, 4, 6, generator=torch.Generator().manual_seed(1))
    given_keys = keys(5, 3)
    mixed, soft = T.MixUp(num_classes=5)(images, torch.arange(5), keys=given_keys)
    for i in range(5):
        share = float(soft[i, i])
        np.testing.assert_allclose(mixed[i], share * images[i] + (1 - share) * images[i - 1], atol=1e-6)
    assert len(soft.diagonal().unique()) == 5  # one share a sample


@pytest.mark.parametrize("alpha", [0.1, 0.2, 0.5, 1.0, 1.5, 4.0, 50.0])
def test_shares_are_beta(alpha: float) -> None:
    """Kolmogorov-Smirnov over 20,000 keyed draws; 1.95 is the quantile of a thousandth, and the draws are fixed."""
    n = 20000
    shares = symmetric_beta(rng.uniform(keys(n, 11), 3, UNIFORMS), alpha)
    assert np.isfinite(shares).all()
    assert stats.kstest(shares, stats.beta(alpha, alpha).cdf).statistic < 1.95 / np.sqrt(n)


@pytest.mark.parametrize("alpha", [1e-6, 1e6])
def test_extreme_shares_are_in_range(alpha: float) -> None:
    shares = symmetric_beta(rng.uniform(keys(1000, 12), 3, UNIFORMS), alpha)
    assert ((shares >= 0) & (shares <= 1)).all()
    assert abs(shares.mean() - 0.5) < 5 * 0.5 / np.sqrt(1000)


def test_cutmix_areas_have_the_drawn_share() -> None:
    """If the rectangle reaches no edge, each of its sides is shorter than drawn by less than two pixels."""
    n, side = 400, 200
    given_keys = keys(n, 5)
    images, labels = torch.zeros(n, 1, side, side), torch.arange(n) % 2
    images[1::2] = 1.0
    mixed, soft = T.CutMix(num_classes=2)(images, labels, keys=given_keys)
    pasted = (mixed != images).squeeze(1)
    own = soft[torch.arange(n), labels]
    np.testing.assert_allclose(1 - pasted.float().mean(dim=(1, 2)), own, atol=1e-5)
    u = rng.uniform(given_keys, 2**16 - 1, 2 + UNIFORMS)
    share = symmetric_beta(u[:, 2:], 1.0)
    inside = (np.abs(u[:, :2] - 0.5) + np.sqrt(1 - share)[:, None] / 2 < 0.49).all(axis=1)
    assert inside.sum() > 20
    np.testing.assert_allclose(own.numpy()[inside], share[inside], atol=4 / side)


@pytest.mark.parametrize("kind", KINDS)
def test_keys_decide_and_torch_seeds_a_call_without_any(kind: Any) -> None:
    images, labels = flags(6)
    mix = kind(num_classes=6)
    first, again, other = (mix(images, labels, keys=keys(6, seed))[0] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    unkeyed = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        unkeyed.append(mix(images, labels)[0])
    assert torch.equal(unkeyed[0], unkeyed[1])
    assert not torch.equal(unkeyed[0], unkeyed[2])


def test_soft_labels_can_be_mixed_again() -> None:
    images, labels = flags(4)
    once = T.CutMix(num_classes=4)(images, labels, keys=keys(4, 1))
    again, soft = T.MixUp(num_classes=4)(once, keys=keys(4, 2))
    np.testing.assert_allclose(again.mean(dim=(2, 3)), soft, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_floats_keep_their_dtype(dtype: torch.dtype) -> None:
    images, labels = flags(4)
    mixed, soft = T.MixUp(num_classes=4)(images.to(dtype), labels, keys=keys(4))
    assert (mixed.dtype, soft.dtype) == (dtype, torch.float32)
    np.testing.assert_allclose(mixed.float().mean(dim=(2, 3)), soft, atol=1e-2)


@pytest.mark.parametrize("kind", KINDS)
def test_descriptions_come_back_through_json(kind: Any) -> None:
    mix = kind(num_classes=3, alpha=0.25)
    described = json.loads(json.dumps(mix.to_dict()))
    assert kind.from_dict(described) == mix
    for wrong in ({**described, "type": "Compose"}, {**described, "p": 1}, {"type": kind.__name__}):
        with pytest.raises(ArgumentError, match=f"a description of {kind.__name__}"):
            kind.from_dict(wrong)


def test_a_loader_mixes_what_it_collates() -> None:
    images, labels = flags(8)
    mix = T.CutMix(num_classes=8)
    loader = DataLoader(
        TensorDataset(images, labels), batch_size=4, collate_fn=lambda items: mix(augsynth.collate(items))
    )
    for mixed, soft in loader:
        assert (mixed.shape, soft.shape) == ((4, 8, 9, 13), (4, 8))
        np.testing.assert_allclose(mixed.mean(dim=(2, 3)), soft, atol=1e-5)


def test_a_batch_of_a_mix_is_taken_as_it_is() -> None:
    real = [(np.full((6, 6, 3), 20 * i, np.uint8), i % 2) for i in range(8)]
    mixed_set = augsynth.SyntheticMixDataset(
        real, real, ratio=0.5, transform=T.Compose([T.ToDtype("float32", scale=True)]), seed=1
    )
    batch = mixed_set.__getitems__([0, 1, 2, 3])
    images, soft = T.MixUp(num_classes=2)(batch, keys=keys(4))
    assert (images.shape, soft.shape) == ((4, 3, 6, 6), (4, 2))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: T.MixUp(num_classes=0), "num_classes must be at least 1"),
        (lambda: T.CutMix(2, alpha=0.0), "alpha must be greater than 0"),
        (lambda: T.MixUp(2)(torch.zeros(2, 1, 2, 2, dtype=torch.uint8), [0, 1]), "MixUp blends float images, got"),
        (lambda: T.MixUp(2)(torch.zeros(2, 2, 2), [0, 1]), r"images must be a tensor \(B, C, H, W\), got \(2, 2, 2\)"),
        (lambda: T.MixUp(2)(torch.zeros(2, 1, 2, 2), [0, 2]), r"labels must be in \[0, 2\), got 0 to 2"),
        (lambda: T.MixUp(2)(torch.zeros(2, 1, 2, 2), [0.5, 1]), "labels must be class numbers"),
        (lambda: T.CutMix(2)(torch.zeros(1, 1, 2, 2), [{"boxes": []}]), "labels must be numbers"),
        (lambda: T.CutMix(2)(torch.zeros(2, 1, 2, 2), torch.zeros(2, 2, 2)), "labels must be class numbers"),
        (lambda: T.MixUp(2)(torch.zeros(2, 1, 2, 2), torch.zeros(2, 3)), r"soft labels must be \(B, 2\), got \(2, 3\)"),
        (lambda: T.MixUp(2)(torch.zeros(2, 1, 2, 2), [0]), "one label an image: got 1 labels for 2 images"),
        (lambda: T.MixUp(2)(torch.zeros(2, 1, 2, 2), [0, 1], keys=keys(3)), "one key an image: got 3 keys"),
        (lambda: T.MixUp(2)({"image": 1}), r"a batch to mix must be \(images, labels\), got dict"),
    ],
)
def test_what_is_refused(make: Callable[[], Any], message: str) -> None:
    with pytest.raises((ArgumentError, ArgumentTypeError), match=message):
        make()


def test_labels_without_values_are_refused() -> None:
    with pytest.raises(ArgumentTypeError, match="labels is on the meta device"):
        T.MixUp(2)(torch.zeros(2, 1, 4, 4), torch.zeros(2, dtype=torch.int64, device="meta"))
