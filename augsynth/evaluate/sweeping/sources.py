"""Sources of synthetic images: a generator that is fitted on the few real images, a given one, or a given pool."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import torch

from augsynth.data import SyntheticPool
from augsynth.data.loading.datasets import ImageData
from augsynth.errors import ArgumentError
from augsynth.evaluate.provenance import data_digest, generator_origin
from augsynth.evaluate.sweeping.stored import content_key
from augsynth.generators import Generator, create_generator, load_generator
from augsynth.generators.fitting import fit_if_needed

Pool = SyntheticPool | ImageData
"""Labelled synthetic images."""

Kind = Literal["classes", "auxiliary", "varied"]
"""Kind of a pool: samples of the user's classes; of other classes; or M versions of each real image, of which item
j·M + k is version k of image j, from weak changes to strong ones."""


class Source(Protocol):
    """Origin of synthetic images. It is picklable, because pools are filled in other processes.

    A source that has seen images of the test part, or of the images to choose by, makes every verdict worthless. An
    attribute `title` says in tables and reports what it is; without one, the name of its class does. An attribute
    `kind` says what its pools are; without one, they have samples of the user's classes.
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
        key = fit_key(self.name, self.options, self.steps, real, seed)
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
        kind: "classes" (default), or "auxiliary" for a generator of other classes.
    """

    path: str
    per_class: int = 200
    title: str = "a given generator"
    kind: Kind = "classes"

    def pool(self, real: ImageData, seed: int, folder: Path) -> SyntheticPool:
        generator = load_generator(self.path)
        classes = generator.num_classes or real.num_classes
        return _filled(lambda: generator, generator.digest(), self.per_class * classes, seed, folder)


@dataclass(frozen=True)
class Varied:
    """Versions of the real images by a given generator that can `vary`; the classes stay.

    Args:
        path: folder of the generator.
        strengths: strengths of the versions of an image, rising, each in (0, 1]; default 0.2, 0.4 and 0.6.
        title: what it is, for tables and reports; default "varied real images".
        kind: "varied".
    """

    path: str
    strengths: tuple[float, ...] = (0.2, 0.4, 0.6)
    title: str = "varied real images"
    kind: Kind = "varied"

    def __post_init__(self) -> None:
        if not self.strengths or list(self.strengths) != sorted(set(self.strengths)):
            raise ArgumentError(f"strengths must rise, as in (0.2, 0.4, 0.6); got {self.strengths}")

    def pool(self, real: ImageData, seed: int, folder: Path) -> SyntheticPool:
        generator = load_generator(self.path)
        parts = {"generator": generator.digest(), "strengths": list(self.strengths), "seed": seed}
        path = folder / f"varied-{content_key({**parts, 'real': data_digest(real)})}"
        count = len(real) * len(self.strengths)
        if (stored := _stored(path, count)) is not None:
            return stored
        images, labels = as_tensor(real), torch.from_numpy(real.labels)
        versions = [generator.vary(images, strength, labels, seed=seed).images for strength in self.strengths]
        content = (torch.stack(versions, 1).flatten(0, 1), np.repeat(real.labels, len(versions)))
        return SyntheticPool.import_images(path, content, class_names=real.class_names, progress=False)


@dataclass(frozen=True)
class GivenPool:
    """Pool that is there already, the same for all seeds.

    Args:
        path: folder of the pool.
        title: what it is, for tables and reports; default "a given pool".
        kind: "classes" (default), or "auxiliary" for a pool of other classes.
    """

    path: str
    title: str = "a given pool"
    kind: Kind = "classes"

    def pool(self, real: ImageData, seed: int, folder: Path) -> SyntheticPool:
        return SyntheticPool.open(self.path)


def fit_key(name: str, options: Mapping[str, Any], steps: int, images: ImageData, seed: int) -> str:
    """Return the name under which a fitted generator, or a pool of it, is stored.

    Args:
        name: name of the generator.
        options: its options.
        steps: steps of the fit.
        images: images that it is fitted on.
        seed: seed of the fit.
    """
    fit = {"generator": generator_origin(name), "options": dict(options), "steps": steps}
    return content_key({**fit, "images": data_digest(images), "seed": seed})


def title_of(source: Source) -> str:
    """Return what a source is in a few words.

    Args:
        source: the source.
    """
    return str(getattr(source, "title", type(source).__name__))


def kind_of(source: Source) -> Kind:
    """Return the kind of the pools of a source.

    Args:
        source: the source.
    """
    kind: Kind = getattr(source, "kind", "classes")
    return kind


def require_conditional(generator: Generator) -> None:
    """Raise `ArgumentError` for a generator that draws no labels.

    Args:
        generator: the generator.
    """
    if "conditional" not in generator.capabilities:
        raise ArgumentError(f"generator {generator.name!r} draws no labels; a conditional one is needed")


def as_tensor(data: ImageData) -> torch.Tensor:
    """Return images as generators take them, uint8 (n, C, H, W).

    Args:
        data: the images.
    """
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(data.images, -1, 1)))


def _stored(path: Path, count: int) -> SyntheticPool | None:
    """Return the pool in a folder if it is whole, with `count` items."""
    if not path.exists():
        return None
    stored = SyntheticPool.open(path)
    return stored if len(stored) == count else None


def _filled(make: Callable[[], Generator], key: str, count: int, seed: int, folder: Path) -> SyntheticPool:
    """Return the pool of a key, which is filled only if the folder does not have the whole of it."""
    path = folder / f"{key[:32]}-{count}-{seed}"
    if (stored := _stored(path, count)) is not None:
        return stored
    generator = make()
    require_conditional(generator)
    return SyntheticPool.create(path, generator, count, seed=seed, progress=False)
