"""Pretrained pipelines from a folder: prompts, variations, LoRA weights, provenance, and what is refused."""

from __future__ import annotations

import json
import pickle
import shutil
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from augsynth_diffusion.diffusers import Diffusers, DiffusersConfig
from tiny_pipelines import write_ddpm, write_flux, write_lora, write_text_to_image

from augsynth.errors import ArgumentError, ArgumentTypeError, CheckpointError, DataError, PluginError
from augsynth.generators import CapabilityError, create_generator, list_generators, load_generator
from augsynth.generators.samples import to_signed, to_uint8
from augsynth.testing import check_generator

for needed in ("diffusers", "transformers", "peft", "accelerate"):
    pytest.importorskip(needed, reason='pip install "augsynth-diffusion[diffusers]"')

PROMPTS = ("a cat", "a dog")


@pytest.fixture(scope="module")
def text_to_image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a text-to-image pipeline."""
    folder = tmp_path_factory.mktemp("models") / "text-to-image"
    write_text_to_image(folder)
    return folder


@pytest.fixture(scope="module")
def generator(text_to_image: Path) -> Diffusers:
    """A generator that draws cats and dogs, as far as random weights can."""
    return Diffusers.configure(path=str(text_to_image), prompts=PROMPTS, steps=4, guidance=2.0)


@pytest.fixture(scope="module")
def images(generator: Diffusers) -> torch.Tensor:
    """Six images of the right shape, uint8."""
    rng = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (6, *generator.image_shape), generator=rng, dtype=torch.uint8)


def difference(a: torch.Tensor, b: torch.Tensor) -> float:
    """Return the mean absolute difference of images."""
    return (a.float() - b.float()).abs().mean().item()


def test_prompts_keep_the_contract(text_to_image: Path) -> None:
    check_generator(lambda: Diffusers.configure(path=str(text_to_image), prompts=PROMPTS, steps=2), spawn=False)


def test_the_noise_of_a_scheduler_comes_from_the_sample(text_to_image: Path, tmp_path: Path) -> None:
    import diffusers

    pipeline = diffusers.DiffusionPipeline.from_pretrained(text_to_image)
    pipeline.scheduler = diffusers.DDPMScheduler.from_config(pipeline.scheduler.config)
    pipeline.save_pretrained(tmp_path / "model")
    noisy = Diffusers.configure(path=str(tmp_path / "model"), prompts=PROMPTS, steps=3)
    whole = noisy.sample(6).images
    assert torch.equal(whole, noisy.sample(6).images)
    assert torch.equal(whole[5:], noisy.sample(1, start=5, labels=1).images)
    assert torch.equal(whole[:3], noisy.sample(3).images)
    images = whole[:2]
    assert torch.equal(noisy.vary(images, 0.9).images, noisy.vary(whole, 0.9).images[:2])


@pytest.mark.parametrize("classes", [None, 2])
def test_pipelines_without_prompts_keep_the_contract(classes: int | None, tmp_path: Path) -> None:
    write_ddpm(tmp_path / "model", classes)
    check_generator(lambda: Diffusers.configure(path=str(tmp_path / "model"), steps=2), spawn=False)


def test_other_families_of_pipelines_draw_and_vary(text_to_image: Path, tmp_path: Path) -> None:
    write_flux(tmp_path / "model", text_to_image)
    flux = Diffusers.configure(path=str(tmp_path / "model"), prompts=PROMPTS, image_size=16, steps=3)
    drawn = flux.sample(5).images
    assert drawn.shape == (5, 3, 16, 16)
    assert torch.equal(drawn[3:], flux.sample(2, start=3, labels=[1, 0]).images)
    varied = flux.vary(drawn, 0.4, 0).images
    assert torch.equal(varied[:2], flux.vary(drawn[:2], 0.4, 0).images)
    assert not torch.equal(varied, flux.vary(drawn, 0.4, 1).images)


def test_a_class_is_drawn_from_its_prompt(text_to_image: Path, generator: Diffusers) -> None:
    swapped = Diffusers.configure(path=str(text_to_image), prompts=PROMPTS[::-1], steps=4, guidance=2.0)
    drawn = generator.sample(6, labels=0).images
    assert torch.equal(drawn, swapped.sample(6, labels=1).images)
    assert not torch.equal(drawn, generator.sample(6, labels=1).images)


def test_a_template_becomes_a_prompt_of_each_class(text_to_image: Path) -> None:
    options = {"path": str(text_to_image), "steps": 2}
    template = Diffusers.configure(prompts="the {class_name}!", class_names=("cat", "dog"), **options)
    written = Diffusers.configure(prompts=("the cat!", "the dog!"), **options)
    assert template.class_names == ("cat", "dog")
    assert torch.equal(template.sample(4).images, written.sample(4).images)


def test_samples_are_those_of_the_library(generator: Diffusers) -> None:
    """With the noise of `Noise`, the library's own call draws the same images."""
    from augsynth.generators import Noise

    noise = Noise(5, range(4), "cpu")
    drawn = generator.pipeline(
        prompt=["a dog"] * 4,
        latents=noise.normal(4, 8, 8),
        num_inference_steps=4,
        guidance_scale=2.0,
        output_type="np",
    )
    expected = torch.from_numpy(drawn.images).permute(0, 3, 1, 2).mul(255).round().to(torch.uint8)
    assert torch.equal(generator.sample(4, labels=1, seed=5).images, expected)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_pickled_generator_draws_the_same(text_to_image: Path, dtype: str) -> None:
    generator = Diffusers.configure(path=str(text_to_image), prompts=PROMPTS, steps=1, dtype=dtype)
    copied = pickle.loads(pickle.dumps(generator))
    assert copied.capabilities == generator.capabilities
    samples = generator.sample(2).images
    assert torch.equal(copied.sample(2).images, samples)
    assert torch.equal(copied.vary(samples, 0.5, 0).images, generator.vary(samples, 0.5, 0).images)


def test_guidance_and_negative_prompts_change_samples(text_to_image: Path, generator: Diffusers) -> None:
    plain, guided = generator.sample(4, guidance=1.0).images, generator.sample(4, guidance=6.0).images
    default = generator.sample(4).images
    assert difference(plain, default) < difference(plain, guided)
    negative = Diffusers.configure(
        path=str(text_to_image), prompts=PROMPTS, steps=4, guidance=2.0, negative_prompt="rain"
    )
    assert not torch.equal(negative.sample(4).images, default)


def test_variations_leave_the_image_with_strength(generator: Diffusers, images: torch.Tensor) -> None:
    vae = generator.pipeline.vae
    with torch.no_grad():
        reconstructed = to_uint8(vae.decode(vae.encode(to_signed(images)).latent_dist.mean).sample)
    changes = [
        difference(generator.vary(images, strength, [0, 1] * 3, guidance=1.0).images, reconstructed)
        for strength in (0.001, 0.3, 1.0)
    ]
    assert changes[0] < changes[1] < changes[2]
    assert changes[0] < 0.2 * changes[2]


def test_variations_follow_the_prompt_and_the_seed(generator: Diffusers, images: torch.Tensor) -> None:
    cats = generator.vary(images, 0.5, 0)
    assert cats.labels is not None
    assert cats.labels.tolist() == [0] * 6
    assert torch.equal(cats.images, generator.vary(images, None, 0).images)  # 0.5 is the default of the options
    assert torch.equal(cats.images[:2], generator.vary(images[:2], 0.5, 0).images)
    for other in (generator.vary(images, 0.5, 1), generator.vary(images, 0.5, 0, seed=1), generator.vary(images, 0.5)):
        assert not torch.equal(cats.images, other.images)
    for wrong in ({"strength": 0.0}, {"strength": 1.5}, {"strength": "x"}, {"sigma": 1.0}):
        with pytest.raises(ArgumentError, match="strength"):
            generator.vary(images, **wrong)


def test_variations_without_prompts_leave_the_image_with_strength(tmp_path: Path) -> None:
    write_ddpm(tmp_path / "model", None)
    generator = Diffusers.configure(path=str(tmp_path / "model"), steps=5)
    assert generator.num_classes is None
    images = torch.arange(0, 256, 4, dtype=torch.uint8).reshape(1, 1, 8, 8).expand(8, 1, 8, 8)
    changes = [difference(generator.vary(images, strength).images, images) for strength in (0.001, 0.2, 1.0)]
    assert changes[0] < 5
    assert changes[0] < changes[1] < changes[2]


def test_lora_changes_samples_by_its_scale(text_to_image: Path, generator: Diffusers, tmp_path: Path) -> None:
    file = tmp_path / "style.safetensors"
    write_lora(generator.pipeline, file)

    def drawn(scale: float) -> torch.Tensor:
        options: dict[str, Any] = {"path": str(text_to_image), "prompts": PROMPTS, "steps": 4, "guidance": 2.0}
        return Diffusers.configure(lora=str(file), lora_scale=scale, **options).sample(4).images

    plain = generator.sample(4).images
    assert torch.equal(drawn(0.0), plain)
    assert 0 < difference(drawn(0.3), plain) < difference(drawn(1.0), plain)


def test_image_size_is_drawn_and_checked(text_to_image: Path) -> None:
    wide = Diffusers.configure(path=str(text_to_image), prompts=PROMPTS, steps=1, image_size=24)
    assert wide.sample(1).images.shape == (1, 3, 24, 24)
    with pytest.raises(ArgumentError, match="image_size must be a multiple of 2"):
        Diffusers.configure(path=str(text_to_image), prompts=PROMPTS, image_size=17)


def test_a_checkpoint_knows_the_files_of_its_pipeline(text_to_image: Path, tmp_path: Path) -> None:
    model, saved = tmp_path / "model", tmp_path / "saved"
    shutil.copytree(text_to_image, model)
    lora = tmp_path / "style.safetensors"
    generator = Diffusers.configure(path=str(model), prompts=PROMPTS, steps=1)
    write_lora(generator.pipeline, lora)
    generator = Diffusers.configure(path=str(model), prompts=PROMPTS, steps=1, lora=str(lora))
    generator.save(saved)
    assert sum(file.stat().st_size for file in saved.iterdir()) < 10_000
    (model / "README.md").write_text("A file that is not part of the pipeline.")
    assert torch.equal(load_generator(saved).sample(2).images, generator.sample(2).images)
    for file in (model / "unet" / "diffusion_pytorch_model.safetensors", lora):
        original = file.read_bytes()
        file.write_bytes(original[:-1] + bytes([original[-1] ^ 1]))
        with pytest.raises(CheckpointError, match="not those that this generator was saved with"):
            load_generator(saved)
        file.write_bytes(original)
    load_generator(saved)
    shutil.rmtree(model)
    with pytest.raises((CheckpointError, ArgumentError), match="Nothing is downloaded"):
        load_generator(saved)


def test_nothing_is_downloaded(text_to_image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any) -> None:
        raise AssertionError(f"a connection was opened: {arguments}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    Diffusers.configure(path=str(text_to_image), prompts=PROMPTS, steps=1).sample(1)
    for name in ("", "stabilityai/sd-turbo", "no/such/folder"):
        with pytest.raises(ArgumentError, match=r"hf download .* --local-dir"):
            create_generator("diffusers", path=name, prompts=PROMPTS)


def test_pickled_weights_are_refused(text_to_image: Path, tmp_path: Path) -> None:
    for part, weights in (("unet", "diffusion_pytorch_model"), ("text_encoder", "model")):
        folder = tmp_path / part
        shutil.copytree(text_to_image, folder)
        (folder / part / f"{weights}.safetensors").unlink()
        for name in ("diffusion_pytorch_model.bin", "pytorch_model.bin"):
            torch.save({"weight": torch.zeros(1)}, folder / part / name)
        with pytest.raises(DataError, match="cannot open the pipeline"):
            Diffusers.configure(path=str(folder), prompts=PROMPTS)


def _with_component(index: dict[str, Any]) -> None:
    index["unet"] = ["subprocess", "Popen"]


def _with_own_class(index: dict[str, Any]) -> None:
    index["_class_name"] = ["pipeline", "OwnPipeline"]


def _with_a_climbing_name(index: dict[str, Any]) -> None:
    index["../unet"] = ["diffusers", "UNet2DModel"]


@pytest.mark.parametrize("change", [_with_component, _with_own_class, _with_a_climbing_name])
def test_code_in_a_folder_is_refused(change: Callable[[dict[str, Any]], None], tmp_path: Path) -> None:
    (tmp_path / "pipeline.py").write_text("raise AssertionError('the code of a folder ran')")
    write_ddpm(tmp_path / "model", None)
    file = tmp_path / "model" / "model_index.json"
    index = json.loads(file.read_text())
    change(index)
    file.write_text(json.dumps(index))
    with pytest.raises(DataError, match=r"expected a class of diffusers|must name the class"):
        Diffusers.configure(path=str(tmp_path / "model"))
    file.write_text("{")
    with pytest.raises(DataError, match="not JSON"):
        Diffusers.configure(path=str(tmp_path / "model"))


def test_options_that_do_not_fit_the_pipeline_are_refused(text_to_image: Path, tmp_path: Path) -> None:
    write_ddpm(tmp_path / "model", 2)
    with pytest.raises(ArgumentError, match="leave prompts"):
        Diffusers.configure(path=str(tmp_path / "model"), prompts=PROMPTS)
    with pytest.raises(ArgumentError, match="which draws from prompts"):
        Diffusers.configure(path=str(text_to_image))
    (tmp_path / "empty.safetensors").write_bytes(b"")
    with pytest.raises(DataError, match="do not fit"):
        Diffusers.configure(path=str(text_to_image), prompts=PROMPTS, lora=str(tmp_path / "empty.safetensors"))
    with pytest.raises(ArgumentError, match="lora must be a safetensors file"):
        Diffusers.configure(path=str(text_to_image), prompts=PROMPTS, lora="style.bin")
    classes = Diffusers.configure(path=str(tmp_path / "model"), class_names=("a", "b"), steps=1)
    assert classes.class_names == ("a", "b")
    with pytest.raises(CapabilityError, match="guide"):
        classes.sample(1, guidance=2.0)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"prompts": "a cat"}, "prompts must be a list of one prompt a class"),
        ({"prompts": ("a cat",), "class_names": ("cat", "dog")}, "prompts must have one prompt for each of the 2"),
        ({"prompts": (1, 2)}, "prompts must be a list of texts"),
        ({"class_names": "cat"}, "class_names must be a list of texts"),
        ({"image_size": 0}, "image_size must be"),
        ({"steps": 0}, "steps must be"),
        ({"guidance": -1.0}, "guidance must be"),
        ({"strength": 0.0}, "strength must be"),
        ({"dtype": "int8"}, "dtype must be"),
    ],
)
def test_wrong_options_are_named(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises((ArgumentError, ArgumentTypeError), match=message):
        DiffusersConfig(**wrong)


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, text_to_image: Path) -> None:
    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(PluginError, match=r"augsynth-diffusion\[diffusers\]"):
        Diffusers.configure(path=str(text_to_image), prompts=PROMPTS)
    assert "diffusers" in {listed.name for listed in list_generators()}
