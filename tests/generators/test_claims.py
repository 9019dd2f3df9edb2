"""Claims of labels, options and checkpoints are compared before memory is spent on them."""

from __future__ import annotations

import hashlib
import json
import os
import resource
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from generators.toy import ClassMean, Means, TinyDecoder
from torch import nn
from torch.utils.data import TensorDataset

from augsynth.errors import ArgumentError, AugsynthError, CheckpointError, DataError
from augsynth.generators import Generator
from augsynth.generators.checkpoints.description import Description
from augsynth.generators.reading.images import read_images

SPARE = 2**18
"""Kilobytes by which the process may grow at most, where gigabytes are claimed."""

IMAGE = np.zeros((8, 8), np.uint8)
FIT: dict[str, Any] = {"steps": 2, "batch_size": 8, "device": "cpu", "progress": False}


@pytest.fixture(autouse=True)
def _nothing_large_is_allocated() -> Iterator[None]:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < SPARE


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([0, 2**30], "highest is 1073741824, absent: 1, 2, 3, 4, 5, …; number the classes that occur"),
        ([0, 2**63 - 1], "highest is 9223372036854775807, absent: 1, 2"),
        ([np.uint64(2**64 - 1), 0], "highest is 18446744073709551615"),
        ([10**5000, 0], "<an integer of 16610 bits>"),
        ([1, 2, 3, 2], "they are 1…3: subtract 1"),
        ([1, 90, 17], "highest is 90, absent: 0, 2, 3, 4, 5, …"),
        ([0, -(2**63)], "got -9223372036854775808"),
    ],
)
def test_classes_are_counted_and_not_believed(labels: list[Any], words: str) -> None:
    with pytest.raises(DataError, match="labels must be 0…K-1 with no class empty") as refusal:
        read_images([(IMAGE, label) for label in labels], labelled=True)
    assert words in str(refusal.value)


@pytest.mark.parametrize(("n", "start"), [(2**62, 0), (10**12, 0), (1, 2**63 - 1), (2**63, 0), (1, 10**30)])
def test_more_samples_than_there_is_memory_for_are_refused(images: TensorDataset, n: int, start: int) -> None:
    generator = TinyDecoder()
    generator.fit(images, **FIT)
    with pytest.raises(ArgumentError, match=r"there is no memory for|must be below 2\*\*63"):
        generator.sample(n, start=start)


class Computing(ClassMean):
    """Reads numbers out of tensors while it is built, which torch's meta device cannot do."""

    name = "computing"

    def build(self, image_shape: tuple[int, int, int], num_classes: int | None) -> dict[str, nn.Module]:
        assert num_classes is not None
        networks = {"table": nn.Embedding(num_classes, int(torch.tensor(4.0).item()))}
        return {**networks, **super().build(image_shape, num_classes)}


class Careless(ClassMean):
    """Has random numbers as many as its options say, and reads a number out of a tensor."""

    name = "careless"

    @dataclass(frozen=True)
    class Config:
        width: int = 2
        sigma: float = 0.1

    def build(self, image_shape: tuple[int, int, int], num_classes: int | None) -> dict[str, nn.Module]:
        assert num_classes is not None
        few = nn.Linear(1, int(torch.tensor(2.0).item()))
        few.register_buffer("wide", torch.randn(self.config.width, self.config.width))  # type: ignore[attr-defined]
        return {"few": few, "means": Means(num_classes, image_shape)}


class Deep(ClassMean):
    """Has as many layers as its options say, each without a large tensor."""

    name = "deep"

    @dataclass(frozen=True)
    class Config:
        layers: int = 2
        sigma: float = 0.1

    def build(self, image_shape: tuple[int, int, int], num_classes: int | None) -> dict[str, nn.Module]:
        assert num_classes is not None
        layers = nn.Sequential(*(nn.Linear(1, 1) for _ in range(self.config.layers)))  # type: ignore[attr-defined]
        return {"layers": layers, "means": Means(num_classes, image_shape)}


def forge(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change `config.json`, and make its digests say that nothing was changed."""
    content = json.loads((folder / "config.json").read_text())
    change(content)
    description = {field: content[field] for field in Description.__dataclass_fields__ if field in content}
    head = json.dumps(description, sort_keys=True).encode()
    content["digest"] = hashlib.sha256(head + b"\0" + bytes.fromhex(content["weights"]["sha256"])).hexdigest()
    if content["training"] is not None:
        covered = {name: content["training"][name] for name in ("settings", "progress", "tensors")}
        content["training"]["digest"] = hashlib.sha256(json.dumps(covered, sort_keys=True).encode()).hexdigest()
    (folder / "config.json").write_text(json.dumps(content))


CLAIMS: dict[str, tuple[type[Generator], Callable[[dict[str, Any]], object], str]] = {
    "classes": (ClassMean, lambda c: c.update(num_classes=10**7), r"means.total is float32 \(3, 1, 8, 8\) in the file"),
    "all classes": (ClassMean, lambda c: c.update(num_classes=10**18), "num_classes is"),
    "no classes": (ClassMean, lambda c: c.update(num_classes=None), "num_classes is None"),
    "a share of a class": (ClassMean, lambda c: c.update(num_classes=2.5), "num_classes is 2.5"),
    "pixels": (ClassMean, lambda c: c.update(image_shape=[1, 10**4, 10**4]), r"\(3, 10000, 10000\)|\(3, 1, 10000"),
    "all pixels": (ClassMean, lambda c: c.update(image_shape=[1, 10**9, 10**9]), "image_shape is"),
    "no pixels": (ClassMean, lambda c: c.update(image_shape=[1, 0, 8]), "image_shape is"),
    "channels": (ClassMean, lambda c: c.update(image_shape=[17, 8, 8]), "image_shape is"),
    "width": (TinyDecoder, lambda c: c["config"].update(widths=[10**6, 10**6]), "the networks lack|the file lacks"),
    "width beyond numbers": (TinyDecoder, lambda c: c["config"].update(latent=10**30), "does not fit the installed"),
    "layers": (Deep, lambda c: c["config"].update(layers=10**6), "far larger than what it holds"),
    "classes of a computing one": (Computing, lambda c: c.update(num_classes=10**8), "far larger|in the file"),
    "a text for a number": (TinyDecoder, lambda c: c["config"].update(latent="x"), "option 'latent' must be int"),
    "one wide layer": (Careless, lambda c: c["config"].update(width=15_000), "far larger than what it holds"),
    "a list of options": (TinyDecoder, lambda c: c.update(config=[]), "config is"),
}


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_checkpoint_is_not_believed(claim: str, images: TensorDataset, tmp_path: Path) -> None:
    kind, change, message = CLAIMS[claim]
    generator = kind()
    generator.fit(images, checkpoint_dir=tmp_path, **FIT)
    assert kind.load(tmp_path).digest() == generator.digest()
    forge(tmp_path, change)
    with pytest.raises(CheckpointError, match=message) as refusal:
        kind.load(tmp_path)
    assert "\n" not in str(refusal.value)


RECORDS: dict[str, Callable[[dict[str, Any]], object]] = {
    "a step beyond numbers": lambda p: p.update(step=10**30),
    "a step in words": lambda p: p.update(step="two"),
    "no step": lambda p: p.pop("step"),
    "a history of words": lambda p: p.update(history=[{"step": 1, "loss": "low"}]),
    "a history without steps": lambda p: p.update(history=[{"loss": 1.0}]),
    "no list of history": lambda p: p.update(history=7),
    "no optimisers": lambda p: p.update(optimizers={}),
    "optimisers in words": lambda p: p.update(optimizers="main"),
    "no groups": lambda p: p["optimizers"]["main"].update(groups=[]),
    "values of nobody": lambda p: p["optimizers"]["main"].update(values={"x": {}}),
}


@pytest.mark.parametrize("name", RECORDS)
def test_a_training_record_is_not_believed(name: str, images: TensorDataset, tmp_path: Path) -> None:
    TinyDecoder().fit(images, checkpoint_dir=tmp_path, **FIT)
    forge(tmp_path, lambda content: RECORDS[name](content["training"]["progress"]))
    with pytest.raises(CheckpointError, match=r"does not fit the installed|incomplete or damaged|cannot be read"):
        TinyDecoder().fit(images, checkpoint_dir=tmp_path, resume=True, **{**FIT, "steps": 4})


def test_a_changed_training_record_is_noticed(images: TensorDataset, tmp_path: Path) -> None:
    TinyDecoder().fit(images, checkpoint_dir=tmp_path, **FIT)
    content = json.loads((tmp_path / "config.json").read_text())
    content["training"]["progress"]["optimizers"]["main"]["groups"][0]["lr"] = 0.02
    (tmp_path / "config.json").write_text(json.dumps(content))
    with pytest.raises(CheckpointError, match="the digest of its training state does not match"):
        TinyDecoder().fit(images, checkpoint_dir=tmp_path, resume=True, **{**FIT, "steps": 4})


def test_a_checkpoint_of_an_earlier_version_is_resumed(images: TensorDataset, tmp_path: Path) -> None:
    whole, resumed = TinyDecoder(), TinyDecoder()
    whole.fit(images, **{**FIT, "steps": 4})
    TinyDecoder().fit(images, checkpoint_dir=tmp_path, **FIT)
    content = json.loads((tmp_path / "config.json").read_text())
    del content["training"]["digest"]
    (tmp_path / "config.json").write_text(json.dumps(content))
    resumed.fit(images, checkpoint_dir=tmp_path, resume=True, **{**FIT, "steps": 4})
    assert resumed.digest() == whole.digest()


def _sparse(path: Path) -> None:
    os.truncate(next(path.glob("weights-*")), 2**35)


FILES: dict[str, Callable[[Path], object]] = {
    "a pipe": lambda path: ((path / "config.json").unlink(), os.mkfifo(path / "config.json")),
    "a pipe of weights": lambda path: ((w := next(path.glob("weights-*"))).unlink(), os.mkfifo(w)),
    "a folder": lambda path: ((path / "config.json").unlink(), (path / "config.json").mkdir()),
    "32 GiB of weights": _sparse,
    "a gigabyte of config": lambda path: os.truncate(path / "config.json", 2**30),
    "deep": lambda path: (path / "config.json").write_text("[" * 100_000),
    "deep and whole": lambda path: (path / "config.json").write_text('{"a":' + "[" * 300 + "]" * 300 + "}"),
    "a name twice": lambda path: (path / "config.json").write_text('{"format": 1, "format": 2}'),
    "infinity": lambda path: (path / "config.json").write_text('{"format": Infinity}'),
    "beyond numbers": lambda path: (path / "config.json").write_text('{"format": 1e999}'),
    "many digits": lambda path: (path / "config.json").write_text("9" * 5000),
    "another encoding": lambda path: (path / "config.json").write_bytes(b"\xff\xfe{}"),
    "no JSON at all": lambda path: (path / "config.json").write_bytes(b"PK\x03\x04"),
}


@pytest.mark.parametrize("name", FILES)
def test_files_that_are_no_checkpoint_are_refused(name: str, images: TensorDataset, tmp_path: Path) -> None:
    generator = ClassMean()
    generator.fit(images, **FIT)
    generator.save(tmp_path)
    FILES[name](tmp_path)
    with pytest.raises(CheckpointError, match=str(tmp_path)):
        ClassMean.load(tmp_path)


@pytest.mark.parametrize("path", [5, None, "a\0b", "x" * 5000])
def test_what_is_no_path_is_refused(path: Any) -> None:
    with pytest.raises(AugsynthError):
        ClassMean.load(path)


def test_a_file_where_a_folder_should_be_is_named(images: TensorDataset, tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_bytes(b"PK\x03\x04")
    with pytest.raises(CheckpointError, match="is a file; a saved generator is a folder"):
        ClassMean.load(tmp_path / "model.pt")
    with pytest.raises(CheckpointError, match="is a file; a generator is saved into a folder"):
        ClassMean().fit(images, checkpoint_dir=tmp_path / "model.pt" / "run", **FIT)
