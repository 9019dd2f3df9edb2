"""Contenders on a GPU: augsynth, and the installed libraries, each with its own transforms."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import distributions
from importlib.util import find_spec
from typing import Any

import torch

from augsynth import transforms as T
from harness.gpu.check import Make, OnDevice, differences
from harness.gpu.timing import Run
from harness.ops import Ops
from harness.peers.base import translate
from harness.peers.ours import STEPS, keys_of

PEER_REPEATS = 10
DISTRIBUTIONS = re.compile(r"torch|torchvision|kornia|nvidia-dali-cuda\d+|cvcuda-cu\d+")


def pipeline(ops: Ops) -> T.Compose:
    """Return the operations as transforms of augsynth."""
    return T.Compose(translate(ops, STEPS))


def ours(ops: Ops, images: torch.Tensor) -> Run:
    """Return the work of one call, with plan and launch."""
    t, keys = pipeline(ops), keys_of(range(len(images)))
    return lambda: t.batch(images, keys=keys)


@dataclass(frozen=True)
class Contender:
    """Library, by the package that is imported; `singly`: it draws once for a whole batch."""

    package: str
    make: Make
    notes: Callable[[Ops], list[str]]
    singly: bool = False

    def missing(self) -> str:
        """Why it cannot take part; empty if it may."""
        try:
            return "" if find_spec(self.package) else "not installed"
        except ModuleNotFoundError:
            return "not installed"


def versions() -> dict[str, str]:
    """Return the versions of torch and of the installed libraries, by the names of their distributions."""
    found = {found.name.lower(): found.version for found in distributions()}
    return {name: found[name] for name in sorted(found) if DISTRIBUTIONS.fullmatch(name)}


def _torchvision(ops: Ops, images: torch.Tensor) -> Run:
    """Image by image, as its users do who want every image to be drawn by itself."""
    transform = _peer("torchvision_v2").transform(ops)
    return lambda: torch.stack([transform(image) for image in images])


def _torchvision_batch(ops: Ops, images: torch.Tensor) -> Run:
    transform = _peer("torchvision_v2").transform(ops)
    return lambda: transform(images)


def _kornia(ops: Ops, images: torch.Tensor) -> Run:
    transform = _peer("kornia_batched").transform(ops)
    return lambda: transform(images)


def _dali(ops: Ops, images: torch.Tensor) -> Run:
    """It works on a stream of its own, and its `run` returns when the batch is there."""
    build_pipeline = import_module("harness.peers.dali_cpu").build_pipeline
    pipeline = build_pipeline(ops, len(images), images.get_device())
    source = images.permute(0, 2, 3, 1).contiguous()

    def run() -> Any:
        pipeline.feed_input("images", source)
        return pipeline.run()

    return run


def _cvcuda(ops: Ops, images: torch.Tensor) -> Run:
    run: Run = import_module("harness.gpu.cvcuda_batched").build_pipeline(ops, images)
    return run


def _peer(module: str) -> Any:
    return import_module(f"harness.peers.{module}").PEER()


def _notes_of(module: str) -> Callable[[Ops], list[str]]:
    return lambda ops: list(_peer(module).notes(ops))


def _once(ops: Ops) -> list[str]:
    return [*_peer("torchvision_v2").notes(ops), "draws once for the whole batch: less work"]


def _cvcuda_notes(ops: Ops) -> list[str]:
    return list(import_module("harness.gpu.cvcuda_batched").notes(ops))


# The slowest come last.
CONTENDERS = {
    "CV-CUDA": Contender("cvcuda", _cvcuda, _cvcuda_notes),
    "DALI": Contender("nvidia.dali", _dali, _notes_of("dali_cpu")),
    "kornia": Contender("kornia", _kornia, _notes_of("kornia_batched")),
    "torchvision, one draw a batch": Contender("torchvision", _torchvision_batch, _once, singly=True),
    "torchvision": Contender("torchvision", _torchvision, _notes_of("torchvision_v2")),
}


def remarks(name: str, ops: Ops, side: int, device: torch.device) -> list[str]:
    """Return the differences of a library, known before or found in its pictures."""
    contender = CONTENDERS[name]
    found = OnDevice(name, contender.make, device, contender.singly)
    return [*contender.notes(ops), *differences(found, OnDevice("augsynth", ours, device), ops, side)]
