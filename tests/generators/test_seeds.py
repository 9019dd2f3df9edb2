"""Noise is a function of (seed, k), Gaussian or uniform, and independent between samples."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from augsynth.core.checks import check_seed
from augsynth.core.torch_settings import seeded
from augsynth.errors import ArgumentError
from augsynth.generators import Noise
from augsynth.generators.seeds import derive_seed
from augsynth.generators.training.batches import BatchOrder

SEEDS = st.integers(-(2**63), 2**64 - 1)


@given(SEEDS, st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=5, unique=True), st.randoms())
def test_a_samples_noise_does_not_depend_on_its_batch(seed: int, indices: list[int], shuffled: random.Random) -> None:
    batch = Noise(seed, indices, "cpu")
    first, second, uniform, scalar = batch.normal(3, 2), batch.normal(5), batch.uniform(4), batch.normal()
    k = shuffled.randrange(len(indices))
    alone = Noise(seed, [indices[k]], "cpu")
    assert torch.equal(alone.normal(3, 2)[0], first[k])
    assert torch.equal(alone.normal(5)[0], second[k])
    assert torch.equal(alone.uniform(4)[0], uniform[k])
    assert torch.equal(alone.normal()[0], scalar[k])


def test_noise_differs_between_seeds_samples_and_calls() -> None:
    noise = Noise(0, range(1000), "cpu")
    rows = torch.cat([noise.normal(2), noise.normal(2), Noise(1, range(1000), "cpu").normal(2)])
    assert len(rows.unique(dim=0)) == 3000
    # Seeds that agree in their low 32 bits, which torch's own CPU engine would take for one.
    assert not torch.equal(Noise(1, [0], "cpu").normal(2), Noise(1 + 2**32, [0], "cpu").normal(2))


def test_noise_has_its_moments() -> None:
    # Bounds are five standard errors of 1e6 draws: a false alarm in two million for each, were the seed not fixed.
    normal = Noise(3, range(1000), "cpu").normal(1000).double()
    assert abs(float(normal.mean())) < 5e-3
    assert abs(float(normal.var()) - 1) < 7.1e-3
    assert abs(float((normal**4).mean()) - 3) < 5 * 9.8e-3
    neighbours = float((normal[:-1] * normal[1:]).mean())
    assert abs(neighbours) < 5e-3
    uniform = Noise(3, range(1000), "cpu").uniform(1000).double()
    assert 0.0 <= float(uniform.min()) <= float(uniform.max()) < 1.0
    assert abs(float(uniform.mean()) - 0.5) < 5 * 2.9e-4
    assert abs(float(uniform.var()) - 1 / 12) < 5 * 7.5e-5


@pytest.mark.parametrize("seed", [2**64, -(2**63) - 1, 1.0, "1", None, True])
def test_a_seed_is_a_64_bit_integer(seed: object) -> None:
    with pytest.raises(ArgumentError, match="seed must be a 64-bit integer"):
        check_seed(seed)  # type: ignore[arg-type]


def test_negative_seeds_are_twos_complement() -> None:
    assert check_seed(np.int64(-1)) == -1
    assert torch.equal(Noise(-1, [0], "cpu").normal(3), Noise(2**64 - 1, [0], "cpu").normal(3))


def test_derived_seeds_differ_by_purpose_and_values() -> None:
    seeds = {derive_seed(purpose, a, b) for purpose in ("step", "order") for a in range(20) for b in range(20)}
    assert len(seeds) == 800
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_torchs_generator_is_restored() -> None:
    before = torch.get_rng_state()
    drawn = []
    for _ in range(2):
        with seeded(torch.device("cpu"), 5):
            drawn.append(torch.rand(3))
    assert torch.equal(*drawn)
    assert torch.equal(torch.get_rng_state(), before)


@given(st.integers(1, 30), st.integers(1, 70), SEEDS)
def test_an_epoch_shows_every_image_once(size: int, batch_size: int, seed: int) -> None:
    steps = -(-3 * size // batch_size)
    order = BatchOrder(size, batch_size, seed)
    seen = torch.cat([order.batch(step) for step in range(steps)])
    assert all(len(order.batch(step)) == batch_size for step in range(steps))
    for epoch in range(3):
        assert sorted(seen[epoch * size : (epoch + 1) * size].tolist()) == list(range(size))


@given(st.integers(2, 30), st.integers(1, 70), st.integers(0, 100))
def test_a_batch_is_a_function_of_seed_and_step(size: int, batch_size: int, step: int) -> None:
    order = BatchOrder(size, batch_size, 1)
    order.batch(7)
    assert torch.equal(order.batch(step), BatchOrder(size, batch_size, 1).batch(step))


def test_epochs_and_seeds_are_shuffled_differently() -> None:
    order = BatchOrder(100, 100, 0)
    assert not torch.equal(order.batch(0), order.batch(1))
    assert not torch.equal(order.batch(0), BatchOrder(100, 100, 1).batch(0))
    assert not torch.equal(order.batch(0), torch.arange(100))
