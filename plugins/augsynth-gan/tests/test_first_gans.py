"""The generators `mlp-gan` and `dcgan`: the contract, odd shapes, options, and that they learn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from augsynth_gan import DCGAN, MLPGAN
from augsynth_gan.dcgan import DCGANConfig, StridedDiscriminator, StridedGenerator
from augsynth_gan.mlp_gan import Maxout
from augsynth_gan.networks import halvings
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from augsynth.errors import ArgumentError
from augsynth.generators import create_generator, load_generator, to_signed
from augsynth.testing import check_generator

Halves = Callable[..., TensorDataset]

SMALL: dict[type, dict[str, Any]] = {MLPGAN: {"width": 32, "latent": 8}, DCGAN: {"channels": 8, "latent": 8}}
REMEDIES = {
    "normalisation": "none",
    "spectral": True,
    "statistics": True,
    "dropout": 0.2,
    "penalty": 1.0,
    "max_norm": 1.0,
    "optimizer": "rmsprop",
    "weight_decay": 0.01,
}


@pytest.mark.usefixtures("short_descents")
@pytest.mark.parametrize(
    ("kind", "options"),
    [(MLPGAN, {}), (DCGAN, {}), (DCGAN, REMEDIES)],
    ids=["mlp-gan", "dcgan", "dcgan with remedies"],
)
def test_conforms(kind: type, options: dict[str, Any]) -> None:
    check_generator(lambda: kind.configure(**{**SMALL[kind], **options}), spawn=False)


@pytest.mark.parametrize("kind", [MLPGAN, DCGAN])
def test_is_registered(kind: type) -> None:
    assert isinstance(create_generator(kind.name), kind)


@pytest.mark.parametrize("kind", [MLPGAN, DCGAN])
@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 27, 33), (3, 30, 20), (3, 64, 64), (2, 8, 64), (1, 5, 9)])
def test_takes_odd_shapes(kind: type, shape: tuple[int, int, int]) -> None:
    images = torch.randint(0, 256, (6, *shape), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    generator = kind.configure(**SMALL[kind])
    generator.fit(TensorDataset(images, torch.arange(6) % 3), steps=1, batch_size=4, progress=False)
    assert generator.sample(2).images.shape == (2, *shape)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (MLPGAN, {"learning_rate": 1e-3}),
        (DCGAN, {}),
        (DCGAN, {"spectral": True}),
    ],
    ids=["mlp-gan", "dcgan", "dcgan, spectral"],
)
def test_learns_what_tells_two_classes_apart(halves: Halves, kind: type, options: dict[str, Any]) -> None:
    generator = kind.configure(**{**SMALL[kind], "learning_rate": 2e-3, "decay": 0.9, **options})
    generator.fit(halves(128), steps=300, batch_size=32, progress=False)
    images = generator.sample(64).images.float()
    gap = (images[:, :, :4].mean((1, 2, 3)) - images[:, :, 4:].mean((1, 2, 3))).view(32, 2)
    assert (gap[:, 0] > 60).all()
    assert (gap[:, 1] < -60).all()


@pytest.mark.parametrize(
    ("kind", "option", "value"),
    [
        (MLPGAN, "width", 0),
        (MLPGAN, "dropout", 1.0),
        (DCGAN, "channels", 0),
        (DCGAN, "normalisation", "btach"),
        (DCGAN, "dropout", -0.1),
        (DCGAN, "penalty", -1.0),
        (DCGAN, "latent", 0),
    ],
)
def test_refuses_options_out_of_range(kind: type, option: str, value: object) -> None:
    with pytest.raises(ArgumentError, match=f"{option} must be .*, got"):
        kind.configure(**{option: value})


def test_halvings_are_at_least_as_many_as_asked_for() -> None:
    assert halvings(5, 9) == [(5, 9)]
    assert halvings(5, 9, at_least=1) == [(3, 5), (5, 9)]
    assert halvings(33, 27, at_least=1) == [(9, 7), (17, 14), (33, 27)]


def test_maxout_is_the_largest_of_linear_functions() -> None:
    layer, x = Maxout(3, 2), torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    linear = x @ layer.pieces.weight.T + layer.pieces.bias
    expected = torch.stack([linear[:, :2].amax(1), linear[:, 2:].amax(1)], dim=1)
    torch.testing.assert_close(layer(x), expected)


@pytest.mark.parametrize("normalisation", ["batch", "layer", "none"])
def test_normalisations_are_those_that_are_named(normalisation: str) -> None:
    config = DCGANConfig(normalisation=normalisation, channels=4)
    found = {
        type(module)
        for network in (StridedGenerator((1, 16, 16), 2, config), StridedDiscriminator((1, 16, 16), 2, config))
        for module in network.modules()
        if isinstance(module, (nn.BatchNorm2d, nn.GroupNorm))
    }
    assert found == {"batch": {nn.BatchNorm2d}, "layer": {nn.GroupNorm}, "none": set()}[normalisation]


@pytest.mark.parametrize("kind", [MLPGAN, DCGAN])
def test_fresh_images_of_a_class_vary_with_the_latent_vector(kind: type) -> None:
    """Where they hardly did, every class became one image."""
    torch.manual_seed(0)
    generator, _ = kind.configure().players((1, 28, 28), 10)
    images = generator(torch.randn(32, 64), torch.zeros(32, dtype=torch.int64))
    assert images.std(0).mean() > 0.15


def _steepness(discriminator: nn.Module, images: Tensor, labels: Tensor) -> float:
    (slope,) = torch.autograd.grad(discriminator(images, labels).sum(), images)
    return slope.flatten(1).norm(dim=1).max().item()


def test_spectral_normalisation_bounds_the_discriminator_whatever_its_weights() -> None:
    """Weights a hundred times as large change nothing, and without it the slope grows by 100 at every layer."""
    images = torch.randn(4, 1, 16, 16, generator=torch.Generator().manual_seed(0)).requires_grad_()
    labels, slopes = torch.tensor([0, 1, 0, 1]), {}
    for spectral in (False, True):
        for scale in (1.0, 100.0):
            torch.manual_seed(0)
            config = DCGANConfig(normalisation="none", spectral=spectral, channels=4)
            discriminator = StridedDiscriminator((1, 16, 16), 2, config)
            with torch.no_grad():
                for parameter in discriminator.parameters():
                    parameter.mul_(scale)
            for _ in range(20):  # of the power iteration
                discriminator(images, labels)
            slopes[spectral, scale] = _steepness(discriminator, images, labels)
    assert slopes[True, 100.0] == pytest.approx(slopes[True, 1.0], rel=0.05)
    assert slopes[False, 100.0] > 1e4 * slopes[False, 1.0]


def test_statistics_tell_a_batch_of_copies() -> None:
    images, labels = torch.randn(4, 1, 16, 16), torch.zeros(4, dtype=torch.int64)
    for statistics in (False, True):
        config = DCGANConfig(normalisation="none", statistics=statistics, channels=4)
        discriminator = StridedDiscriminator((1, 16, 16), 2, config)
        for parameter in discriminator.parameters():
            nn.init.normal_(parameter, std=0.3)
        varied = discriminator(images, labels)[0]
        copied = discriminator(images[:1].expand(4, -1, -1, -1), labels)[0]
        assert torch.isclose(varied, copied, rtol=1e-3) != statistics


def test_saved_batch_norm_draws_the_same(halves: Halves, tmp_path: Path) -> None:
    """Its running means are buffers, and samples do not depend on their batch."""
    generator = DCGAN.configure(**SMALL[DCGAN])
    generator.fit(halves(), steps=20, batch_size=16, progress=False)
    generator.save(tmp_path)
    loaded = load_generator(tmp_path)
    assert torch.equal(loaded.sample(5, labels=1).images, generator.sample(64, labels=1).images[:5])
    codes = torch.randn(2, 8, generator=torch.Generator().manual_seed(0))
    alone = generator.decode(codes[:1], labels=1).images
    assert torch.equal(generator.decode(codes, labels=1).images[:1], alone)
    assert to_signed(alone).abs().max() <= 1
