"""The whole generator: the contract, shapes, options, and that it learns."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import pytest
import torch
from augsynth_vae import ConditionalVAE, VAEConfig
from augsynth_vae.generator import ramp
from augsynth_vae.likelihood import Bernoulli
from augsynth_vae.networks import Decoder, Encoder, Grid
from torch.utils.data import TensorDataset

from augsynth.errors import ArgumentError
from augsynth.testing import check_generator

SHAPES = [(1, 8, 8), (1, 28, 28), (1, 27, 33), (3, 30, 20), (4, 9, 13), (3, 64, 64), (2, 8, 64)]


@pytest.mark.parametrize("likelihood", ["bernoulli", "logistic"])
def test_it_keeps_the_contract(likelihood: str) -> None:
    check_generator(lambda: ConditionalVAE.configure(width=4, latent=3, likelihood=likelihood), spawn=False)


def test_it_keeps_the_contract_in_another_process() -> None:
    check_generator(lambda: ConditionalVAE.configure(width=4, latent=3), steps=2)


@pytest.fixture(scope="module")
def fitted(bars: TensorDataset) -> ConditionalVAE:
    """A generator that has learned the bars."""
    generator = ConditionalVAE.configure(width=8, latent=4, beta=1.0, free_bits=0.2)
    generator.fit(bars, steps=250, batch_size=32, device="cpu", progress=False)
    return generator


def test_samples_show_their_class(fitted: ConditionalVAE) -> None:
    samples = fitted.sample(64)
    assert samples.labels is not None
    pictures = samples.images.float()
    # A bar along the rows varies down the image and not across it.
    along_rows = pictures.var(3).mean((1, 2)) < pictures.var(2).mean((1, 2))
    assert ((~along_rows).long() == samples.labels).float().mean() > 0.9
    # Not one and the same bar each time.
    brightest = pictures[samples.labels == 0].mean((1, 3)).argmax(1)
    assert len(brightest.unique()) >= 4


def test_temperature_narrows_the_samples(fitted: ConditionalVAE) -> None:
    cold = copy.copy(fitted)
    cold.config = dataclasses.replace(fitted.config, temperature=0.01)
    wide, narrow = (generator.sample(32, labels=0).images.float().var(0).mean() for generator in (fitted, cold))
    assert narrow < 0.1 * wide


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("classes", [1, 7])
def test_any_shape_is_coded_and_decoded(shape: tuple[int, int, int], classes: int) -> None:
    grid = Grid.of(shape)
    images, labels = torch.zeros(2, *shape), torch.full((2,), classes - 1)
    mean, log_variance = Encoder(grid, classes, 4, 5)(images, labels)
    assert mean.shape == log_variance.shape == (2, 5)
    assert Decoder(grid, classes, 4, 5, Bernoulli())(mean, labels).shape == images.shape


def test_the_weight_of_the_kl_term_rises() -> None:
    assert [ramp(k, 10) for k in (0, 5, 10, 99)] == [0.0, 0.5, 1.0, 1.0]


@pytest.mark.parametrize(
    "wrong",
    [
        {"latent": 0},
        {"width": 0},
        {"likelihood": "poisson"},
        {"beta": 0.0},
        {"warmup": 1.5},
        {"free_bits": -0.1},
        {"temperature": float("nan")},
        {"learning_rate": float("inf")},
        {"decay": 1.0},
        {"precision": "float16"},
    ],
)
def test_a_wrong_option_is_named(wrong: dict[str, Any]) -> None:
    (option,) = wrong
    with pytest.raises(ArgumentError, match=f"{option} must be"):
        VAEConfig(**wrong)
