"""Input of the rules of `check_generator`: a generator that is fitted once, and functions that sample from it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from augsynth.generators import Generator, NetworkGenerator, Noise, Samples
from augsynth.generators.targets import images_of


@dataclass(frozen=True)
class Case:
    """The generator under test, its data set and settings.

    Args:
        factory: function that makes a new generator.
        dataset: data set to fit on.
        steps: training steps of networks.
        batch_size: images of a training step.
        folder: empty folder for checkpoints.
    """

    factory: Callable[[], Generator]
    dataset: Any
    steps: int
    batch_size: int
    folder: Path

    @cached_property
    def fitted(self) -> Generator:
        """Fitted generator that the rules share. No rule changes it."""
        return self.fit(self.factory())

    @cached_property
    def learns(self) -> bool:
        """True if the generator can be fitted."""
        return self.factory().can_learn

    @cached_property
    def trains(self) -> bool:
        """True if the generator is fitted in steps."""
        return isinstance(self.factory(), NetworkGenerator)

    def fit(self, generator: Generator, **options: Any) -> Generator:
        """Fit on the CPU, if the generator can be fitted.

        Args:
            generator: a new generator.
            options: arguments of `fit` other than those of the case.
        """
        settings = {"steps": self.steps, "batch_size": self.batch_size, "device": "cpu", "progress": False, **options}
        if not self.trains:
            del settings["steps"]
        if self.learns:
            generator.fit(self.dataset, **settings)
        return generator

    @cached_property
    def labels(self) -> Tensor | None:
        """Ten labels in no order, or None for a generator without classes."""
        classes = self.fitted.num_classes
        return None if classes is None else (torch.arange(10) * 7 + 1) % classes

    @cached_property
    def source_images(self) -> Tensor:
        """Three images of the data set, or noise if the generator draws another shape; uint8 (3, C, H, W)."""
        if self._draws_what_it_saw:
            return torch.stack([self.dataset[index][0] for index in range(3)])
        rng = torch.Generator().manual_seed(0)
        return torch.randint(0, 256, (3, *self.image_shape), generator=rng, dtype=torch.uint8)

    @cached_property
    def source_labels(self) -> Tensor | None:
        """Classes of `source_images`, or None for a generator without classes."""
        if self.fitted.num_classes is None:
            return None
        if self._draws_what_it_saw:
            return torch.tensor([int(self.dataset[index][1]) for index in range(3)])
        return torch.arange(3) % self.fitted.num_classes

    @cached_property
    def _draws_what_it_saw(self) -> bool:
        return tuple(self.dataset[0][0].shape) == self.image_shape

    def copy(self, name: str) -> Generator:
        """Return a copy of `fitted`, which a rule may change.

        Args:
            name: name of the folder that it is saved to.
        """
        self.fitted.save(self.folder / name)
        return type(self.fitted).load(self.folder / name)

    @cached_property
    def image_shape(self) -> tuple[int, ...]:
        """Shape (C, H, W) that the generator describes."""
        return self.fitted.image_shape

    def require(self, holds: bool, sentence: str) -> None:
        """Raise `AssertionError` unless a condition holds.

        Args:
            holds: the condition.
            sentence: the rule that is broken, for the message.
        """
        if not holds:
            raise AssertionError(f"generator {getattr(self.factory(), 'name', '?')!r} breaks the contract: {sentence}")

    def require_raises(self, error: type[Exception], what: str, act: Callable[[], object]) -> None:
        """Raise `AssertionError` unless a call raises an error.

        Args:
            error: class of the error.
            what: the call in words, for the message.
            act: the call.
        """
        try:
            act()
        except error:
            return
        except Exception as other:
            raise AssertionError(f"{what} must raise {error.__name__}, not {type(other).__name__}: {other}") from other
        self.require(False, f"{what} must raise {error.__name__}")


def sample(case: Case, **options: Any) -> Samples:
    """Draw ten samples.

    Args:
        case: the generator under test.
        options: arguments of `Generator.sample`.
    """
    return case.fitted.sample(10, **options)


def generate(case: Case, indices: Any, labels: Tensor | None, seed: int = 0) -> Tensor:
    """Call `generate` directly, before rounding to uint8.

    Args:
        case: the generator under test.
        indices: numbers of the samples, as many as its `tile`.
        labels: classes, int64 (tile,), or None.
        seed: 64-bit seed; default 0.
    """
    with case.fitted.sampling_mode(), torch.no_grad():
        return images_of(case.fitted.generate(Noise(seed, indices, "cpu"), labels, None))


def require_same(case: Case, a: Tensor, b: Tensor, who: str) -> None:
    """Raise `AssertionError` unless two sets of samples are equal.

    Args:
        case: the generator under test.
        a: first samples.
        b: second samples.
        who: the two in words, for the message.
    """
    if not torch.equal(a, b):
        first = next(k for k, (x, y) in enumerate(itertools.zip_longest(a, b)) if not torch.equal(x, y))
        case.require(False, f"{who} differ from sample {first} on; a sample depends on (seed, k) and its label alone")
