"""Loss weights of a mix: their mean, the loss that they give, and their place in items and batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mixing_toys import Pictures
from torch.utils.data import DataLoader

from augsynth import transforms as T
from augsynth.data import MixBatchSampler, SyntheticMixDataset, collate
from augsynth.errors import ArgumentError

LABELS = np.arange(40) % 4
PIPELINE = T.Compose([T.RandomHorizontalFlip(), T.ToDtype("float32", scale=True)])


def mix(**options: Any) -> SyntheticMixDataset:
    options = {"ratio": 0.3, "return_weight": True, **options}
    return SyntheticMixDataset(Pictures(LABELS), Pictures(LABELS, seed=1), **options)


@given(st.floats(0, 1), st.floats(0, 0.95), st.sampled_from(["replace", "extend"]))
def test_the_mean_of_weight_and_loss_is_the_formula(alpha: float, ratio: float, mode: Any) -> None:
    data = mix(ratio=ratio, mode=mode, synthetic_weight=alpha, return_source=True)
    items = list(data)
    weights = np.array([item[2] for item in items], np.float64)
    synthetic = np.array([item[3].synthetic for item in items])
    assert weights.mean() == pytest.approx(1)
    losses = np.random.default_rng(0).random(len(items))
    if synthetic.any() and not synthetic.all():
        expected = (1 - alpha) * losses[~synthetic].mean() + alpha * losses[synthetic].mean()
        assert (weights * losses).mean() == pytest.approx(expected)
    else:
        assert set(weights) == {1.0}


def test_without_a_weight_of_the_synthetic_side_all_items_weigh_the_same() -> None:
    assert {float(item[2]) for item in mix()} == {1.0}


@pytest.mark.parametrize("transform", [None, PIPELINE, np.copy])
@pytest.mark.parametrize("workers", [0, 1])
def test_batches_hold_the_weights_as_float32(transform: Any, workers: int) -> None:
    data = mix(transform=transform, synthetic_weight=0.5, return_source=True)
    loader: Any = DataLoader(
        data,
        batch_sampler=MixBatchSampler(data, 10),
        collate_fn=collate,
        num_workers=workers,
        multiprocessing_context="fork" if workers else None,
    )
    for _, _, weights, source in loader:
        assert (weights.dtype, weights.shape) == (torch.float32, (10,))
        assert torch.allclose(weights, torch.where(source.synthetic, 0.5 / 0.3, 0.5 / 0.7))
        assert weights.mean().item() == pytest.approx(1)  # the batch sampler holds the ratio in each batch
    assert [type(value).__name__ for value in data[0][2:]] == ["float32", "Source"]


def test_weights_follow_a_schedule() -> None:
    data = mix(ratio=lambda epoch: 0.5 if epoch else 0.25, synthetic_weight=0.5)
    assert {float(item[2]) for item in data} == {2.0, np.float32(2 / 3)}
    data.set_epoch(1)
    assert {float(item[2]) for item in data} == {1.0}


def test_dicts_have_a_weight_by_name() -> None:
    items = [{"image": image, "label": label} for image, label in Pictures(LABELS)]
    data = SyntheticMixDataset(items, items, ratio=0.5, return_weight=True, return_source=True, transform=PIPELINE)
    assert list(collate(data.__getitems__([0, 1]))) == ["image", "label", "weight", "source"]
    for name in ("weight", "source"):
        taken = [{**item, name: 1} for item in items]
        with pytest.raises(ArgumentError, match=f"have a field '{name}' already"):
            SyntheticMixDataset(taken, taken, ratio=0.5, **{f"return_{name}": True})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"return_weight": False, "synthetic_weight": 0.5}, "needs return_weight=True"),
        ({"synthetic_weight": 1.5}, r"synthetic_weight must be in \[0, 1\], got 1.5"),
        ({"synthetic_weight": float("nan")}, "synthetic_weight must be"),
        ({"synthetic_weight": "half"}, "synthetic_weight must be a finite number"),
    ],
)
def test_weights_that_are_none_are_refused(options: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        mix(**options)
