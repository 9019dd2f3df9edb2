"""The fit of a generator without a training loop, which learns from all images at once."""

from __future__ import annotations

import time
import warnings
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from augsynth.core.torch_settings import seeded
from augsynth.generators.errors import CapabilityError
from augsynth.generators.reading.images import ImageSet
from augsynth.generators.samples import FitReport
from augsynth.generators.seeds import derive_seed
from augsynth.generators.training.request import FitRequest


class Learner(Protocol):
    """Part of a `Generator` that learns."""

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
    """Raise `CapabilityError` for a generator that has nothing to learn.

    Args:
        generator: the generator.
    """
    if not generator.can_learn:
        raise CapabilityError(
            f"generator {generator.name!r} has no learn(), so nothing is to be fitted: call sample() at once"
        )


def warn_of_fresh_start(name: str) -> None:
    """Warn that a fit does not use the results of the fit before.

    Args:
        name: name of the generator.
    """
    warnings.warn(
        f"generator {name!r} was fitted before, and this fit starts anew, from nothing; networks continue from "
        "their weights with fit(…, start_from=generator)",
        stacklevel=4,
    )


def learn_once(generator: Learner, images: ImageSet, request: FitRequest) -> FitReport:
    """Let a generator learn from all images, and save it. After an error it is not fitted.

    Args:
        generator: the generator, which has its own `learn`.
        images: the images and their labels.
        request: the checked arguments of `fit`.
    """
    start = time.perf_counter()
    try:
        generator.forget()
        generator.describe(images.image_shape, images.num_classes, images.class_names)
        with seeded(request.device, derive_seed("learn", request.seed)):
            report = generator.learn(images.images, images.labels, seed=request.seed, progress=request.progress)
        generator.to(request.device)
        if request.checkpoint_dir is not None:
            generator.save(request.checkpoint_dir)
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
        seconds=time.perf_counter() - start,
        device=str(request.device),
        seed=request.seed,
        checkpoint=request.checkpoint_dir,
    )
