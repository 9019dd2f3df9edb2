"""One fit of networks: the generator, its images and the arguments of `fit`."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from augsynth.errors import ArgumentError
from augsynth.generators.checkpoints.description import Description
from augsynth.generators.reading.halves import Halves
from augsynth.generators.reading.images import ImageSet
from augsynth.generators.reading.lazy import LazyImageSet
from augsynth.generators.samples import Samples
from augsynth.generators.seeds import Noise, derive_seed
from augsynth.generators.targets import Generated
from augsynth.generators.training.batches import Order, make_order
from augsynth.generators.training.ranks import ALONE, Ranks
from augsynth.generators.training.request import FitRequest
from augsynth.generators.training.steps import Step
from augsynth.generators.training.warm_start import WarmStart


class Trainee(Protocol):
    """Part of a `NetworkGenerator` that is trained."""

    @property
    def name(self) -> str: ...
    @property
    def config(self) -> Any: ...
    @property
    def tile(self) -> int: ...
    @property
    def networks(self) -> nn.ModuleDict: ...
    def prepare(
        self, image_shape: Any, num_classes: Any, device: torch.device, seed: int = 0, class_names: Any = None
    ) -> None: ...
    def optimizers(self) -> dict[str, torch.optim.Optimizer]: ...
    def averages(self) -> dict[str, float]: ...
    def training_step(self, images: Tensor, labels: Tensor | None, step: Step) -> Mapping[str, Tensor | float]: ...
    def sampling_mode(self) -> AbstractContextManager[None]: ...
    def generate(self, noise: Noise, labels: Tensor | None, guidance: float | None) -> Tensor | Generated: ...
    def description(self) -> Description: ...
    def forget(self) -> None: ...
    def sample(self, n: int, *, seed: int) -> Samples: ...


@dataclass(frozen=True, eq=False)
class Run:
    """One fit of networks.

    Args:
        images: the images, their labels and the names of their classes.
        request: the checked arguments of `fit`.
        start: the weights that the fit starts from; None for fresh ones.
        ranks: the processes that share the fit; by default there is one.
        halves: images that samples are compared with; None for no comparison.
    """

    images: ImageSet | LazyImageSet
    request: FitRequest
    start: WarmStart | None = None
    ranks: Ranks = ALONE
    halves: Halves | None = None

    @cached_property
    def steps(self) -> int:
        """Number of training steps of the whole run."""
        return self.request.steps_for(len(self.images))

    @property
    def seed(self) -> int:
        """Seed of all random numbers of the run."""
        return self.request.seed

    @property
    def device(self) -> torch.device:
        """Device of the networks."""
        return self.request.device if self.ranks.count == 1 else self.ranks.device

    @cached_property
    def settings(self) -> dict[str, int | str | None]:
        """Settings that a resumed run must share with the run that it continues. (`steps` may grow.)"""
        request = self.request
        start = {} if self.start is None else {"start_from": self.start.digest}
        return {
            "batch_size": request.batch_size,
            "seed": self.seed,
            "dataset": self.images.digest(),
            "balance": request.balance,
            "held_out": None if self.halves is None else self.halves.digest(),
            **start,
        }

    def require_one_fit(self) -> None:
        """Raise `ArgumentError` if the processes of the fit have other settings or images, and wait for all of them."""
        if self.ranks.count == 1:
            return
        values = {"steps": self.steps, "resume": self.request.resumes, **self.settings}
        hashes = {name: torch.tensor(derive_seed(repr(value)) >> 12) for name, value in values.items()}
        self.ranks.require_equal("arguments of fit", hashes, ArgumentError)

    def order(self) -> Order:
        """Make the order in which the steps take the images."""
        request = self.request
        return make_order(len(self.images), self.images.labels, request.batch_size, self.seed, request.balance)
