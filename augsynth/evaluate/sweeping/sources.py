"""Sources of synthetic images: a generator that is fitted on the few real images, a given one, or a given pool."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from augsynth.data import SyntheticPool
from augsynth.data.loading.datasets import ImageData
from augsynth.errors import ArgumentError
from augsynth.evaluate.provenance import data_digest, generator_origin
from augsynth.evaluate.sweeping.stored import content_key
from augsynth.generators import Generator, create_generator, load_generator
from augsynth.generators.fitting import fit_if_needed

Pool = SyntheticPool | ImageData
"""Labelled synthetic images."""


class Source(Protocol):
    """Origin of synthetic images. It is picklable, because pools are filled in other processes.

    A source that has seen images of the test part, or of the images to choose by, makes every verdict worthless. An
    attribute `title` says in tables and reports what it is; without one, the name of its class does.
    """

    def pool(self, real: ImageData, seed: int, folder: Path) -> Pool:
        """Return the synthetic images for a seed. The same arguments give the same images.

        Args:
            real: the training images of the seed.
            seed: seed of all random choices.
            folder: folder for pools, which is kept between runs.
        """
        ...


@dataclass(frozen=True)
class OwnData:
    """Generator that is fitted, for each seed anew, on the training images of this seed and on nothing else.

    Args:
        name: name of the generator; default "cvae".
        options: its options; default none.
        steps: steps of the fit; default 400.
        per_class: number of samples of each class; default 100.
    """

    name: str = "cvae"
    options: Mapping[str, Any] = field(default_factory=dict)
    steps: int = 400
    per_class: int = 100

    def __post_init__(self) -> None:
        # A wrong name or option is told now, and not after the controls have run for an hour.
        require_conditional(create_generator(self.name, **self.options))

    @property
    def title(self) -> str:
        options = "".join(f", {name}={value}" for name, value in self.options.items())
        return f"{generator_origin(self.name)}{options}, {self.steps} steps on the same images"

    def pool(self, real: ImageData, seed: int, folder: Path) -> SyntheticPool:
        fit = {"generator": generator_origin(self.name), "options": dict(self.options), "steps": self.steps}
        key = content_key({**fit, "real": data_digest(real), "seed": seed})
        return _filled(partial(self._fitted, real, seed), key, self.per_class * real.num_classes, seed, folder)

    def _fitted(self, real: ImageData, seed: int) -> Generator:
        generator = create_generator(self.name, **self.options)
        fit_if_needed(generator, real, steps=self.steps, seed=seed, progress=False)
        return generator


@dataclass(frozen=True)
class Given:
    """Generator that somebody fitted on other images. Each seed draws other samples.

    Args:
        path: folder of the generator.
        per_class: number of samples of each class; default 200.
        title: what it is, for tables and reports; default "a given generator".
    """

    path: str
    per_class: int = 200
    title: str = "a given generator"

    def pool(self, real: ImageData, seed: int, folder: Path) -> SyntheticPool:
        generator = load_generator(self.path)
        return _filled(lambda: generator, generator.digest(), self.per_class * real.num_classes, seed, folder)


@dataclass(frozen=True)
class GivenPool:
    """Pool that is there already, the same for all seeds.

    Args:
        path: folder of the pool.
        title: what it is, for tables and reports; default "a given pool".
    """

    path: str
    title: str = "a given pool"

    def pool(self, real: ImageData, seed: int, folder: Path) -> SyntheticPool:
        return SyntheticPool.open(self.path)


def title_of(source: Source) -> str:
    """Return what a source is in a few words.

    Args:
        source: the source.
    """
    return str(getattr(source, "title", type(source).__name__))


def require_conditional(generator: Generator) -> None:
    """Raise `ArgumentError` for a generator that draws no labels.

    Args:
        generator: the generator.
    """
    if "conditional" not in generator.capabilities:
        raise ArgumentError(f"generator {generator.name!r} draws no labels; a conditional one is needed")


def _filled(make: Callable[[], Generator], key: str, count: int, seed: int, folder: Path) -> SyntheticPool:
    """Return the pool of a key, which is filled only if the folder does not have the whole of it."""
    path = folder / f"{key[:32]}-{count}-{seed}"
    if path.exists():
        stored = SyntheticPool.open(path)
        if len(stored) == count:
            return stored
    generator = make()
    require_conditional(generator)
    return SyntheticPool.create(path, generator, count, seed=seed, progress=False)
