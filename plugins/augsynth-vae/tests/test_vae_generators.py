"""The contract, shapes and options of all models, and that they learn."""

from __future__ import annotations

import copy
import dataclasses
import math
from typing import Any

import pytest
import torch
from augsynth_vae import NVAE, VAE, BetaVAE, BetaVAEOptions, ConditionalVAE, CVAEOptions, NVAEOptions
from augsynth_vae.autoencoder import Autoencoder
from augsynth_vae.coding import CodingGenerator
from torch import Tensor
from torch.utils.data import TensorDataset

from augsynth.errors import ArgumentError
from augsynth.testing import check_generator

SHAPES = [(1, 8, 8), (1, 27, 33), (3, 30, 20), (3, 64, 64), (2, 8, 64)]
SMALL: dict[type[CodingGenerator], dict[str, Any]] = {
    VAE: {"width": 4, "latent": 3},
    BetaVAE: {"width": 4, "latent": 3},
    ConditionalVAE: {"width": 4, "latent": 3, "flow": 2},
    NVAE: {"width": 2, "latent": 1, "groups": 1, "expansion": 1},
}


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (VAE, {"normalization": "batch", "dropout": 0.1}),
        (BetaVAE, {"capacity": 5.0, "likelihood": "logistic", "normalization": "group"}),
        (ConditionalVAE, {"likelihood": "mixture"}),
        (ConditionalVAE, {"flow": 0}),
        (NVAE, {}),
    ],
)
def test_it_keeps_the_contract(kind: type[CodingGenerator], options: dict[str, Any]) -> None:
    check_generator(lambda: kind.configure(**{**SMALL[kind], **options}), spawn=False)


def test_it_keeps_the_contract_in_another_process() -> None:
    check_generator(lambda: ConditionalVAE.configure(**SMALL[ConditionalVAE]), steps=2)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", [VAE, ConditionalVAE, NVAE])
def test_any_shape_is_coded_and_decoded(kind: type[CodingGenerator], shape: tuple[int, int, int]) -> None:
    generator = kind.configure(**SMALL[kind], likelihood="mixture")
    images = (torch.arange(4 * math.prod(shape)) % 256).to(torch.uint8).view(4, *shape)
    labels = torch.arange(4) % 2
    generator.fit(TensorDataset(images, labels), steps=1, batch_size=4, device="cpu", progress=False)
    known = labels if generator.num_classes else None
    codes = generator.encode(images, labels=known)
    assert codes.shape == (4, generator.code_length)
    assert generator.decode(codes, labels=known).images.shape == images.shape
    assert generator.bits_per_dim(images, labels=known).shape == (4,)


# That they learn -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def conditional(bars: TensorDataset) -> ConditionalVAE:
    """A generator that has learned the bars."""
    generator = ConditionalVAE.configure(width=8, latent=4, beta=1.0, free_bits=0.2, flow=2, learning_rate=5e-3)
    generator.fit(bars, steps=200, batch_size=32, device="cpu", progress=False)
    return generator


@pytest.fixture(scope="module")
def hierarchical(bars: TensorDataset) -> NVAE:
    """A generator that has learned the bars."""
    generator = NVAE.configure(width=8, latent=2, levels=1, groups=2, likelihood="bernoulli", beta=0.5, decay=0.98)
    generator.fit(bars, steps=250, batch_size=32, device="cpu", progress=False)
    return generator


@pytest.mark.parametrize(("name", "least"), [("conditional", 0.9), ("hierarchical", 0.75)])
def test_samples_show_their_class(name: str, least: float, request: pytest.FixtureRequest) -> None:
    samples = request.getfixturevalue(name).sample(64)
    assert samples.labels is not None
    pictures = samples.images.float()
    assert (along_columns(pictures) == samples.labels).float().mean() > least
    # Not one and the same bar each time.
    brightest = pictures[samples.labels == 0].mean((1, 3)).argmax(1)
    assert len(brightest.unique()) >= 4


@pytest.mark.parametrize("kind", [VAE, BetaVAE])
def test_samples_without_a_class_are_bars_of_both_kinds(kind: type[Autoencoder], bars: TensorDataset) -> None:
    options = {"beta": 1.0} if kind is BetaVAE else {}
    generator = kind.configure(width=8, latent=4, free_bits=0.2, learning_rate=5e-3, **options)
    generator.fit(bars, steps=200, batch_size=32, device="cpu", progress=False)
    samples = generator.sample(64)
    assert samples.labels is None
    pictures = samples.images.float()
    nearest = torch.cdist(pictures.flatten(1), bars.tensors[0].float().flatten(1)).min(1).values
    # A grey image is 8 · 255 · 0.66 from each bar.
    assert nearest.median() < 400
    assert 0.2 < along_columns(pictures).float().mean() < 0.8


def test_temperature_narrows_the_samples(conditional: ConditionalVAE) -> None:
    cold = copy.copy(conditional)
    cold.config = dataclasses.replace(conditional.config, temperature=0.01)
    wide, narrow = (generator.sample(32, labels=0).images.float().var(0).mean() for generator in (conditional, cold))
    assert narrow < 0.1 * wide


def test_the_learned_prior_is_where_the_codes_are(conditional: ConditionalVAE, bars: TensorDataset) -> None:
    images, labels = bars.tensors
    codes = conditional.encode(images, labels=labels)
    assert codes.mean().abs() < 0.3
    assert 0.5 < codes.std() < 1.3


def test_a_capacity_holds_the_kl_term_where_it_leads(bars: TensorDataset) -> None:
    generator = BetaVAE.configure(width=4, latent=4, beta=20.0, capacity=2.0, capacity_share=0.5)
    report = generator.fit(bars, steps=120, batch_size=32, device="cpu", progress=False)
    assert report.history[-1]["kl"] == pytest.approx(2.0, abs=0.4)


def test_a_higher_beta_leaves_less_in_the_code(bars: TensorDataset) -> None:
    def kl(beta: float) -> float:
        generator = BetaVAE.configure(width=4, latent=4, beta=beta)
        return generator.fit(bars, steps=80, batch_size=32, device="cpu", progress=False).history[-1]["kl"]

    assert kl(0.1) > 2 * kl(10.0)


def along_columns(pictures: Tensor) -> Tensor:
    """Return the class of bars, int64: a bar along a row varies down the image and not across it."""
    return (pictures.var(3).mean((1, 2)) >= pictures.var(2).mean((1, 2))).long()


# Options -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        (CVAEOptions, {"latent": 0}),
        (CVAEOptions, {"width": 0}),
        (CVAEOptions, {"likelihood": "poisson"}),
        (CVAEOptions, {"beta": 0.0}),
        (CVAEOptions, {"warmup": 1.5}),
        (CVAEOptions, {"free_bits": -0.1}),
        (CVAEOptions, {"temperature": float("nan")}),
        (CVAEOptions, {"dropout": 1.0}),
        (CVAEOptions, {"normalization": "layer"}),
        (CVAEOptions, {"flow": -1}),
        (CVAEOptions, {"learning_rate": float("inf")}),
        (CVAEOptions, {"decay": 1.0}),
        (CVAEOptions, {"precision": "float16"}),
        (BetaVAEOptions, {"capacity": -1.0}),
        (BetaVAEOptions, {"capacity_share": 0.0}),
        (NVAEOptions, {"groups": 0}),
        (NVAEOptions, {"levels": 0}),
        (NVAEOptions, {"expansion": 0}),
        (NVAEOptions, {"spectral": -1.0}),
    ],
)
def test_a_wrong_option_is_named(options: type[Any], wrong: dict[str, Any]) -> None:
    (option,) = wrong
    with pytest.raises(ArgumentError, match=f"{option} must be"):
        options(**wrong)
