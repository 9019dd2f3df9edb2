"""The fit of a generator without a training loop: it is shown all images once."""

from __future__ import annotations

import time
import warnings
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from augsynth.core.torch_settings import seeded
from augsynth.errors import ArgumentError, CheckpointError
from augsynth.generators import checkpoint
from augsynth.generators.dataset import ImageSet
from augsynth.generators.errors import CapabilityError
from augsynth.generators.samples import FitReport
from augsynth.generators.seeds import derive_seed


class Learner(Protocol):
    """The part of a `Generator` that learns."""

    @property
    def name(self) -> str: ...
    @property
    def can_learn(self) -> bool: ...
    def describe(self, image_shape: Any, num_classes: Any = None, class_names: Any = None) -> None: ...
    def learn(self, images: Tensor, labels: Tensor | None, *, seed: int, progress: bool) -> FitReport | None: ...
    def forget(self) -> None: ...
    def save(self, path: str | Path) -> None: ...
    def to(self, device: torch.device | str) -> object: ...


def require_learn(generator: Learner) -> None:
    """Raise `CapabilityError` for a generator that has nothing to learn."""
    if not generator.can_learn:
        raise CapabilityError(
            f"generator {generator.name!r} has no learn(), so nothing is to be fitted: call sample() at once"
        )


def refuse_steps(name: str, **options: Any) -> None:
    """Raise `ArgumentError` if an option of the training loop is given to a generator without one."""
    given = [option for option, value in options.items() if value is not None and value is not False]
    if given:
        raise ArgumentError(
            f"fit of {name!r} takes no {' and no '.join(given)}: it is no NetworkGenerator, and sees all images once; "
            "call fit(dataset)"
        )


def say_that_it_starts_anew(name: str) -> None:
    """Warn that a fit forgets the one before."""
    warnings.warn(
        f"generator {name!r} was fitted before, and this fit starts anew, from nothing; networks go on from "
        "their weights with fit(…, start_from=generator)",
        stacklevel=3,
    )


def learn_once(
    generator: Learner, images: ImageSet, device: torch.device, seed: int, folder: Path | None, progress: bool
) -> FitReport:
    """Let a generator learn from all images, and save it; after an error it is not fitted."""
    began = time.perf_counter()
    try:
        generator.forget()
        generator.describe(images.image_shape, images.num_classes, images.class_names)
        with seeded(device, derive_seed("learn", seed)):
            report = generator.learn(images.images, images.labels, seed=seed, progress=progress)
        generator.to(device)
        if folder is not None:
            generator.save(folder)
    except BaseException:
        generator.forget()
        raise
    if isinstance(report, FitReport):
        return report
    return FitReport(
        steps=0,
        resumed_at=0,
        images=len(images),
        batch_size=len(images),
        seconds=time.perf_counter() - began,
        device=str(device),
        seed=seed,
        checkpoint=folder,
    )


def require_new(folder: Path) -> None:
    """Raise `CheckpointError` if a folder cannot take a new checkpoint."""
    checkpoint.require_folder(folder)
    if checkpoint.exists(folder):
        raise CheckpointError(f"{folder} already holds a checkpoint; name another folder")
