"""Saved generators with bytes and values changed, some of which claim that nothing was."""

from __future__ import annotations

import hashlib
import json
import resource
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from fuzz_files import damaged
from fuzz_junk import Rng, json_junk, mutated, pick
from fuzz_trials import RAN
from torch import Tensor, nn

from augsynth.generators import NetworkGenerator, Noise, Step

_IMAGES = [(torch.full((1, 4, 4), 60 * label, dtype=torch.uint8), label) for label in (0, 1, 2, 1)]
_FIT: dict[str, Any] = {"batch_size": 2, "device": "cpu", "progress": False}
_MOST_GROWTH = 2**19  # kilobytes


@dataclass(frozen=True)
class Options:
    width: int = 3
    depths: tuple[int, ...] = (2, 2)
    rate: float | None = 1e-2


class Small(NetworkGenerator):
    """A few layers with an optimiser that keeps state."""

    name = "small"
    api_version = 1
    capabilities = frozenset({"conditional"})
    Config = Options
    config: Options

    def build(self, image_shape: tuple[int, int, int], num_classes: int | None) -> dict[str, nn.Module]:
        assert num_classes is not None
        layers = [nn.Linear(self.config.width, self.config.width) for _ in self.config.depths]
        pixels = image_shape[0] * image_shape[1] * image_shape[2]
        return {
            "classes": nn.Embedding(num_classes, self.config.width),
            "decoder": nn.Sequential(*layers, nn.Linear(self.config.width, pixels), nn.Unflatten(1, image_shape)),
        }

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"main": torch.optim.Adam(self.networks.parameters(), lr=self.config.rate or 1e-3)}

    def training_step(self, images: Tensor, labels: Tensor | None, step: Step) -> Mapping[str, Tensor | float]:
        loss = (self.networks["decoder"](self.networks["classes"](labels)) - images).square().mean()
        step.optimizers["main"].zero_grad()
        loss.backward()
        step.optimizers["main"].step()
        return {"loss": loss.detach()}

    def generate(self, noise: Noise, labels: Tensor | None, guidance: float | None) -> Tensor:
        images: Tensor = self.networks["decoder"](self.networks["classes"](labels) + noise.normal(self.config.width))
        return images.tanh()


def checkpoints(rng: Rng) -> str:
    """A checkpoint that was changed is loaded and sampled from, or a run goes on from it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write(rng, folder)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        if rng.random() < 0.6:
            Small.load(folder).sample(2)
        else:
            Small().fit(_IMAGES, steps=3, checkpoint_dir=folder, resume=True, **_FIT)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < _MOST_GROWTH, "memory was spent on a claim"
    return RAN


@cache
def _sound() -> dict[str, bytes]:
    """The files of a sound checkpoint."""
    with tempfile.TemporaryDirectory() as folder:
        Small().fit(_IMAGES, steps=2, checkpoint_dir=folder, **_FIT)
        return {file.name: file.read_bytes() for file in Path(folder).iterdir()}


def _write(rng: Rng, folder: Path) -> None:
    files, roll = dict(_sound()), rng.random()
    content: Any = json.loads(files["config.json"])
    tensors = pick(rng, [name for name in files if name != "config.json"])
    if roll < 0.4:
        for _ in range(rng.integers(1, 3)):
            content = mutated(rng, content, json_junk)
    elif roll < 0.8:
        files[tensors] = damaged(rng, files[tensors])
    forged = _with_digests(content, files) if rng.random() < 0.7 else content
    files["config.json"] = _as_json(forged)
    if roll > 0.85:
        files["config.json"] = damaged(rng, files["config.json"])
    for name, data in files.items():
        (folder / name).write_bytes(data)


def _with_digests(content: Any, files: Mapping[str, bytes]) -> Any:
    """The content with digests that fit, where it still has the places for them."""
    try:
        for entry in (content["weights"], content["training"]["tensors"]):
            entry["sha256"] = hashlib.sha256(files[entry["file"]]).hexdigest()
        fields = ("name", "class_path", "api_version", "config", "image_shape", "num_classes")
        head = json.dumps({name: content[name] for name in fields}, sort_keys=True).encode()
        content["digest"] = hashlib.sha256(head + b"\0" + bytes.fromhex(content["weights"]["sha256"])).hexdigest()
        covered = {name: content["training"][name] for name in ("settings", "progress", "tensors")}
        content["training"]["digest"] = hashlib.sha256(json.dumps(covered, sort_keys=True).encode()).hexdigest()
    except (KeyError, TypeError, IndexError, AttributeError, RecursionError):
        pass
    return content


def _as_json(content: Any) -> bytes:
    try:
        return json.dumps(content).encode()
    except RecursionError:  # readers may see what Python's writer cannot write
        return b'{"config": ' + b"[" * 1000 + b"]" * 1000 + b"}"
