"""The whole generator: the contract, shapes, options, and that it learns."""

from __future__ import annotations

import copy
import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from augsynth_diffusion import EDM, Diffusion, EDMConfig
from augsynth_diffusion.denoiser import Denoiser
from augsynth_diffusion.networks import Grid, UNet
from diffusion_checks import rows_of, share_of_class
from torch import Tensor
from torch.utils.data import TensorDataset

from augsynth.errors import ArgumentError
from augsynth.generators import load_generator
from augsynth.generators.checkpoints import checkpoint
from augsynth.testing import check_generator

SHAPES = [(1, 8, 8), (1, 28, 28), (1, 27, 33), (3, 30, 20), (4, 9, 13), (3, 64, 64), (2, 8, 64)]


@pytest.fixture
def fitted(fitted_models: dict[str, Diffusion]) -> Diffusion:
    return fitted_models["edm"]


def test_it_keeps_the_contract() -> None:
    check_generator(lambda: EDM.configure(width=4, sampling_steps=2))


def test_samples_show_their_class_and_differ(fitted: Diffusion) -> None:
    samples = fitted.sample(64)
    assert samples.labels is not None
    assert share_of_class(samples.images, samples.labels) > 0.9
    assert rows_of(samples) >= 4


@pytest.mark.parametrize("sampler", ["ddim", "ancestral"])
def test_other_samplers_show_the_class_too(fitted: Diffusion, sampler: str) -> None:
    other = copy.copy(fitted)
    other.config = dataclasses.replace(fitted.config, sampler=sampler, sampling_steps=20)
    samples = other.sample(32)
    assert samples.labels is not None
    assert share_of_class(samples.images, samples.labels) > 0.8


def test_default_guidance_is_that_of_the_config(fitted: Diffusion) -> None:
    default, plain = fitted.sample(8).images, fitted.sample(8, guidance=1.0).images
    assert torch.equal(default, plain)
    other = copy.copy(fitted)
    other.config = dataclasses.replace(fitted.config, guidance=3.0)
    assert torch.equal(other.sample(8).images, fitted.sample(8, guidance=3.0).images)
    assert not torch.equal(other.sample(8).images, plain)
    # A guidance next to 1 takes the other way through the code, to the same images.
    near = fitted.sample(8, guidance=1.0 + 1e-6).images
    assert (near.int() - plain.int()).abs().float().mean() < 1.0


def test_the_stated_share_of_classes_is_hidden(bars: TensorDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    labels_seen: list[Tensor] = []
    forward = Denoiser.forward

    def noted(self: Denoiser, noisy: Tensor, sigma: Tensor, labels: Tensor, distortion: None) -> Tensor:
        labels_seen.append(labels)
        return forward(self, noisy, sigma, labels, distortion)

    monkeypatch.setattr(Denoiser, "forward", noted)
    generator = EDM.configure(width=4, label_drop=0.25)
    generator.fit(bars, steps=50, batch_size=32, device="cpu", progress=False)
    hidden = (torch.cat(labels_seen) == 2).float()
    # Five standard errors of a share of 0.25 among 1,600.
    assert hidden.mean().item() == pytest.approx(0.25, abs=5 * math.sqrt(0.25 * 0.75 / 1600))


def test_a_fit_that_never_hid_a_class_needs_classes(bars: TensorDataset) -> None:
    generator = EDM.configure(width=4, label_drop=0.0, sampling_steps=2)
    generator.fit(bars, steps=2, batch_size=8, device="cpu", progress=False)
    images = bars.tensors[0][:2]
    assert len(generator.vary(images, 0.5, [0, 1])) == 2
    for call in (lambda: generator.vary(images, 0.5), lambda: generator.sample(2, guidance=2.0)):
        with pytest.raises(ArgumentError, match="label_drop=0"):
            call()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("classes", [1, 7])
def test_any_shape_is_denoised(shape: tuple[int, int, int], classes: int) -> None:
    network = UNet(Grid.of(shape), classes, width=4, depth=2)
    images, unknown = torch.zeros(2, *shape), torch.full((2,), classes)
    assert network(images, torch.zeros(2), unknown).shape == images.shape


@pytest.mark.parametrize("shape", SHAPES)
def test_folded_images_can_be_halved(shape: tuple[int, int, int]) -> None:
    grid = Grid.of(shape)
    assert all(side % (1 << (grid.levels - 1)) == 0 for side in grid.patches.sides)


def test_statistics_come_from_the_images_unless_given() -> None:
    images = 0.5 + 0.25 * torch.randn(64, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    network = UNet(Grid.of((2, 8, 8)), 3, width=4, depth=1)
    measured, given = Denoiser(network, None, "float32"), Denoiser(network, 0.7, "float32")
    for denoiser in (measured, given):
        denoiser.measure(images)
        assert denoiser.center.flatten().tolist() == pytest.approx([0.5, 0.5], abs=0.02)
    assert measured.sigma_data.item() == pytest.approx(0.25, abs=0.01)
    assert given.sigma_data.item() == pytest.approx(0.7)


def test_grey_images_do_not_divide_by_zero() -> None:
    images = torch.full((8, 1, 8, 8), 77, dtype=torch.uint8)
    images[0] = 79  # data sets of one grey tone are refused
    data = TensorDataset(images, torch.zeros(8, dtype=torch.int64))
    generator = EDM.configure(width=4, sampling_steps=3)
    report = generator.fit(data, steps=3, batch_size=4, device="cpu", progress=False)
    assert math.isfinite(report.metrics["loss"])
    assert len(generator.sample(4)) == 4  # which refuses values that are not finite


@pytest.mark.parametrize(
    "wrong",
    [
        {"width": 0},
        {"depth": 0},
        {"sigma_data": 0.0},
        {"p_mean": float("nan")},
        {"p_std": 0.0},
        {"label_drop": 1.0},
        {"dropout": 1.0},
        {"augment": 1.5},
        {"policy": ("rotation",)},
        {"policy": ()},
        {"learning_rate": 0.0},
        {"decay": 1.0},
        {"sampler": "euler"},
        {"sampling_steps": 0},
        {"guidance": -1.0},
        {"sigma_min": 100.0},
        {"sigma_max": float("inf")},
        {"precision": "float16"},
    ],
)
def test_a_wrong_option_is_named(wrong: dict[str, Any]) -> None:
    (option,) = wrong
    with pytest.raises(ArgumentError, match=f"{option} must"):
        EDMConfig(**wrong)


def test_checkpoints_of_the_first_version_load(fitted: Diffusion, tmp_path: Path) -> None:
    later = ("dropout", "augment", "policy", "leaps")
    about = fitted.description()
    options = {option: value for option, value in about.config.items() if option not in later}
    first = dataclasses.replace(about, class_path="augsynth_diffusion.generator:EDM", config=options)
    checkpoint.write(tmp_path, first, fitted.state())
    assert torch.equal(load_generator(tmp_path).sample(4).images, fitted.sample(4).images)
    names = {"center", "sigma_data", "network.stem.weight", "network.condition.frequencies", "network.head.bias"}
    assert names <= set(fitted.denoiser.state_dict())
