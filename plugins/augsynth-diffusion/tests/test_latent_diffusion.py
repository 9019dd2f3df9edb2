"""Diffusion of codes: the autoencoder, the two stages of a fit, and that samples show their class."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from augsynth_diffusion import LatentDiffusion, LatentDiffusionConfig
from augsynth_diffusion.autoencoder import Autoencoder
from diffusion_checks import rows_of, share_of_class
from tiny_pipelines import make_autoencoder
from torch.utils.data import TensorDataset

from augsynth.errors import ArgumentError, CheckpointError
from augsynth.generators import StepReport
from augsynth.generators.samples import to_signed
from augsynth.testing import check_generator

TINY: dict[str, Any] = {"width": 4, "autoencoder_width": 4, "sampling_steps": 2, "factor": 2}


@pytest.fixture(scope="module")
def fitted(bars: TensorDataset) -> LatentDiffusion:
    """A model that has learned the bars."""
    generator = LatentDiffusion.configure(
        width=16, autoencoder_width=32, factor=2, decay=0.98, autoencoder_share=0.5, sampling_steps=10
    )
    generator.fit(bars, steps=500, batch_size=32, device="cpu", progress=False)
    return generator


def test_latent_diffusion_keeps_the_contract() -> None:
    check_generator(lambda: LatentDiffusion.configure(**TINY), spawn=False)


def test_samples_show_their_class_and_differ(fitted: LatentDiffusion) -> None:
    samples = fitted.sample(64)
    assert samples.labels is not None
    assert share_of_class(samples.images, samples.labels) > 0.9
    assert rows_of(samples) >= 4


def test_the_autoencoder_reconstructs(fitted: LatentDiffusion, bars: TensorDataset) -> None:
    images = to_signed(bars.tensors[0])
    with torch.no_grad():
        errors = (fitted.to_images(fitted.to_space(images)) - images).square().mean()
    assert errors < 0.1 * images.var()


def test_codes_have_mean_0_and_variance_1(fitted: LatentDiffusion, bars: TensorDataset) -> None:
    codes = fitted.to_space(to_signed(bars.tensors[0]))
    assert codes.shape == (64, *fitted.space_shape) == (64, 4, 4, 4)
    variance, mean = torch.var_mean(codes, (0, 2, 3))
    assert mean.abs().max() < 0.3
    assert variance.min() > 0.6
    assert variance.max() < 1.5
    assert fitted.denoiser.sigma_data == 1


def test_each_stage_changes_its_own_network(bars: TensorDataset) -> None:
    generator = LatentDiffusion.configure(**TINY, autoencoder_share=0.5)
    weights: list[dict[str, torch.Tensor]] = []
    names: list[set[str]] = []

    def note(report: StepReport) -> None:
        weights.append({name: value.clone() for name, value in generator.state().items()})
        names.append(set(report.values))

    generator.fit(bars, steps=8, batch_size=8, device="cpu", callbacks=[note], progress=False)
    assert names == [{"error", "kl"}] * 4 + [{"loss"}] * 4

    def changed(a: int, b: int) -> set[str]:
        return {name.split(".")[0] for name in weights[a] if not torch.equal(weights[a][name], weights[b][name])}

    assert changed(0, 3) == {"autoencoder"}
    assert changed(4, 7) == {"denoiser"}


@pytest.mark.parametrize("stop", [3, 4, 6])
def test_each_stage_resumes_exactly(stop: int, bars: TensorDataset, tmp_path: Path) -> None:
    """The fit is stopped before, at and after the change of the stages."""
    settings: dict[str, Any] = {"steps": 8, "batch_size": 8, "device": "cpu", "progress": False}

    def halt(report: StepReport) -> None:
        if report.step == stop:
            raise KeyboardInterrupt

    whole, stopped, resumed = (LatentDiffusion.configure(**TINY, autoencoder_share=0.5) for _ in range(3))
    whole.fit(bars, **settings)
    with pytest.raises(KeyboardInterrupt):
        stopped.fit(bars, checkpoint_dir=tmp_path / "run", checkpoint_every=stop, callbacks=[halt], **settings)
    resumed.fit(bars, checkpoint_dir=tmp_path / "run", resume=True, **settings)
    assert resumed.digest() == whole.digest()


def test_variations_leave_the_reconstruction_with_strength(fitted: LatentDiffusion, bars: TensorDataset) -> None:
    images, labels = (tensor[:32] for tensor in bars.tensors)
    with torch.no_grad():
        reconstructed = fitted.to_images(fitted.to_space(to_signed(images))).add(1).mul(127.5).clamp(0, 255)
    changes = [
        (fitted.vary(images, strength, labels).images - reconstructed).abs().mean().item()
        for strength in (0.01, 0.4, 1.0)
    ]
    assert changes[0] < 3
    assert changes[0] < changes[1] < changes[2]


def test_codes_of_noise_reproduce_their_images(fitted: LatentDiffusion, bars: TensorDataset) -> None:
    labels = bars.tensors[1][:8]
    ends = bars.tensors[0][:8], bars.tensors[0][8:16]
    decoded = [fitted.decode(fitted.encode(images, labels=labels), labels=labels).images for images in ends]
    for images, reproduced in zip(ends, decoded, strict=True):
        assert (reproduced.float() - images.float()).abs().mean() < 0.1 * 255
    way = fitted.interpolate(*ends, 3, labels=labels)
    assert torch.equal(way[:, 0], decoded[0])
    assert torch.equal(way[:, -1], decoded[1])


def test_translations_show_the_other_class(fitted: LatentDiffusion, bars: TensorDataset) -> None:
    images, labels = (tensor[:32] for tensor in bars.tensors)
    assert share_of_class(images, labels) == 1
    translated = fitted.translate(images, 1 - labels, labels=labels)
    assert share_of_class(translated.images, 1 - labels) > 0.8


@pytest.mark.parametrize(
    ("shape", "codes"),
    [
        ((1, 8, 8), (4, 2, 2)),
        ((1, 27, 33), (4, 7, 9)),
        ((3, 30, 20), (4, 8, 5)),
        ((3, 64, 64), (4, 8, 8)),
        ((2, 8, 64), (4, 2, 16)),
        ((3, 128, 96), (4, 16, 12)),
    ],
)
def test_any_shape_is_encoded(shape: tuple[int, int, int], codes: tuple[int, int, int]) -> None:
    generator = LatentDiffusion.configure(width=4, autoencoder_width=4, sampling_steps=1)
    generator.prepare(shape, 3, torch.device("cpu"))
    assert generator.space_shape == codes
    assert generator.sample(1).images.shape == (1, *shape)


def test_the_denoiser_of_large_images_costs_as_little_as_that_of_small_ones() -> None:
    networks = []
    for side in (32, 64):
        generator = LatentDiffusion.configure()
        generator.prepare((3, side, side), 10, torch.device("cpu"))
        networks.append((generator.space_shape, sum(weights.numel() for weights in generator.denoiser.parameters())))
    assert networks[0] == networks[1]


def test_losses_of_the_autoencoder_are_those_of_its_formula() -> None:
    torch.manual_seed(0)
    network = Autoencoder((1, 4, 4), channels=3, factor=2, width=4, precision="float32")
    images, normal = torch.rand(5, 1, 4, 4) * 2 - 1, torch.randn(5, 3, 2, 2)
    error, divergence = network.losses(images, normal)
    mean, log_variance = network.posterior(images)
    q = torch.distributions.Normal(mean, (log_variance / 2).exp())
    expected = torch.distributions.kl_divergence(q, torch.distributions.Normal(0.0, 1.0))
    assert divergence.item() == pytest.approx(expected.mean().item(), rel=1e-4)
    drawn = network.reconstruct(mean + q.stddev * normal)
    assert error.item() == pytest.approx((drawn - images).square().mean().item(), rel=1e-4)


@pytest.mark.parametrize(
    "wrong",
    [
        {"factor": 0},
        {"channels": 0},
        {"autoencoder_width": 0},
        {"autoencoder_share": 1.0},
        {"kl": -1.0},
        {"decay": 1.0},
    ],
)
def test_a_wrong_option_of_latent_diffusion_is_named(wrong: dict[str, Any]) -> None:
    (option,) = wrong
    with pytest.raises(ArgumentError, match=f"{option} must be"):
        LatentDiffusionConfig(**wrong)


@pytest.fixture
def pretrained(tmp_path: Path) -> Path:
    """Folder of a tiny `AutoencoderKL`, which halves the sides of its images."""
    for needed in ("diffusers", "accelerate"):
        pytest.importorskip(needed, reason='pip install "augsynth-diffusion[diffusers]"')
    make_autoencoder().save_pretrained(tmp_path / "autoencoder")
    return tmp_path / "autoencoder"


def test_a_pretrained_autoencoder_is_neither_trained_nor_stored(
    pretrained: Path, bars: TensorDataset, tmp_path: Path
) -> None:
    generator = LatentDiffusion.configure(width=4, sampling_steps=2, autoencoder=str(pretrained))
    report = generator.fit(bars, steps=3, batch_size=32, device="cpu", progress=False)
    assert report.metrics.keys() == {"loss"}
    codes = generator.to_space(to_signed(bars.tensors[0]))
    assert codes.shape == (64, 4, 4, 4)
    assert codes.var((0, 2, 3)).tolist() == pytest.approx([1.0] * 4, rel=0.4)
    stored = {name for name in generator.state() if name.startswith("autoencoder")}
    assert stored == {"autoencoder.shift", "autoencoder.scale", "autoencoder.sha256"}
    generator.save(tmp_path / "saved")
    assert torch.equal(LatentDiffusion.load(tmp_path / "saved").sample(2).images, generator.sample(2).images)
    weights = pretrained / "diffusion_pytorch_model.safetensors"
    original = weights.read_bytes()
    weights.write_bytes(original[:-1] + bytes([original[-1] ^ 1]))
    with pytest.raises(CheckpointError, match="not the one that this generator was fitted with"):
        LatentDiffusion.load(tmp_path / "saved")


@pytest.mark.parametrize("shape", [(1, 9, 13), (3, 30, 21)])
def test_a_pretrained_autoencoder_takes_other_shapes(pretrained: Path, shape: tuple[int, int, int]) -> None:
    generator = LatentDiffusion.configure(width=4, sampling_steps=1, autoencoder=str(pretrained))
    generator.prepare(shape, 2, torch.device("cpu"))
    assert generator.space_shape == (4, -(-shape[1] // 2), -(-shape[2] // 2))
    assert generator.sample(1).images.shape == (1, *shape)


def test_a_wrong_pretrained_autoencoder_is_refused(pretrained: Path, bars: TensorDataset) -> None:
    def fit(path: Path, images: torch.Tensor) -> None:
        data = TensorDataset(images, bars.tensors[1])
        LatentDiffusion.configure(autoencoder=str(path)).fit(data, steps=1, device="cpu", progress=False)

    with pytest.raises(ArgumentError, match="nothing is downloaded"):
        fit(pretrained / "none", bars.tensors[0])
    with pytest.raises(ArgumentError, match="grey or RGB images, got 2 channels"):
        fit(pretrained, bars.tensors[0].expand(-1, 2, -1, -1))
    (pretrained / "config.json").write_text('{"_class_name": "UNet2DModel"}')
    with pytest.raises(ArgumentError, match="holds something else"):
        fit(pretrained, bars.tensors[0])
