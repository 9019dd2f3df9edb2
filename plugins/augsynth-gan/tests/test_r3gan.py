"""The generator `r3gan`: the contract, its options, and that it learns."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from augsynth_gan import R3GAN, R3GANConfig
from augsynth_gan.losses import gradient_penalty
from torch.utils.data import TensorDataset

from augsynth.errors import ArgumentError
from augsynth.generators import create_generator, load_generator, to_signed
from augsynth.testing import check_generator

Halves = Callable[..., TensorDataset]


def _small(**options: object) -> R3GAN:
    return R3GAN.configure(**{"channels": 8, "latent": 8, **options})


@pytest.mark.usefixtures("short_descents")
@pytest.mark.parametrize("options", [{}, {"augment": 0.5, "penalty_every": 1}], ids=["default", "augmented"])
def test_conforms(options: dict[str, object]) -> None:
    check_generator(lambda: _small(**options), spawn=not options)


def test_is_registered() -> None:
    assert isinstance(create_generator("r3gan", channels=8), R3GAN)


def test_checkpoint_of_a_moved_module_loads_by_name(
    halves: Halves, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checkpoints store the class path. Those that were saved before it changed remain readable."""
    generator = _small()
    generator.fit(halves(), steps=1, batch_size=4, progress=False)
    with monkeypatch.context() as patch:
        patch.setattr(R3GAN, "__module__", "augsynth_gan.generator")
        generator.save(tmp_path)
    assert "augsynth_gan.generator:R3GAN" in (tmp_path / "config.json").read_text()
    assert torch.equal(load_generator(tmp_path).sample(3).images, generator.sample(3).images)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 20, 30)])
def test_learns_what_tells_two_classes_apart(halves: Halves, shape: tuple[int, int, int]) -> None:
    generator = _small()
    generator.fit(halves(shape=shape), steps=150, batch_size=16, progress=False)
    images = generator.sample(32).images.float()
    half = shape[1] // 2
    gap = (images[:, :, :half].mean((1, 2, 3)) - images[:, :, half:].mean((1, 2, 3))).view(16, 2)
    assert (gap[:, 0] > 60).all()
    assert (gap[:, 1] < -60).all()


def test_one_class_is_enough() -> None:
    images = torch.arange(8 * 64).view(8, 1, 8, 8).to(torch.uint8)
    generator = _small()
    generator.fit(TensorDataset(images, torch.zeros(8, dtype=torch.int64)), steps=2, batch_size=4, progress=False)
    assert generator.num_classes == 1
    assert generator.sample(3).images.shape == (3, 1, 8, 8)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("latent", 0),
        ("channels", 0),
        ("blocks", 0),
        ("penalty", -1.0),
        ("penalty", math.nan),
        ("penalty_every", 0),
        ("augment", 1.5),
        ("learning_rate", 0.0),
        ("learning_rate", math.inf),
        ("decay", 1.0),
        ("precision", "float8"),
    ],
)
def test_refuses_options_out_of_range(option: str, value: object) -> None:
    with pytest.raises(ArgumentError, match=f"{option} must be .*, got"):
        R3GAN.configure(**{option: value})


def test_every_option_is_described() -> None:
    """A new option without a rule or a default is caught here."""
    assert all(field.default is not dataclasses.MISSING for field in dataclasses.fields(R3GANConfig))


def test_penalty_keeps_the_discriminator_flat(halves: Halves) -> None:
    data = halves()
    images, labels = data.tensors
    steepness = []
    for penalty in (0.0, 10.0):
        generator = _small(penalty=penalty, penalty_every=2)
        generator.fit(data, steps=60, batch_size=16, progress=False)
        inputs = to_signed(images).requires_grad_()
        logits = generator.networks["discriminator"](inputs, labels)
        steepness.append(gradient_penalty(logits, inputs).item())
    assert steepness[1] < steepness[0] / 3
