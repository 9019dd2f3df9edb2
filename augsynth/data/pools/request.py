"""Requests of users: the samples of a generator that shall become a pool, checked before anything is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch

from augsynth.core.arrays import to_numpy, unwrapped
from augsynth.core.checks import check_integer, check_number, check_seed
from augsynth.data.pools.entries import Part
from augsynth.data.pools.manifest import Classes, describe_generator, describe_labels
from augsynth.errors import ArgumentTypeError, shown
from augsynth.generators import Generator, Samples
from augsynth.generators.labels import check_labels

Labels = int | Sequence[int] | torch.Tensor | None


class Request(Protocol):
    """Samples that a writer can ask for in any order: those of a generator, or images that are there already."""

    @property
    def n(self) -> int:
        """Number of samples."""

    @property
    def source(self) -> str:
        """Name of the source in messages."""

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Shape (C, H, W) of the images."""

    @property
    def labelled(self) -> bool:
        """True if samples have labels."""

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """Names of the classes; None if they are not known."""

    def part(self, first: int, start: int) -> Part:
        """Return the provenance of items from number `first` on, which start with sample number `start`."""

    def samples(self, done: int, count: int, start: int) -> Samples:
        """Return `count` samples after the first `done` ones, of the samples from number `start` on."""


@dataclass(frozen=True, eq=False)
class PoolRequest:
    """Request for `n` samples of a generator, with these classes, this seed and this strength of guidance."""

    generator: Generator
    n: int
    classes: Classes
    seed: int
    guidance: float | None
    device: torch.device | str | None

    @classmethod
    def of(
        cls,
        generator: Generator,
        n: int,
        labels: Labels,
        seed: int,
        guidance: float | None = None,
        device: torch.device | str | None = None,
    ) -> PoolRequest:
        """Check the arguments of a user, before anything is written."""
        if not isinstance(generator, Generator):
            raise ArgumentTypeError(
                f"generator must be a fitted Generator, got {shown(generator)}; create_generator(name) makes one"
            )
        n = check_integer("n", n, 1)
        guided = None if guidance is None else check_number("guidance", guidance)
        return cls(generator, n, _classes(generator, labels, n), check_seed(seed), guided, device)

    @property
    def source(self) -> str:
        """Name of the generator in messages."""
        return f"generator {self.generator.name!r}"

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Shape (C, H, W) of the images."""
        return self.generator.image_shape

    @property
    def labelled(self) -> bool:
        """True if samples have labels."""
        return self.generator.num_classes is not None

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """Names of the classes; None if they are not known."""
        return self.generator.class_names

    def part(self, first: int, start: int) -> Part:
        """Return the provenance of items from number `first` on, which start with sample number `start`."""
        labels = describe_labels(self.classes, self.labelled)
        return Part(describe_generator(self.generator), self.seed, labels, first, start, self.guidance)

    def samples(self, done: int, count: int, start: int) -> Samples:
        """Return `count` samples after the first `done` ones, of the samples from number `start` on."""
        labels = self.classes[done : done + count] if isinstance(self.classes, torch.Tensor) else self.classes
        return self.generator.sample(
            count, labels=labels, seed=self.seed, start=start + done, device=self.device, guidance=self.guidance
        )


def _classes(generator: Generator, labels: Any, n: int) -> Classes:
    given = unwrapped(labels)
    if given is None:
        return None
    if isinstance(given, Iterable) and not isinstance(given, (str, np.ndarray, torch.Tensor)):
        given = list(given)
    values = np.asarray(given) if isinstance(given, int) else to_numpy(given, "labels")
    if values.dtype.kind not in "iu":
        raise ArgumentTypeError(f"labels must be integers, got {values.dtype}: {shown(labels)}")
    count = 1 if isinstance(given, int) else n
    classes = check_labels(generator.name, torch.from_numpy(values.astype(np.int64)), count, 0, generator.num_classes)
    return given if isinstance(given, int) else classes
