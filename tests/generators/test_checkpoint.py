"""A saved generator is whole, verified, free of pickle, and survives a killed writer."""

from __future__ import annotations

import itertools
import json
import os
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from generators.toy import ClassMean, TinyDecoder
from torch.utils.data import TensorDataset

from augsynth.errors import ArgumentError, ArgumentTypeError, CheckpointError
from augsynth.generators import Generator
from augsynth.generators.checkpoints import checkpoint
from augsynth.generators.checkpoints.description import Description


@pytest.fixture
def fitted(images: TensorDataset) -> TinyDecoder:
    generator = TinyDecoder.configure(widths=(8, 8), lr=3e-3)
    generator.fit(images, steps=3, batch_size=8, device="cpu", progress=False)
    return generator


def test_loading_gives_the_generator_back(fitted: TinyDecoder, tmp_path: Path) -> None:
    fitted.save(tmp_path / "a" / "b")
    loaded = TinyDecoder.load(tmp_path / "a" / "b")
    assert loaded.config == fitted.config
    assert (loaded.image_shape, loaded.num_classes) == ((1, 8, 8), 3)
    assert loaded.digest() == fitted.digest()
    assert torch.equal(loaded.sample(70, seed=4).images, fitted.sample(70, seed=4).images)


def test_config_says_what_is_inside(fitted: TinyDecoder, tmp_path: Path) -> None:
    fitted.save(tmp_path)
    content = json.loads((tmp_path / "config.json").read_text())
    assert content["format"] == "augsynth-generator"
    assert content["format_version"] == 1
    assert content["name"] == "tiny-decoder"
    assert content["class_path"] == "generators.toy:TinyDecoder"
    assert content["config"] == {"latent": 4, "widths": [8, 8], "lr": 0.003, "decay": 0.9}
    assert content["digest"] == fitted.digest()
    assert content["training"] is None
    assert sorted(file.name for file in tmp_path.iterdir()) == ["config.json", content["weights"]["file"]]


def test_the_digest_sees_weights_and_options(fitted: TinyDecoder, images: TensorDataset) -> None:
    digests = {fitted.digest()}
    for options in ({"decay": 0.8}, {"decay": 0.9}):
        other = TinyDecoder.configure(widths=(8, 8), lr=3e-3, **options)
        other.fit(images, steps=3, batch_size=8, device="cpu", progress=False)
        digests.add(other.digest())
    assert len(digests) == 2
    fitted.networks["embedding"].weight.data[0, 0] += 1  # type: ignore[operator]
    assert fitted.digest() not in digests


def test_saving_again_leaves_nothing_of_the_old(fitted: TinyDecoder, images: TensorDataset, tmp_path: Path) -> None:
    fitted.save(tmp_path)
    other = ClassMean()
    other.fit(images, steps=1, progress=False)
    (tmp_path / "notes.txt").write_text("mine")
    other.save(tmp_path)
    names = sorted(file.name for file in tmp_path.iterdir())
    assert len(names) == 3
    assert "notes.txt" in names
    assert torch.equal(ClassMean.load(tmp_path).sample(3).images, other.sample(3).images)


@pytest.mark.parametrize("survives", [0, 1])
def test_a_writer_killed_midway_leaves_the_old_checkpoint(
    fitted: TinyDecoder, images: TensorDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, survives: int
) -> None:
    fitted.save(tmp_path)
    expected = fitted.digest()
    replace, calls = os.replace, []

    def killed(source: object, target: object) -> None:
        calls.append(target)
        if len(calls) > survives:
            raise KeyboardInterrupt
        replace(source, target)  # type: ignore[arg-type]

    newer = TinyDecoder.configure(widths=(8, 8))
    newer.fit(images, steps=1, progress=False, device="cpu")
    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        newer.save(tmp_path)
    monkeypatch.undo()
    assert TinyDecoder.load(tmp_path).digest() == expected
    newer.save(tmp_path)
    assert TinyDecoder.load(tmp_path).digest() == newer.digest()
    assert len(list(tmp_path.glob("*.safetensors"))) == 1


def _edit(change: Callable[[dict], object]) -> Callable[[Path], None]:  # type: ignore[type-arg]
    def edit(path: Path) -> None:
        content = json.loads((path / "config.json").read_text())
        change(content)
        (path / "config.json").write_text(json.dumps(content))

    return edit


def _flip_a_byte(path: Path) -> None:
    file = next(path.glob("*.safetensors"))
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no config": (lambda path: (path / "config.json").unlink(), "there is no config.json"),
    "no JSON": (lambda path: (path / "config.json").write_text("{"), "cannot be read"),
    "no generator": (lambda path: (path / "config.json").write_text("[1]"), 'its "format" is not'),
    "newer format": (_edit(lambda c: c.update(format_version=2)), "has format version 2; this augsynth reads 1"),
    "no name": (_edit(lambda c: c.pop("name")), "is incomplete or damaged: KeyError: 'name'"),
    "no weights entry": (_edit(lambda c: c.pop("weights")), "incomplete or damaged"),
    "no weights file": (lambda path: next(path.glob("*.safetensors")).unlink(), "incomplete or damaged"),
    "a flipped bit": (_flip_a_byte, "is damaged: its SHA-256"),
    "a changed option": (_edit(lambda c: c["config"].update(lr=1.0)), "was changed after it was written"),
    "a changed name": (_edit(lambda c: c.update(name="class-mean")), "was changed after it was written"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_noticed(fitted: TinyDecoder, tmp_path: Path, damage: str) -> None:
    fitted.save(tmp_path)
    harm, message = DAMAGES[damage]
    harm(tmp_path)
    with pytest.raises(CheckpointError, match=message):
        TinyDecoder.load(tmp_path)


def test_a_checkpoint_of_another_version_of_the_plugin_is_refused(fitted: TinyDecoder, tmp_path: Path) -> None:
    description = Description(**{**vars(fitted.description()), "config": {"depth": 3}})
    checkpoint.write(tmp_path, description, fitted.networks.state_dict())
    with pytest.raises(CheckpointError, match=r"does not fit the installed 'tiny-decoder' .*no option 'depth'"):
        TinyDecoder.load(tmp_path)
    checkpoint.write(tmp_path, fitted.description(), {"other": torch.zeros(1)})
    with pytest.raises(CheckpointError, match="does not fit"):
        TinyDecoder.load(tmp_path)


def test_another_generators_folder_is_refused(fitted: TinyDecoder, tmp_path: Path) -> None:
    fitted.save(tmp_path)
    with pytest.raises(CheckpointError, match="holds a 'tiny-decoder' generator, not 'class-mean'; use load_generator"):
        ClassMean.load(tmp_path)


def test_a_path_that_points_elsewhere_is_not_followed(fitted: TinyDecoder, tmp_path: Path) -> None:
    fitted.save(tmp_path / "saved")
    file = next((tmp_path / "saved").glob("*.safetensors"))
    file.rename(tmp_path / "outside.safetensors")
    _edit(lambda c: c["weights"].update(file="../outside.safetensors"))(tmp_path / "saved")
    with pytest.raises(CheckpointError, match="incomplete or damaged"):
        TinyDecoder.load(tmp_path / "saved")


def test_options_that_json_cannot_hold_are_refused(images: TensorDataset, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="sigma must be finite, got nan"):
        ClassMean.configure(sigma=float("nan"))
    generator = ClassMean(ClassMean.Config(sigma=float("nan")))
    generator.fit(images, steps=1, progress=False)
    with pytest.raises(ArgumentTypeError, match="options of a generator must be JSON-ready and finite"):
        generator.save(tmp_path)


def test_a_file_in_the_way_is_reported(fitted: Generator, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(CheckpointError, match="is a file; a generator is saved into a folder"):
        fitted.save(tmp_path / "taken")


def test_tied_weights_are_saved(images: TensorDataset, tmp_path: Path) -> None:
    class Tied(ClassMean):
        def build(self, image_shape: tuple[int, int, int], num_classes: int | None) -> dict[str, torch.nn.Module]:
            networks = super().build(image_shape, num_classes)
            return {**networks, "again": networks["means"]}

    generator = Tied()
    generator.fit(images, steps=1, progress=False)
    generator.save(tmp_path)
    assert torch.equal(Tied.load(tmp_path).sample(3).images, generator.sample(3).images)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_writer_killed_at_any_moment_leaves_one_whole_checkpoint(images: TensorDataset, tmp_path: Path) -> None:
    one, two = (TinyDecoder.configure(widths=(widths,)) for widths in (8, 9))
    for generator in (one, two):
        generator.fit(images, steps=1, batch_size=8, device="cpu", progress=False)
    one.save(tmp_path)
    known, met = {one.digest(), two.digest()}, set()
    for kill in range(40):
        child = os.fork()
        if child == 0:
            for generator in itertools.cycle((two, one)):
                generator.save(tmp_path)
        time.sleep(0.002 + 0.0007 * kill)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        met.add(TinyDecoder.load(tmp_path).digest())
    assert met <= known
    two.save(tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_what_cannot_be_written_is_said_in_words(fitted: TinyDecoder, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with tempfile.TemporaryDirectory() as folder, monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(CheckpointError, match=r"no checkpoint can be written to .*No space left"):
            fitted.save(folder)
        assert not list(Path(folder).iterdir())
